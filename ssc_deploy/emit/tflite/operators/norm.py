"""Normalisations by statistics of the values themselves.

    y = (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias

TFLite has none of them. The mean is taken away before it is squared, as PyTorch does, so that no digits are lost; the
quotient, the scale and the bias are of few numbers, so that each number of the image meets four operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.linear import along_axis
from ssc_deploy.emit.tflite.operators.reduce import mean
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph


@operator("LayerNormalization")
def layer_normalization(graph: Graph, node: ir.Node) -> None:
    """MEAN, SUB, MUL, MEAN, ADD, SQRT, DIV, MUL and ADD, over the last axes."""
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        raise refuse(node, "its mean and its deviation are read, too")
    f = Formula(graph, node)
    x = f.input(0)
    rank = len(f.shape(x))
    axes = list(range(node.attributes.get_int("axis", -1) % rank, rank))
    difference, factor = _centred(f, x, axes, node.attributes.get_float("epsilon", 1e-5))
    result = f.op("Mul", f.op("Mul", difference, factor), f.input(1))
    f.give(f.op("Add", result, f.input(2)) if f.has_input(2) else result)


@operator("InstanceNormalization")
def instance_normalization(graph: Graph, node: ir.Node) -> None:
    """MEAN, SUB, MUL, MEAN, ADD, SQRT, DIV, MUL and ADD, over all axes but the batch and the channels."""
    f = Formula(graph, node)
    x = f.input(0)
    axes = list(range(2, len(f.shape(x))))
    difference, factor = _centred(f, x, axes, node.attributes.get_float("epsilon", 1e-5))
    f.give(_scaled(f, difference, factor, len(axes)))


@operator("GroupNormalization")
def group_normalization(graph: Graph, node: ir.Node) -> None:
    """The means of channels, and of these the means of groups: SUB, MUL and ADD take the image as it lies."""
    f = Formula(graph, node)
    x, groups = f.input(0), node.attributes["num_groups"].as_int()
    shape = f.shape(x)
    axes = list(range(2, len(shape)))
    channels, group = shape[1], shape[1] // groups
    if f.shape(f.input(1)) != (channels,):
        raise refuse(node, "it has a scale for each group; opset 21 has one for each channel")

    def of_groups(value: ir.Value) -> ir.Value:
        """The mean of each group, for each of its channels: [N, C, 1, ...]."""
        means = mean(f, value, axes) if axes else value
        if group > 1:
            means = f.op("ReduceMean", f.op("Reshape", means, integers(-1, groups, group)), integers(2))
            means = f.op("Mul", means, np.ones((1, 1, group), np.float32))
        return f.op("Reshape", means, integers(-1, channels, *(1,) * len(axes)))

    difference = f.op("Sub", x, of_groups(x))
    variance = of_groups(f.op("Mul", difference, difference))
    factor = _inverse(f, variance, node.attributes.get_float("epsilon", 1e-5))
    f.give(_scaled(f, difference, factor, len(axes)))


@operator("LpNormalization")
def lp_normalization(graph: Graph, node: ir.Node) -> None:
    """X / sqrt(sum of x^2), or / sum of |x|, along an axis."""
    f = Formula(graph, node)
    kind = "ReduceL1" if node.attributes.get_int("p", 2) == 1 else "ReduceL2"
    f.give(f.op("Div", f.input(0), f.op(kind, f.input(0), integers(node.attributes.get_int("axis", -1)))))


@operator("LRN")
def local_response_normalization(graph: Graph, node: ir.Node) -> None:
    """X / (bias + alpha / size * sum of the squares of the channels around)^beta; the sum is a product with a band."""
    f = Formula(graph, node)
    x, size = f.input(0), node.attributes["size"].as_int()
    channels, before = f.shape(x)[1], (size - 1) // 2
    away = np.arange(channels)[:, None] - np.arange(channels)
    band = ((away <= before) & (-away <= size - 1 - before)).astype(np.float32)
    alpha = node.attributes.get_float("alpha", 1e-4) / size
    squares = f.stored(f.op("Mul", x, x))
    total = f.value(along_axis(graph, squares, 1, band * np.float32(alpha), name_of(node.outputs[0])))
    scale = f.op("Add", total, node.attributes.get_float("bias", 1.0))
    f.give(f.op("Div", x, f.op("Pow", scale, node.attributes.get_float("beta", 0.75))))


def _centred(f: Formula, x: ir.Value, axes: list[int], epsilon: float) -> tuple[ir.Value, ir.Value]:
    """X - mean, and 1 / sqrt(variance + epsilon)."""
    difference = f.op("Sub", x, mean(f, x, axes))
    return difference, _inverse(f, mean(f, f.op("Mul", difference, difference), axes), epsilon)


def _inverse(f: Formula, variance: ir.Value, epsilon: float) -> ir.Value:
    return f.op("Reciprocal", f.op("Sqrt", f.op("Add", variance, epsilon)))


def _scaled(f: Formula, difference: ir.Value, factor: ir.Value, axes: int) -> ir.Value:
    """Difference * (factor * scale) + bias, of which scale and bias [C] are inputs 1 and 2 of the node."""
    scale, bias = (f.reshaped(f.input(i), -1, *(1,) * axes) for i in (1, 2))
    return f.op("Add", f.op("Mul", difference, f.op("Mul", factor, scale)), bias)
