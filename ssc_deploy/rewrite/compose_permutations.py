"""Channel permutations in a row are one, and one that changes nothing is none.

    (x[p])[q] = x[p[q]]

One that is read elsewhere, too, stays beside the composed one, which no longer waits for it.
"""

from __future__ import annotations

import onnx_ir as ir

from ssc_deploy.ir import canonical, roles
from ssc_deploy.ir import graph as g


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
    data = node.inputs[0]
    assert data is not None  # movement_of looked
    before = data.producer()
    composed = None
    if before is not None and roles.role(before) is roles.Role.SHUFFLE:
        composed = node = _compose(node, before, movement.source)
        movement = canonical.movement_of(node)
        data = node.inputs[0]
        assert movement is not None  # a composed shuffle is one
        assert data is not None
    if movement.is_identity:
        graph = node.graph
        assert graph is not None  # it was found by walking the graph
        g.take_over(node.outputs[0], data)
        graph.remove([node], safe=True)
        return True
    return composed is not None


def _compose(node: ir.Node, before: ir.Node, source: tuple[int, ...]) -> ir.Node:
    first = canonical.movement_of(before)
    graph, data = node.graph, before.inputs[0]
    assert first is not None
    assert graph is not None
    assert data is not None
    joined = g.shuffle(node, data, g.channel_indices(node, [first.source[c] for c in source]))
    g.put(node, joined)
    g.take_over(node.outputs[0], joined.outputs[0])
    graph.remove([node], safe=True)
    if not before.outputs[0].uses() and not before.outputs[0].is_graph_output():
        graph.remove([before], safe=True)
    return joined
