"""Pooling."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.activation import Activation, activation_of
from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.line import of_rank_3
from ssc_deploy.emit.tflite.operators.linear import along_axis
from ssc_deploy.emit.tflite.operators.padding import pad_feature_map
from ssc_deploy.emit.tflite.operators.pieces import along, join
from ssc_deploy.emit.tflite.operators.subsample import subsample
from ssc_deploy.emit.tflite.operators.volume import max_pool_of_rank_5
from ssc_deploy.emit.tflite.order import IMAGE, Stored
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.emit.tflite.window import Window, window_of
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("MaxPool")
def max_pool(graph: Graph, node: ir.Node) -> None:
    """MAX_POOL_2D; behind PAD, or behind SLICE and CONCATENATION, where the padding is not TFLite's SAME. No indices.

    SAME leaves the padding out of the maximum, as ONNX does. Other padding repeats the edge, which every window that
    reaches beyond it has seen; behind a ReLU it is zeros, as no maximum there is less. With dilations: MAXIMUM of cuts.
    """
    if any(indices.uses() or indices.is_graph_output() for indices in node.outputs[1:]):
        raise refuse(node, "its second output (indices) is used")
    if graph.stored(node, 0).rank == 3:
        of_rank_3(graph, node)
        return
    if graph.stored(node, 0).rank == 5:
        max_pool_of_rank_5(graph, node)
        return
    feature_map = graph.need(node, 0, IMAGE)
    window, _ = _window(graph, node, feature_map)
    if window.dilations != (1, 1):
        _dilated_maximum(graph, node, feature_map, window)
        return
    activation, output = graph.fuse(node)
    padding = window.padding
    if padding is None:
        feature_map = _padded_for_maximum(graph, node, feature_map, window, name_of(output))
        padding = int(schema.Padding.VALID)
    graph.define(
        output,
        _pool(graph, _OP.MAX_POOL_2D, feature_map, window, name_of(output), padding=padding, activation=activation),
    )


@operator("AveragePool")
def average_pool(graph: Graph, node: ir.Node) -> None:
    """AVERAGE_POOL_2D; with PAD before and MUL behind it where the padding is not TFLite's SAME.

    With dilations DEPTHWISE_CONV_2D. SAME divides by the pixels inside the image only (``count_include_pad`` 0). Other
    padding is written as zeros, which VALID then counts; where ONNX counts fewer, a MUL by kernel area / taps that
    count puts that right.
    """
    if graph.stored(node, 0).rank > len(IMAGE):
        _mean_along_axes(graph, node)
        return
    if graph.stored(node, 0).rank == 3:
        of_rank_3(graph, node)
        return
    feature_map = graph.need(node, 0, IMAGE)
    window, whole = _window(graph, node, feature_map)
    counts_padding = bool(node.attributes.get_int("count_include_pad", 0))
    padding = window.padding
    if padding is not None and whole and not (window.padded and counts_padding) and window.dilations == (1, 1):
        activation, output = graph.fuse(node)
        name = name_of(output)
        graph.define(
            output, _pool(graph, _OP.AVERAGE_POOL_2D, feature_map, window, name, padding=padding, activation=activation)
        )
        return
    output = node.outputs[0]
    name = name_of(output)
    feature_map = pad_feature_map(graph, feature_map, window, 0.0, name)
    if window.dilations != (1, 1):
        f, area = Formula(graph, node), window.kernel[0] * window.kernel[1]
        kernel = np.full((feature_map.shape[1], 1, *window.kernel), 1 / area, np.float32)
        attributes = {"group": feature_map.shape[1], "dilations": window.dilations, "strides": window.strides}
        result = f.stored(f.op("Conv", f.value(feature_map), kernel, **attributes))
    else:
        none, valid = schema.ActivationFunctionType.NONE, int(schema.Padding.VALID)
        result = _pool(graph, _OP.AVERAGE_POOL_2D, feature_map, window, name, padding=valid, activation=none)
    pads = node.attributes.get_ints("pads", (0, 0, 0, 0)) if counts_padding else (0, 0, 0, 0)
    counted = [
        (-before, size + after) for before, size, after in zip(pads[:2], window.feature_map, pads[2:], strict=True)
    ]
    if counts_padding and node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        sides = zip(window.before, window.feature_map, window.after, strict=True)
        counted = [(-before, size + after) for before, size, after in sides]
    correction = _correction(window, counted)
    if (correction != 1).any():
        factor = graph.floats(f"{name}/correction", correction[None, :, :, None])
        result = graph.add(_OP.MUL, [result.tensor, factor], name, result, options=schema.MulOptionsT())
    graph.define(output, result)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(graph: Graph, node: ir.Node) -> None:
    """AVERAGE_POOL_2D or MAX_POOL_2D, whose window is the whole image; MEAN or REDUCE_MAX of other ranks."""
    if graph.stored(node, 0).rank != len(IMAGE):
        f = Formula(graph, node)
        x, kind = f.input(0), "ReduceMean" if node.op_type == "GlobalAveragePool" else "ReduceMax"
        f.give(f.op(kind, x, np.arange(2, len(f.shape(x)))))
        return
    feature_map = graph.need(node, 0, IMAGE)
    activation, output = graph.fuse(node)
    code = _OP.AVERAGE_POOL_2D if node.op_type == "GlobalAveragePool" else _OP.MAX_POOL_2D
    graph.define(output, pool_whole(graph, code, feature_map, activation, name_of(output)))


def _mean_along_axes(graph: Graph, node: ir.Node) -> None:
    """Of more than two dimensions: a product with a matrix along one axis after the other."""
    f = Formula(graph, node)
    value = f.input(0)
    kernel = node.attributes["kernel_shape"].as_ints()
    axes, name = len(kernel), name_of(node.outputs[0])
    ones = (1,) * axes
    strides, dilations = (node.attributes.get_ints(key, ones) for key in ("strides", "dilations"))
    pads = node.attributes.get_ints("pads", (0,) * 2 * axes)
    if node.attributes.get_int("ceil_mode", 0) or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        raise refuse(node, f"it is of {axes} dimensions with ceil_mode or auto_pad")
    counts = node.attributes.get_int("count_include_pad", 0)
    for axis, (taps, step, dilation) in enumerate(zip(kernel, strides, dilations, strict=True)):
        size = f.shape(value)[axis + 2]
        before, after = pads[axis], pads[axes + axis]
        lines = (size + before + after - (taps - 1) * dilation - 1) // step + 1
        matrix = np.zeros((lines, size))
        for line in range(lines):
            read = [line * step + tap * dilation - before for tap in range(taps)]
            inside = [one for one in read if 0 <= one < size]
            matrix[line, inside] = 1 / (taps if counts else len(inside))
        if matrix.shape != (size, size) or (matrix != np.eye(size)).any():
            value = f.value(along_axis(graph, f.stored(value), axis + 2, matrix, name))
    f.give(value)


def _is_rectified(graph: Graph, value: ir.Value | None) -> bool:
    """Whether no number of the value is below zero."""
    producer = None if value is None else value.producer()
    known = None if producer is None else activation_of(producer, graph.constant)
    return known in {Activation.RELU, Activation.RELU6}


def _window(graph: Graph, node: ir.Node, feature_map: Stored) -> tuple[Window, bool]:
    """The window with the padding that ``ceil_mode`` adds, and whether it adds none."""
    size, kernel = (feature_map.shape[2], feature_map.shape[3]), node.attributes["kernel_shape"].as_ints()
    window = window_of(node, size, kernel, any_size=graph.any_size)
    if not node.attributes.get_int("ceil_mode", 0) or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return window, True
    more = _last_window(window)
    below, right = (width + extra for width, extra in zip(window.after, more, strict=True))
    return dataclasses.replace(window, after=(below, right)), not any(more)


def _padded_for_maximum(graph: Graph, node: ir.Node, feature_map: Stored, window: Window, name: str) -> Stored:
    """Padding that no maximum shows: zeros behind a ReLU, else lines of the edge, which XNNPACK takes where it cuts."""
    if _is_rectified(graph, node.inputs[0]):
        return pad_feature_map(graph, feature_map, window, 0.0, name)
    for axis, before, after, reach in zip((2, 3), window.before, window.after, window.reach, strict=True):
        size = feature_map.shape[axis]
        if max(before, after) >= min(reach, size + 1):
            raise refuse(node, f"its padding {before} and {after} is as wide as its window")
        first = [along(graph, feature_map, axis, range(1), name)] * before
        last = [along(graph, feature_map, axis, range(size - 1, size), name)] * after
        feature_map = join(graph, [*first, feature_map, *last], axis, name)
    return feature_map


def _dilated_maximum(graph: Graph, node: ir.Node, feature_map: Stored, window: Window) -> None:
    """The maximum of what each tap of the window meets: along the rows, then along the columns."""
    f = Formula(graph, node)
    if window.padded:
        lowest = 0.0 if _is_rectified(graph, node.inputs[0]) else float(np.finfo(np.float32).min)
        feature_map = pad_feature_map(graph, feature_map, window, lowest, name_of(node.outputs[0]))
    value = f.value(feature_map)
    for axis, taps, dilation, stride, out in zip(
        (2, 3), window.kernel, window.dilations, window.strides, window.out, strict=True
    ):
        parts = []
        for tap in range(taps):
            start, reach = tap * dilation, (out - 1) * stride + 1
            parts.append(
                f.op("Slice", value, integers(start), integers(start + reach), integers(axis), integers(stride))
            )
        value = f.op("Max", *parts) if len(parts) > 1 else parts[0]
    f.give(value)


def _last_window(window: Window) -> list[int]:
    """Padding that ceil_mode adds below and to the right, so that a window which starts in the feature map is whole."""
    widths = []
    for size, before, after, kernel, stride in zip(
        window.feature_map, window.before, window.after, window.reach, window.strides, strict=True
    ):
        padded = size + before + after
        start = -(-(padded - kernel) // stride) * stride
        widths.append(max(start + kernel - padded, 0) if start < size + before else 0)
    return widths


def _pool(
    graph: Graph,
    code: int,
    feature_map: Stored,
    window: Window,
    name: str,
    *,
    padding: int,
    activation: int,
) -> Stored:
    if window.kernel == (1, 1) != window.strides and not window.padded:
        return subsample(graph, feature_map, window.strides, name, activation=activation)
    options = schema.Pool2DOptionsT()
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = window.strides
    options.filterHeight, options.filterWidth = window.kernel
    shape = (*feature_map.shape[:2], *window.out)
    return graph.add(code, [feature_map.tensor], name, feature_map, shape=shape, options=options)


def pool_whole(graph: Graph, code: int, feature_map: Stored, activation: int, name: str) -> Stored:
    """A pool whose window is the whole image, stored as an image."""
    size = (feature_map.shape[2], feature_map.shape[3])
    window = Window(size, size, (1, 1), (1, 1), (0, 0), (0, 0))
    return _pool(graph, code, feature_map, window, name, padding=int(schema.Padding.VALID), activation=activation)


def _correction(window: Window, counted: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """Kernel area over the number of taps that count, for every output pixel [H, W].

    Args:
        window: with its padding.
        counted: the first line that counts, and the one behind the last, for each axis.
    """
    rows, columns = (
        np.array(
            [sum(first <= i * stride - before + tap * step < last for tap in range(taps)) for i in range(out)], np.int64
        )
        for (first, last), out, stride, before, taps, step in zip(
            counted, window.out, window.strides, window.before, window.kernel, window.dilations, strict=True
        )
    )
    return np.asarray(window.kernel[0] * window.kernel[1] / np.outer(rows, columns), np.float32)
