"""Norms over the numbers of one example, as reductions and elementwise steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.native.operators.elementwise import map_into, pair_into
from ssc_deploy.lower.native.operators.reduce import reduce_into
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.native.words import Function, Pair, Reduction

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.native.held import View
    from ssc_deploy.lower.native.planner import Planner


def normalized(planner: Planner, x: View, axes: list[int], epsilon: float, y: View) -> None:
    """Plans ``y = (x - mean) / sqrt(variance + epsilon)`` over axes."""
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    mean = reduce_into(planner, x, axes, Reduction.SUM, count)
    pair_into(planner, x, mean, y, Pair.SUBTRACT)
    variance = reduce_into(planner, y, axes, Reduction.SUM_OF_SQUARES, count)
    pair_into(
        planner, variance, planner.constant(np.full((1,) * len(x.shape), epsilon, np.float32)), variance, Pair.ADD
    )
    map_into(planner, variance, variance, Function.SQRT)
    pair_into(planner, y, variance, y, Pair.DIVIDE)


def _scaled(planner: Planner, node: ir.Node, y: View, shape: tuple[int, ...]) -> None:
    """Multiplies by the second input and adds the third, in a shape that is broadcast."""
    for index, function in ((1, Pair.MULTIPLY), (2, Pair.ADD)):
        if index < len(node.inputs) and node.inputs[index] is not None:
            pair_into(planner, y, planner.dense(node.inputs[index]).reshaped(shape), y, function)


@operator("LayerNormalization")
def layer(planner: Planner, node: ir.Node) -> None:
    """Over the last axes."""
    x = planner.view(node.inputs[0])
    axis = g.integer(node, "axis", -1) % len(x.shape)
    if any(value.uses() for value in node.outputs[1:]):
        raise refuse(node, "its mean or its deviation is read")
    y = planner.output(node.outputs[0])
    normalized(planner, x, list(range(axis, len(x.shape))), node.attributes.get_float("epsilon", 1e-5), y)
    for index, function in ((1, Pair.MULTIPLY), (2, Pair.ADD)):
        if index < len(node.inputs) and node.inputs[index] is not None:
            pair_into(planner, y, planner.view(node.inputs[index]), y, function)
    planner.set(node.outputs[0], y)


@operator("InstanceNormalization")
def instance(planner: Planner, node: ir.Node) -> None:
    """Over each plane."""
    x = planner.view(node.inputs[0])
    y = planner.output(node.outputs[0])
    normalized(planner, x, list(range(2, len(x.shape))), node.attributes.get_float("epsilon", 1e-5), y)
    _scaled(planner, node, y, (1, x.shape[1], *(1,) * (len(x.shape) - 2)))
    planner.set(node.outputs[0], y)


@operator("GroupNormalization")
def group(planner: Planner, node: ir.Node) -> None:
    """Over the channels of each group."""
    dense = planner.dense(node.inputs[0])
    groups = g.integer(node, "num_groups", 1)
    n, c, *rest = dense.shape
    split = dense.reshaped((n, groups, dense.strides[0] // groups))
    y = planner.new(split.shape)
    normalized(planner, split, [2], node.attributes.get_float("epsilon", 1e-5), y)
    scale = known.shape(node.inputs[1])[0]
    whole = y.reshaped(dense.shape)
    if scale == c:
        _scaled(planner, node, whole, (1, c, *(1,) * len(rest)))
    else:  # one number a group, before opset 21
        by_group = y.reshaped((n, groups, c // groups, *rest))
        _scaled(planner, node, by_group, (1, groups, 1, *(1,) * len(rest)))
    output = planner.output(node.outputs[0])
    planner.copy(whole, output)
    planner.set(node.outputs[0], output)
