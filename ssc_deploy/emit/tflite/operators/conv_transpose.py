"""Transposed convolution.

    y[o, i * stride + k * dilation - before] += x[c, i] * w[c, o, k]

TFLite's own has neither groups nor dilations, and cuts as SAME and VALID say. With groups or dilations, zeros are put
between the pixels, and a convolution with the kernel turned round does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula, Operand, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.line import of_rank_3
from ssc_deploy.emit.tflite.operators.pieces import cut
from ssc_deploy.emit.tflite.order import IMAGE, Stored, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("ConvTranspose")
def conv_transpose(graph: Graph, node: ir.Node) -> None:
    """TRANSPOSE_CONV, and SLICE where SAME and VALID do not fit; with groups or dilations PAD and CONV_2D."""
    weight = graph.float_input(node, 1)
    axes = weight.ndim - 2
    if axes == 1:
        of_rank_3(graph, node)
        return
    if axes != 2:
        raise refuse(node, f"its window has {axes} dimensions where 1 and 2 are known here")
    groups, dilations = node.attributes.get_int("group", 1), node.attributes.get_ints("dilations", (1, 1))
    size = graph.stored(node, 0).shape[2:]
    before, out = _placement(node, size, weight.shape[2:], dilations)
    # TRANSPOSE_CONV is told its size, the batch included.
    if groups > 1 or set(dilations) != {1} or graph.stored(node, 0).dynamic is not None:
        _by_convolution(graph, node, weight, before, out)
    else:
        _own(graph, node, weight, before, out)


@operator("Col2Im")
def columns_to_image(graph: Graph, node: ir.Node) -> None:
    """A transposed convolution in groups, each tap of which puts one number of a column in its place."""
    f = Formula(graph, node)
    size, block = (graph.constant_input(node, i).tolist() for i in (1, 2))
    if len(size) != 2:
        raise refuse(node, f"it makes an image of {len(size)} dimensions where 2 are known here")
    ones, taps = (1, 1), block[0] * block[1]
    dilations, strides = (node.attributes.get_ints(name, ones) for name in ("dilations", "strides"))
    pads = node.attributes.get_ints("pads", (0, 0, 0, 0))
    lines = [
        (n + a + b - (k - 1) * d - 1) // s + 1
        for n, a, b, k, d, s in zip(size, pads[:2], pads[2:], block, dilations, strides, strict=True)
    ]
    channels = f.shape(f.input(0))[1] // taps
    image = f.op("Reshape", f.input(0), integers(-1, channels * taps, *lines))
    kernel = np.tile(np.eye(taps, dtype=np.float32).reshape(taps, 1, *block), (channels, 1, 1, 1))
    attributes = {"pads": pads, "strides": strides, "dilations": dilations, "group": channels}
    f.give(f.op("ConvTranspose", image, kernel, output_shape=size, **attributes))


def _own(
    graph: Graph, node: ir.Node, weight: npt.NDArray[np.float32], before: Sequence[int], out: Sequence[int]
) -> None:
    image, output = graph.need(node, 0, IMAGE), node.outputs[0]
    name, strides = name_of(output), node.attributes.get_ints("strides", (1, 1))
    full = [(n - 1) * s + k for n, s, k in zip(image.shape[2:], strides, weight.shape[2:], strict=True)]
    total = [max(a - b, 0) for a, b in zip(full, out, strict=True)]
    same = all(
        b == t // 2 and a - o == t and -(-o // s) == n
        for b, t, a, o, s, n in zip(before, total, full, out, strides, image.shape[2:], strict=True)
    )
    # What lies behind the last pixel's reach is the bias alone.
    written = list(out) if same else [max(a, b + o) for a, b, o in zip(full, before, out, strict=True)]
    options = schema.TransposeConvOptionsT()
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    options.strideH, options.strideW = strides
    channels = weight.shape[1]
    bias = graph.float_input(node, 2) if len(node.inputs) > 2 and node.inputs[2] is not None else np.zeros(channels)
    inputs = [
        graph.integers(f"{name}/size", [image.shape[0], *written, channels]),
        # [I, O, kh, kw] -> [O, kh, kw, I]
        graph.floats(f"{name}/filter", weight.transpose(1, 2, 3, 0)),
        image.tensor,
        graph.floats(f"{name}/bias", bias),
    ]
    shape = (image.shape[0], channels, *written)
    # Version 3 is the first with a bias.
    result = graph.add(_OP.TRANSPOSE_CONV, inputs, name, image, shape=shape, options=options, version=3)
    if not same:
        spans = [range(n) for n in shape[:2]] + [range(b, b + o) for b, o in zip(before, out, strict=True)]
        result = cut(graph, result, spans, name)
    graph.define(output, result)


def _by_convolution(
    graph: Graph, node: ir.Node, weight: npt.NDArray[np.float32], before: Sequence[int], out: Sequence[int]
) -> None:
    f = Formula(graph, node)
    groups, dilations = node.attributes.get_int("group", 1), node.attributes.get_ints("dilations", (1, 1))
    strides = node.attributes.get_ints("strides", (1, 1))
    image = _spread(graph, graph.need(node, 0, IMAGE), strides, name_of(node.outputs[0]))
    reach = [(k - 1) * d for k, d in zip(weight.shape[2:], dilations, strict=True)]
    first = [r - b for r, b in zip(reach, before, strict=True)]
    last = [o + r - n - a for o, r, n, a in zip(out, reach, image.shape[2:], first, strict=True)]
    padded = f.op("Pad", f.value(image), integers(0, 0, *first, 0, 0, *last))
    # [I, O / groups, kh, kw] -> [O, I / groups, kh, kw], turned round
    inputs, per_group = weight.shape[0] // groups, weight.shape[1]
    kernel = weight.reshape(groups, inputs, per_group, *weight.shape[2:]).swapaxes(1, 2)
    kernel = kernel.reshape(groups * per_group, inputs, *weight.shape[2:])[:, :, ::-1, ::-1]
    operands: list[Operand] = [padded, np.ascontiguousarray(kernel), *([f.input(2)] if f.has_input(2) else [])]
    f.give(f.op("Conv", *operands, group=groups, dilations=tuple(dilations)))


def _spread(graph: Graph, image: Stored, strides: Sequence[int], name: str) -> Stored:
    """Puts strides - 1 lines of zeros behind each row and each column."""
    n, channels, height, width = image.shape
    down, across = strides
    options, dynamic = schema.PadOptionsT(), None if image.dynamic is None else 0

    def spread(rows: int, step: int, line: int) -> None:
        nonlocal image
        flat = graph.reshape(image, (rows, 1, line), plain(3), name, dynamic=dynamic)
        paddings = graph.integers(f"{name}/paddings", [(0, 0), (0, step - 1), (0, 0)])
        image = graph.add(_OP.PAD, [flat.tensor, paddings], name, flat, shape=(rows, step, line), options=options)

    if across > 1:
        spread(n * height * width, across, channels)
    if down > 1:
        spread(n * height, down, width * across * channels)
    shape = (n, channels, height * down, width * across)
    return graph.reshape(image, shape, IMAGE, name, dynamic=dynamic)


def _placement(
    node: ir.Node, size: Sequence[int], kernel: Sequence[int], dilations: Sequence[int]
) -> tuple[list[int], list[int]]:
    """How many lines before the first are cut off, and how many stay, for each axis."""
    axes = len(size)
    strides = node.attributes.get_ints("strides", (1,) * axes)
    extra = node.attributes.get_ints("output_padding", (0,) * axes)
    pads = node.attributes.get_ints("pads", (0,) * 2 * axes)
    auto_pad, wanted = node.attributes.get_string("auto_pad", "NOTSET"), node.attributes.get_ints("output_shape", ())
    reaches = [
        s * (n - 1) + (k - 1) * d + 1 + e for s, n, k, d, e in zip(strides, size, kernel, dilations, extra, strict=True)
    ]
    if wanted or auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
        out = list(wanted) or [n * s for n, s in zip(size, strides, strict=True)]
        totals = [max(reach - o, 0) for reach, o in zip(reaches, out, strict=True)]
        return [t // 2 if auto_pad == "SAME_UPPER" else t - t // 2 for t in totals], out
    if auto_pad == "VALID":
        pads = (0,) * 2 * axes
    return list(pads[:axes]), [reach - a - b for reach, a, b in zip(reaches, pads[:axes], pads[axes:], strict=True)]
