"""ScatterND and ScatterElements that write whole lines: what a slice assignment from another value becomes.

    out[i] = updates[j]    where indices[j] = i, the last such j
             data[i]       elsewhere                                (i counts the lines of one axis)

TFLite's scatters write into zeros only and stay outside of XNNPACK; lines are cut out of both and joined.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.pieces import along, join
from ssc_deploy.emit.tflite.order import Stored, canonical
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order


@operator("ScatterND", "ScatterElements")
def scatter(graph: Graph, node: ir.Node) -> None:
    """SLICE and CONCATENATION, where whole rows, columns or channels are written at constant indices.

    See the module's docstring.
    """
    if node.attributes.get_string("reduction", "none") != "none":
        raise refuse(node, "it adds up instead of writing over")
    computed = [graph.stored(node, i) for i in (0, 2) if graph.constant(node.inputs[i]) is None]
    if not computed:
        raise refuse(node, "all its inputs are constants; fold constants before emission")
    axis, written = _lines(graph, node, computed[0].rank)
    if any(value.dynamic is not None for value in computed) and (
        len(computed) == 1 or any(value.dynamic == axis for value in computed)
    ):
        raise refuse(node, "it joins a constant to a dynamic batch, or writes along it; export with a fixed batch")
    usual = canonical(computed[0].rank)
    order = usual if any(value.order == usual for value in computed) else computed[0].order
    data, updates = (_operand(graph, node, i, order) for i in (0, 2))
    size = data.shape[axis]
    lines = [(data, i) for i in range(size)]
    for j, i in enumerate(written):
        lines[i % size] = (updates, j)
    parts = []
    # A run: lines of one value, each behind the one before.
    for _, run in itertools.groupby(enumerate(lines), key=lambda e: (e[1][0] is updates, e[1][1] - e[0])):
        (_, (value, first)), *rest = run
        parts.append(along(graph, value, axis, range(first, first + 1 + len(rest)), name_of(node.outputs[0])))
    graph.define(node.outputs[0], join(graph, parts, axis, name_of(node.outputs[0])))


def _lines(graph: Graph, node: ir.Node, rank: int) -> tuple[int, list[int]]:
    """The axis, and by line of the updates the line of the data that it is written to."""
    indices = graph.constant_input(node, 1)
    if node.op_type == "ScatterND":
        if indices.ndim == 2 and indices.shape[1] == 1:
            return 0, indices[:, 0].tolist()
    else:
        axis = node.attributes.get_int("axis", 0) % rank
        lines = np.moveaxis(indices, axis, 0).reshape(indices.shape[axis], -1)
        sizes = None if node.inputs[0] is None or node.inputs[0].shape is None else list(node.inputs[0].shape)
        whole = sizes is not None and all(
            indices.shape[a] == size for a, size in enumerate(sizes) if a != axis and isinstance(size, int)
        )
        if whole and (lines == lines[:, :1]).all():
            return axis, lines[:, 0].tolist()
    raise refuse(node, "it writes single numbers; whole rows, columns or channels are known here")


def _operand(graph: Graph, node: ir.Node, index: int, order: Order) -> Stored:
    array = graph.constant(node.inputs[index])
    if array is None:
        return graph.need(node, index, order)
    tensor = graph.floats(name_of(node.inputs[index]), graph.float_input(node, index).transpose(order))
    return Stored(tensor, array.shape, order, None)
