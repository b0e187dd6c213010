"""Sums, means and extremes over axes, and Softmax, which consists of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.native.operators.elementwise import map_into, pair_into
from ssc_deploy.lower.native.planner import Planner, at
from ssc_deploy.lower.native.registry import operator
from ssc_deploy.native.words import Function, Kind, Pair, Reduction

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.native.held import View


def reduce_into(planner: Planner, x: View, axes: list[int], function: Reduction, divisor: float = 1.0) -> View:
    """Adds a step that reduces axes of a view to one number each; returns the new value, of the same rank."""
    outer = [i for i in range(len(x.shape)) if i not in axes]
    result = planner.new(tuple(1 if i in axes else size for i, size in enumerate(x.shape)))
    planner.step(
        Kind.REDUCE,
        function,
        *(len(outer), *(x.shape[i] for i in outer)),
        *(len(axes), *(x.shape[i] for i in axes)),
        *(at(x), at(result), float(divisor)),
        *(x.strides[i] for i in outer),
        *(result.strides[i] for i in outer),
        *(x.strides[i] for i in axes),
    )
    return result


def reduced(planner: Planner, node: ir.Node, function: Reduction, axes: list[int], *, mean: bool = False) -> None:
    """Plans a reduction of the node's first input."""
    x = planner.view(node.inputs[0])
    divisor = math.prod(x.shape[axis] for axis in axes) if mean else 1
    result = reduce_into(planner, x, axes, function, divisor)
    planner.set(node.outputs[0], result.reshaped(known.shape(node.outputs[0])))


def axes_of(planner: Planner, node: ir.Node) -> list[int]:
    """The axes that a node reduces, sorted."""
    rank = len(known.shape(node.inputs[0]))
    given = planner.array(node, 1, "list of axes")
    listed = g.ints(node, "axes", ()) if given is None else tuple(given.tolist())
    if not listed and not g.integer(node, "noop_with_empty_axes", 0):
        return list(range(rank))
    return sorted(int(axis) % rank for axis in listed)


_REDUCTIONS = {
    "ReduceSum": Reduction.SUM,
    "ReduceMean": Reduction.SUM,
    "ReduceMax": Reduction.MOST,
    "ReduceMin": Reduction.LEAST,
    "ReduceProd": Reduction.PRODUCT,
    "ReduceSumSquare": Reduction.SUM_OF_SQUARES,
    "ReduceL1": Reduction.SUM_OF_SIZES,
    "ReduceL2": Reduction.SUM_OF_SQUARES,
}


@operator(*_REDUCTIONS)
def reduce(planner: Planner, node: ir.Node) -> None:
    """A loop in plain C; means of planes in sixteen sums."""
    from ssc_deploy.lower.native.operators.pool import mean_of_planes

    axes = axes_of(planner, node)
    if node.op_type == "ReduceMean" and axes == [2, 3] and len(known.shape(node.inputs[0])) == 4:
        mean_of_planes(planner, node)
        return
    if node.op_type == "ReduceL2":
        squares = reduce_into(planner, planner.view(node.inputs[0]), axes, Reduction.SUM_OF_SQUARES)
        map_into(planner, squares, squares, Function.SQRT)
        planner.set(node.outputs[0], squares.reshaped(known.shape(node.outputs[0])))
        return
    reduced(planner, node, _REDUCTIONS[node.op_type], axes, mean=node.op_type == "ReduceMean")


@operator("Softmax", "LogSoftmax")
def softmax(planner: Planner, node: ir.Node) -> None:
    """``exp(x - max x)``, divided by its sum; of the logarithm ``x - max x - log sum``."""
    x = planner.view(node.inputs[0])
    axis = g.integer(node, "axis", -1) % len(x.shape)
    result = planner.output(node.outputs[0])
    most = reduce_into(planner, x, [axis], Reduction.MOST)
    pair_into(planner, x, most, result, Pair.SUBTRACT)
    powers = planner.new(x.shape) if node.op_type == "LogSoftmax" else result
    map_into(planner, result, powers, Function.EXP)
    total = reduce_into(planner, powers, [axis], Reduction.SUM)
    if node.op_type == "LogSoftmax":
        map_into(planner, total, total, Function.LOG)
        pair_into(planner, result, total, result, Pair.SUBTRACT)
    else:
        pair_into(planner, result, total, result, Pair.DIVIDE)
    planner.set(node.outputs[0], result)
