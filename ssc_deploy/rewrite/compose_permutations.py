"""Channel permutations in a row are one, and one that changes nothing is none.

    (x[p])[q] = x[p[q]]

One that is read elsewhere, too, stays beside the composed one, which no longer waits for it.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ssc_deploy import roles
from ssc_deploy.rewrite import canonical
from ssc_deploy.rewrite import graph as g


class ComposePermutations(ir.passes.InPlacePass):
    """Composes channel permutations; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass until nothing changes."""
        modified = False
        while any(_simplify(node) for node in list(model.graph) if roles.role(node) is roles.Role.SHUFFLE):
            modified = True
        return ir.passes.PassResult(model, modified)


def _simplify(node: ir.Node) -> bool:
    movement = canonical.movement_of(node)
    if movement is None or node.graph is None:
        return False
    data, out = node.inputs[0], node.outputs[0]
    assert data is not None  # movement_of looked
    if movement.is_identity:
        g.take_over(out, data)
        node.graph.remove([node], safe=True)
        return True
    before = data.producer()
    if before is not None and roles.role(before) is roles.Role.SHUFFLE:
        return _compose(node, before, movement.source)
    return False


def _compose(node: ir.Node, before: ir.Node, source: tuple[int, ...]) -> bool:
    first = canonical.movement_of(before)
    graph, shape = node.graph, g.shape_of(node.outputs[0])
    assert first is not None
    assert graph is not None
    assert shape is not None
    composed = np.array([first.source[c] for c in source], np.int64)
    indices = g.initializer(graph, f"{roles.block(node)}/channels", composed)
    joined = g.node_like(node, "Gather", [before.inputs[0], indices], {"axis": 1}, shape=shape, role=roles.Role.SHUFFLE)
    g.put(node, joined)
    g.take_over(node.outputs[0], joined.outputs[0])
    graph.remove([node], safe=True)
    if not before.outputs[0].uses() and not before.outputs[0].is_graph_output():
        graph.remove([before], safe=True)
    return True
