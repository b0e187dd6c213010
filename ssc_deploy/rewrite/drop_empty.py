"""Removes tensors without values, if their readers compute the same without them.

    concat(x, empty) = x,    scatter(x, empty) = x,    pad(empty) = zeros,    split(x, [n, 0]) = x

An image of one row leaves such tensors where a shift by a row is written with slices. What else reads one is refused
by `supported`.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Builder, take_over


class DropEmpty(ir.passes.InPlacePass):
    """Drops empty operands; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = sum(_drop(node) for node in list(model.graph)) > 0
        # What read the empty pieces of a Split is gone by now.
        modified |= sum(_drop_pieces(node) for node in list(model.graph) if node.op_type == "Split") > 0
        if modified:
            common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified)


def _drop(node: ir.Node) -> bool:
    output = node.outputs[0] if node.outputs else None
    if output is None or not any(_is_empty(value) for value in node.inputs) or _is_empty(output):
        return False
    match node.op_type:
        case "Concat":
            kept = [value for value in node.inputs if not _is_empty(value)]
            shape = g.shape_of(output)
            if shape is None:
                return False
            builder = Builder(node)
            builder.replace(builder.again(node, kept, shape=shape))
            return True
        case "ScatterND" | "ScatterElements":
            data = node.inputs[0]
            if data is None or (g.is_constant(data) and output.is_graph_output()):
                return False
            if g.is_constant(data):
                output.replace_all_uses_with(data)
            else:
                take_over(output, data)
        case "Pad":
            shape, value = g.shape_of(output), g.constant(node.inputs[2]) if len(node.inputs) > 2 else None
            if shape is None or (value is not None and value.any()) or output.is_graph_output():
                return False
            zeros = g.initializer(known.graph(node), output.name or "zeros", np.zeros(shape, np.float32))
            output.replace_all_uses_with(zeros)
        case _:
            return False
    known.graph(node).remove([node], safe=True)
    return True


def _drop_pieces(node: ir.Node) -> bool:
    """Splits without the pieces that are empty and that nothing reads."""
    graph, axis, builder = known.graph(node), g.integer(node, "axis", 0), Builder(node)
    kept = [value for value in node.outputs if not _is_empty(value) or value.uses() or value.is_graph_output()]
    shapes = [shape for output in kept if (shape := g.shape_of(output)) is not None]
    if len(kept) == len(node.outputs) or len(shapes) < len(kept) or not kept:
        return False
    sizes = g.initializer(graph, f"{node.name or 'split'}/sizes", np.array([shape[axis] for shape in shapes], np.int64))
    pieces = builder.ops("Split", [node.inputs[0], sizes], {"axis": axis}, shapes=shapes)
    builder.insert()
    for old, new in zip(kept, pieces, strict=True):
        take_over(old, new)
    graph.remove([node], safe=True)
    return True


def _is_empty(value: ir.Value | None) -> bool:
    shape = g.shape_of(value)
    return shape is not None and 0 in shape
