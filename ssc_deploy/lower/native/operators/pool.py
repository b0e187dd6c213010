"""Pools: windows, and whole planes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.native.margins import averages_by_weights, reach
from ssc_deploy.lower.native.operators.conv import depthwise, window_of
from ssc_deploy.lower.native.operators.reduce import reduced
from ssc_deploy.lower.native.planner import Planner, at
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.lower.native.writing import Offsets
from ssc_deploy.native.words import Kind, Reduction

if TYPE_CHECKING:
    import onnx_ir as ir


@operator("GlobalAveragePool")
def whole_mean(planner: Planner, node: ir.Node) -> None:
    """The mean of each plane, added in sixteen sums."""
    if len(known.shape(node.inputs[0])) != 4:
        reduced(planner, node, Reduction.SUM, list(range(2, len(known.shape(node.inputs[0])))), mean=True)
        return
    mean_of_planes(planner, node)


def mean_of_planes(planner: Planner, node: ir.Node) -> None:
    """Plans the mean of each plane of the node's input, in the output's order of channels."""
    x = planner.planes(node.inputs[0])
    n, c, height, width = x.shape
    out = known.shape(node.outputs[0])
    means = planner.new((n * c,))
    offsets = Offsets(x.refs)
    n_floats, tiles = (height * width, 1) if x.pitch == width else (width, height)
    planner.step(Kind.SUMS, n * c, n_floats, tiles, offsets.base, x.pitch, at(means), offsets, float(height * width))
    planner.set(node.outputs[0], means.reshaped(out))


@operator("GlobalMaxPool")
def whole_most(planner: Planner, node: ir.Node) -> None:
    """The largest number of each plane."""
    reduced(planner, node, Reduction.MOST, list(range(2, len(known.shape(node.inputs[0])))))


@operator("MaxPool", "AveragePool")
def pool(planner: Planner, node: ir.Node) -> None:
    """A depthwise convolution where each window has as many numbers, else windows in plain C."""
    shape, out = known.shape(node.inputs[0]), known.shape(node.outputs[0])
    if len(shape) != 4:
        raise refuse(node, "it goes over no image")
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise refuse(node, "its second output, of indices, is read")
    window = window_of(node, g.ints(node, "kernel_shape", (1, 1)), out[2:])
    if averages_by_weights(node):
        weight, channels = np.float32(1 / math.prod(window.kernel)), shape[1]
        depthwise(
            planner,
            node.outputs[0],
            planner.planes(node.inputs[0]),
            weights=np.full((channels, 1, *window.kernel), weight, np.float32),
            bias=np.zeros(channels, np.float32),
            window=window,
            margin=reach(node),
        )
        return
    x, y = planner.view(node.inputs[0]), planner.output(node.outputs[0])
    sizes = (*out, *shape[2:], *window.kernel, *window.strides, *window.dilations, *window.pads)
    function = Reduction.MOST if node.op_type == "MaxPool" else Reduction.SUM
    counted = g.integer(node, "count_include_pad", 0)
    planner.step(Kind.POOL, int(function), counted, *sizes, at(x), at(y), *x.strides, *y.strides)
    planner.set(node.outputs[0], y)
