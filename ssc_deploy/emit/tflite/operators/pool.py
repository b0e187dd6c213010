"""Pooling, and reductions over axes."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.activation import Activation, activation_of
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.padding import pad_picture
from ssc_deploy.emit.tflite.operators.subsample import subsample
from ssc_deploy.emit.tflite.order import IMAGE, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.emit.tflite.window import Window, window_of
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("MaxPool")
def max_pool(graph: Graph, node: ir.Node) -> None:
    """MAX_POOL_2D; behind PAD or PADV2 where the padding is not TFLite's SAME. No dilations, no indices.

    SAME leaves the padding out of the maximum, as ONNX does; other padding is minus infinity. Behind a ReLU zeros do
    the same, as no maximum there is less, and XNNPACK takes no other padding.
    """
    if any(indices.uses() or indices.is_graph_output() for indices in node.outputs[1:]):
        raise refuse(node, "its second output (indices) is used")
    picture = graph.need(node, 0, IMAGE)
    window = _window(node, picture)
    activation, output = graph.fuse(node)
    padding = window.padding
    if padding is None:
        lowest = 0.0 if _is_rectified(graph, node.inputs[0]) else -math.inf
        picture = pad_picture(graph, picture, window, lowest, name_of(output))
        padding = int(schema.Padding.VALID)
    graph.define(
        output, _pool(graph, _OP.MAX_POOL_2D, picture, window, name_of(output), padding=padding, activation=activation)
    )


@operator("AveragePool")
def average_pool(graph: Graph, node: ir.Node) -> None:
    """AVERAGE_POOL_2D; with PAD before and MUL behind it where the padding is not TFLite's SAME. No dilations.

    SAME divides by the pixels inside the picture only (``count_include_pad`` 0). Other padding is written as zeros,
    which VALID then counts; where ONNX does not count them, a MUL by kernel area / pixels inside puts that right.
    """
    picture = graph.need(node, 0, IMAGE)
    window = _window(node, picture)
    counts_padding = bool(node.attributes.get_int("count_include_pad", 0))
    padding = window.padding
    if padding is not None and not (window.padded and counts_padding):
        activation, output = graph.fuse(node)
        name = name_of(output)
        graph.define(
            output, _pool(graph, _OP.AVERAGE_POOL_2D, picture, window, name, padding=padding, activation=activation)
        )
        return
    output = node.outputs[0]
    name = name_of(output)
    picture = pad_picture(graph, picture, window, 0.0, name)
    none, valid = schema.ActivationFunctionType.NONE, int(schema.Padding.VALID)
    result = _pool(graph, _OP.AVERAGE_POOL_2D, picture, window, name, padding=valid, activation=none)
    if not counts_padding:
        correction = graph.floats(f"{name}/correction", _correction(window)[None, :, :, None])
        result = graph.add(_OP.MUL, [result.tensor, correction], name, result, options=schema.MulOptionsT())
    graph.define(output, result)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(graph: Graph, node: ir.Node) -> None:
    """AVERAGE_POOL_2D or MAX_POOL_2D, whose window is the whole image."""
    picture = graph.need(node, 0, IMAGE)
    activation, output = graph.fuse(node)
    code = _OP.AVERAGE_POOL_2D if node.op_type == "GlobalAveragePool" else _OP.MAX_POOL_2D
    graph.define(output, _pool_whole(graph, code, picture, activation, name_of(output)))


_REDUCTIONS = {"ReduceMax": _OP.REDUCE_MAX, "ReduceMean": _OP.MEAN, "ReduceSum": _OP.SUM}


@operator(*_REDUCTIONS)
def reduce(graph: Graph, node: ir.Node) -> None:
    """MEAN, SUM or REDUCE_MAX; AVERAGE_POOL_2D for the mean over height and width, which is faster."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    if "axes" in node.attributes:
        axes = list(node.attributes["axes"].as_ints())
    elif len(node.inputs) > 1 and node.inputs[1] is not None:
        axes = [int(axis) for axis in graph.constant_input(node, 1)]
    elif node.attributes.get_int("noop_with_empty_axes", 0):
        raise refuse(node, "it has no axes to reduce; leave it out")
    else:
        axes = list(range(stored.rank))
    reduced = {axis % stored.rank for axis in axes}
    if stored.dynamic in reduced:
        raise refuse(node, "it reduces the dynamic batch")
    keeps = bool(node.attributes.get_int("keepdims", 1))
    if node.op_type == "ReduceMean" and stored.rank == 4 and reduced == {2, 3}:
        none = schema.ActivationFunctionType.NONE
        result = _pool_whole(graph, _OP.AVERAGE_POOL_2D, graph.need(node, 0, IMAGE), none, name_of(output))
        if not keeps:
            result = graph.reshape(result, result.shape[:2], canonical(2), name_of(output), dynamic=result.dynamic)
        graph.define(output, result)
        return
    if not keeps:
        # The axes that stay have to stand in ONNX's order.
        stored = graph.need(node, 0, plain(stored.rank))
    kept = [axis for axis in range(stored.rank) if keeps or axis not in reduced]
    shape = [1 if axis in reduced else stored.shape[axis] for axis in kept]
    dynamic = None if stored.dynamic is None else kept.index(stored.dynamic)
    like = Stored(-1, tuple(shape), stored.order if keeps else plain(len(kept)), dynamic)
    options = schema.ReducerOptionsT()
    options.keepDims = keeps
    positions = sorted(stored.order.index(axis) for axis in reduced)
    inputs = [stored.tensor, graph.integers(f"{name_of(output)}/axes", positions)]
    graph.define(output, graph.add(_REDUCTIONS[node.op_type], inputs, name_of(output), like, options=options))


def _is_rectified(graph: Graph, value: ir.Value | None) -> bool:
    """Whether no number of the value is below zero."""
    producer = None if value is None else value.producer()
    known = None if producer is None else activation_of(producer, graph.constant)
    return known in {Activation.RELU, Activation.RELU6}


def _window(node: ir.Node, picture: Stored) -> Window:
    window = window_of(node, (picture.shape[2], picture.shape[3]), node.attributes["kernel_shape"].as_ints())
    if window.dilations != (1, 1):
        raise refuse(node, f"it has dilations {window.dilations}, which TFLite's pooling has not")
    if not node.attributes.get_int("ceil_mode", 0) or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return window
    more = _last_window(window)
    counts_padding = node.attributes.get_int("count_include_pad", 0)
    if counts_padding and any(more):
        raise refuse(node, "ceil_mode makes its last window leave the padded picture, and count_include_pad is set")
    below, right = (width + extra for width, extra in zip(window.after, more, strict=True))
    return dataclasses.replace(window, after=(below, right))


def _last_window(window: Window) -> list[int]:
    """Padding that ceil_mode adds below and to the right, so that a window which starts in the picture is whole."""
    widths = []
    for size, before, after, kernel, stride in zip(
        window.picture, window.before, window.after, window.kernel, window.strides, strict=True
    ):
        padded = size + before + after
        start = -(-(padded - kernel) // stride) * stride
        widths.append(max(start + kernel - padded, 0) if start < size + before else 0)
    return widths


def _pool(
    graph: Graph,
    code: int,
    picture: Stored,
    window: Window,
    name: str,
    *,
    padding: int,
    activation: int,
) -> Stored:
    if window.kernel == (1, 1) != window.strides and not window.padded:
        return subsample(graph, picture, window.strides, name, activation=activation)
    options = schema.Pool2DOptionsT()
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = window.strides
    options.filterHeight, options.filterWidth = window.kernel
    shape = (*picture.shape[:2], *window.out)
    return graph.add(code, [picture.tensor], name, picture, shape=shape, options=options)


def _pool_whole(graph: Graph, code: int, picture: Stored, activation: int, name: str) -> Stored:
    size = (picture.shape[2], picture.shape[3])
    window = Window(size, size, (1, 1), (1, 1), (0, 0), (0, 0))
    return _pool(graph, code, picture, window, name, padding=int(schema.Padding.VALID), activation=activation)


def _correction(window: Window) -> npt.NDArray[np.float32]:
    """Kernel area over the number of pixels inside the picture, for every output pixel [H, W]."""
    rows, columns = (
        np.array([min(size, i * stride - before + kernel) - max(0, i * stride - before) for i in range(out)])
        for size, out, stride, before, kernel in zip(
            window.picture, window.out, window.strides, window.before, window.kernel, strict=True
        )
    )
    return np.asarray(window.kernel[0] * window.kernel[1] / np.outer(rows, columns), np.float32)
