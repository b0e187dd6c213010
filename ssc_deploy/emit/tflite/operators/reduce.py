"""Reductions over axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.pool import pool_whole
from ssc_deploy.emit.tflite.order import IMAGE, Stored
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

_REDUCTIONS = {
    "ReduceMax": _OP.REDUCE_MAX,
    "ReduceMean": _OP.MEAN,
    "ReduceMin": _OP.REDUCE_MIN,
    "ReduceProd": _OP.REDUCE_PROD,
    "ReduceSum": _OP.SUM,
}


@operator(*_REDUCTIONS)
def reduce(graph: Graph, node: ir.Node) -> None:
    """MEAN, SUM, REDUCE_MAX, REDUCE_MIN or REDUCE_PROD; AVERAGE_POOL_2D for the faster mean over height and width."""
    stored, output, reduced = graph.stored(node, 0), node.outputs[0], axes_of(graph, node)
    if not reduced:
        graph.define(output, stored)
        return
    if stored.dynamic in reduced:
        raise refuse(node, "it reduces the dynamic batch")
    keeps = bool(node.attributes.get_int("keepdims", 1))
    kept = [axis for axis in range(stored.rank) if keeps or axis not in reduced]
    shape = tuple(1 if axis in reduced else stored.shape[axis] for axis in kept)
    dynamic = None if stored.dynamic is None else kept.index(stored.dynamic)
    name = name_of(output)
    if node.op_type == "ReduceMean" and stored.rank == 4 and reduced == {2, 3}:
        none = schema.ActivationFunctionType.NONE
        result = pool_whole(graph, _OP.AVERAGE_POOL_2D, graph.need(node, 0, IMAGE), none, name)
        order = tuple(kept.index(axis) for axis in result.order if axis in kept)
        graph.define(output, graph.reshape(result, shape, order, name, dynamic=dynamic))
        return
    # The axes that stay keep the order in which they are stored.
    order = tuple(kept.index(axis) for axis in stored.order if axis in kept)
    options = schema.ReducerOptionsT()
    options.keepDims = keeps
    positions = sorted(stored.order.index(axis) for axis in reduced)
    inputs = [stored.tensor, graph.integers(f"{name}/axes", positions)]
    like = Stored(-1, shape, order, dynamic, stored.dtype)
    graph.define(output, graph.add(_REDUCTIONS[node.op_type], inputs, name, like, options=options))


@operator("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum")
def reduce_of_terms(graph: Graph, node: ir.Node) -> None:
    """SUM of ABS or of squares, and SQRT or LOG of that."""
    f = Formula(graph, node)
    x = f.input(0)
    terms = {"ReduceL1": ("Abs", x), "ReduceLogSum": None}.get(node.op_type, ("Mul", x, x))
    total = _along(f, node, "ReduceSum", x if terms is None else f.op(*terms), axes_of(graph, node))
    after = {"ReduceL2": "Sqrt", "ReduceLogSum": "Log"}.get(node.op_type)
    f.give(f.op(after, total) if after else total)


@operator("ReduceLogSumExp")
def reduce_log_sum_exp(graph: Graph, node: ir.Node) -> None:
    """Max + log(sum(e^(x - max))): no exponential overflows."""
    f = Formula(graph, node)
    x, axes = f.input(0), axes_of(graph, node)
    largest = f.op("ReduceMax", x, np.array(sorted(axes)))
    rest = f.op("Sub", x, largest)
    total = f.op("Log", _along(f, node, "ReduceSum", f.op("Exp", rest), axes))
    f.give(f.op("Add", _along(f, node, "ReduceMax", largest, axes), total))


@operator("GlobalLpPool")
def global_lp_pool(graph: Graph, node: ir.Node) -> None:
    """SUM of the powers of the absolute values, and the root of that."""
    f = Formula(graph, node)
    x, p = f.input(0), node.attributes.get_int("p", 2)
    total = f.op("ReduceSum", f.op("Pow", f.op("Abs", x), float(p)), np.arange(2, len(f.shape(x))))
    f.give(f.op("Pow", total, 1 / p))


def axes_of(graph: Graph, node: ir.Node) -> set[int]:
    """The axes that a reduction reduces, from the attribute (until opset 17) or the second input."""
    rank = graph.stored(node, 0).rank
    if "axes" in node.attributes:
        axes = list(node.attributes["axes"].as_ints())
    elif len(node.inputs) > 1 and node.inputs[1] is not None:
        axes = [int(axis) for axis in graph.constant_input(node, 1)]
    else:
        axes = []
    if not axes and not node.attributes.get_int("noop_with_empty_axes", 0):
        axes = list(range(rank))
    return {axis % rank for axis in axes}


def _along(f: Formula, node: ir.Node, op_type: str, value: ir.Value, axes: set[int]) -> ir.Value:
    if not axes:
        return value
    return f.op(op_type, value, np.array(sorted(axes)), keepdims=node.attributes.get_int("keepdims", 1))


def mean(f: Formula, x: ir.Value, axes: list[int]) -> ir.Value:
    """The mean over axes, which are kept; over many numbers one axis after the other, as `lower.long_means` does."""
    shape = f.shape(x)
    if len(axes) > 1 and math.prod(shape[axis] for axis in axes) > _LONG:
        for axis in reversed(axes):
            x = f.op("ReduceMean", x, np.array([axis]))
        return x
    return f.op("ReduceMean", x, np.array(axes))


#: Numbers whose mean is one operator.
_LONG = 256
