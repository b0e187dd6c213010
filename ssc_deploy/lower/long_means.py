"""A mean or a sum over a large window is computed along its rows first, then over what the rows gave.

    mean over H x W  =  mean over H (mean over W)              sum over H x W  =  sum over H (sum over W)

Runtimes add the pixels of a window one after the other, in float32. The error of such a sum grows with the number of
its terms, which becomes H + W instead of H W. Errors of the mean over a whole image, as one ``GlobalAveragePool`` and
as two pools, measured on x86-64 with ONNX Runtime 1.32 and LiteRT 2.3:

    channels x image                     one constant, 0.72       random, behind a ReLU
    64 x 28 x 28       ONNX Runtime      5.7e-06 -> 6.0e-08       3.2e-07 -> 7.9e-08
    64 x 56 x 56       ONNX Runtime      9.9e-06 -> 6.0e-08       6.1e-07 -> 1.2e-07
    32 x 112 x 112     ONNX Runtime      1.2e-04 -> 8.9e-07       1.1e-06 -> 1.5e-07
    16 x 224 x 224     ONNX Runtime      3.3e-04 -> 6.6e-07       2.3e-06 -> 2.4e-07
    32 x 112 x 112     LiteRT            6.4e-06 -> 0             5.6e-07 -> 9.0e-08
    16 x 224 x 224     LiteRT            2.5e-05 -> 0             8.3e-07 -> 7.8e-08

Behind a 3x3 convolution and before a Mul, as in squeeze-and-excitation, the time of ONNX Runtime differs by less than
it varies from run to run. Two ReduceMean are as exact, but take 2 % of such a block more, as ONNX Runtime leaves its
own layout of channels before them.

Windows of up to 16 x 16 pixels stay as they are: their error is small, and one operator is faster than two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Builder, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import onnx_ir as ir

#: Pixels of a window whose mean, or sum, is one operator.
_PIXELS = 16 * 16

#: Values of ``auto_pad`` that add nothing.
_UNPADDED = {"NOTSET", "VALID"}


def split(model: ir.Model, leave: Collection[ir.Node]) -> None:
    """Splits the means and sums over large windows, in place; see the module.

    Args:
        model: a graph of static shapes.
        leave: nodes that are left as they are.
    """
    for node in list(model.graph):
        builder, name = Builder(node), node.outputs[0].name
        result = None if node in leave else _split(builder)
        if result is not None:
            builder.replace(result).name = name
            builder.nodes[0].outputs[0].name = f"{name}/rows"


def _split(builder: Builder) -> ir.Value | None:
    """What stands for a node; None if it stays."""
    node = builder.node
    shape = g.shape_of(node.inputs[0]) if node.inputs else None
    if shape is None or len(shape) != 4 or g.shape_of(node.outputs[0]) is None:
        return None
    if node.op_type in {"ReduceMean", "ReduceSum"}:
        axes = g.constant(node.inputs[1]) if len(node.inputs) > 1 else None
        reduced = [] if axes is None else sorted(int(axis) % 4 for axis in axes.reshape(-1))
        return _reductions(builder, reduced) if _is_large(shape[2:]) and reduced[-2:] == [2, 3] else None
    if node.op_type == "GlobalAveragePool" and _is_large(shape[2:]):
        return _pools(builder, shape[2:], (1, 1))
    if node.op_type == "AveragePool" and _is_plain(node):
        window = g.ints(node, "kernel_shape", ())
        return _pools(builder, window, g.ints(node, "strides", (1, 1))) if _is_large(window) else None
    return None


def _is_large(window: Sequence[int]) -> bool:
    return math.prod(window) > _PIXELS and min(window) > 1


def _is_plain(node: ir.Node) -> bool:
    """Whether all windows of a pool lie within the image, without gaps."""
    inside = not any(g.ints(node, "pads", ())) and node.attributes.get_string("auto_pad", "NOTSET") in _UNPADDED
    return inside and set(g.ints(node, "dilations", ())) <= {1} and not g.integer(node, "ceil_mode", 0)


def _reductions(builder: Builder, axes: Sequence[int]) -> ir.Value:
    """Along the last of the axes, then along the others."""
    node = builder.node
    keeps, value = g.integer(node, "keepdims", 1), known.data(node)
    size, out = (*known.shape(value)[:3], 1), known.shape(node.outputs[0])
    for some, keepdims, shape in ((axes[-1:], 1, size), (axes[:-1] if keeps else axes, keeps, out)):
        along = Place(node).integers("axes", *some)
        value = builder.op(node.op_type, [value, along], {"keepdims": keepdims}, shape=shape)
    return value


def _pools(builder: Builder, window: Sequence[int], strides: Sequence[int]) -> ir.Value:
    data = known.data(builder.node)
    size = (*known.shape(data)[:3], known.shape(builder.node.outputs[0])[3])
    across = {"kernel_shape": (1, window[1]), "strides": (1, strides[1])}
    down = {"kernel_shape": (window[0], 1), "strides": (strides[0], 1)}
    rows = builder.op("AveragePool", [data], across, shape=size)
    return builder.op("AveragePool", [rows], down)
