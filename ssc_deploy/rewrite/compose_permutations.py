"""Composes channel permutations in a row, and removes those that change nothing.

    (x[p])[q] = x[p[q]]

If another operator reads one of them, it stays beside the composed one.
"""

from __future__ import annotations

import onnx_ir as ir

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder


class ComposePermutations(ir.passes.InPlacePass):
    """Composes channel permutations; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass, once along the graph: those before one are composed already when it is looked at."""
        modified = False
        for node in list(model.graph):
            if node.graph is not None and roles.role(node) is roles.Role.SHUFFLE:
                modified |= _simplify(node)
        return ir.passes.PassResult(model, modified)


def _simplify(node: ir.Node) -> bool:
    movement = canonical.movement_of(node)
    if movement is None:
        return False
    builder, data = Builder(node), known.data(node)
    before = data.producer()
    earlier = canonical.movement_of(before) if before and roles.role(before) is roles.Role.SHUFFLE else None
    if before is not None and earlier is not None:
        data = known.data(before)
        movement = mv.permutation(tuple(earlier.source[c] for c in movement.source), earlier.in_channels)
    elif not movement.is_identity:
        return False
    builder.replace(data if movement.is_identity else builder.shuffle(data, movement.source))
    if before is not None and earlier is not None and _is_unused(before.outputs[0]):
        known.graph(before).remove([before], safe=True)
    return True


def _is_unused(value: ir.Value) -> bool:
    return not value.uses() and not value.is_graph_output()
