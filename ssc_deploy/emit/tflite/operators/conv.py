"""Convolution: dense, grouped and depthwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.line import of_rank_3
from ssc_deploy.emit.tflite.operators.padding import pad_feature_map
from ssc_deploy.emit.tflite.operators.volume import conv_of_rank_5
from ssc_deploy.emit.tflite.order import IMAGE
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.emit.tflite.window import window_of
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order


@operator("Conv")
def conv(graph: Graph, node: ir.Node) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where each group has one input channel; behind PAD where SAME and VALID do not fit.

    Over volumes a sum of these, one for each tap along the first axis.
    A kernel that the network computes stays a computed tensor; XNNPACK takes constant ones only.
    A grouped CONV_2D has no group attribute: its filter [O, kh, kw, I / group] says it. XNNPACK takes it so, in old
    runtimes too.
    """
    if graph.stored(node, 0).rank == 3:
        of_rank_3(graph, node)
        return
    if graph.stored(node, 0).rank == 5:
        conv_of_rank_5(graph, node)
        return
    feature_map = graph.need(node, 0, IMAGE)
    sizes = _shape(graph, node, 1)
    channels, out_channels, group = feature_map.shape[1], sizes[0], node.attributes.get_int("group", 1)
    window = window_of(node, (feature_map.shape[2], feature_map.shape[3]), sizes[2:], any_size=graph.any_size)
    activation, output = graph.fuse(node)
    name = name_of(output)
    padding = window.padding
    shape = (feature_map.shape[0], out_channels, *window.out)
    if padding is None:
        feature_map = pad_feature_map(graph, feature_map, window, 0.0, name)
        padding = schema.Padding.VALID
    depthwise = group == channels and group > 1
    if depthwise:
        options = schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = out_channels // channels
        # [O, 1, kh, kw] -> [1, kh, kw, O]
        order = (1, 2, 3, 0)
        code = schema.BuiltinOperator.DEPTHWISE_CONV_2D
    else:
        options = schema.Conv2DOptionsT()
        # [O, I / group, kh, kw] -> [O, kh, kw, I / group]
        order = (0, 2, 3, 1)
        code = schema.BuiltinOperator.CONV_2D
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = window.strides
    options.dilationHFactor, options.dilationWFactor = window.dilations
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        bias = _parameter(graph, node, 2, f"{name}/bias", (0,))
    else:
        bias = graph.floats(f"{name}/bias", np.zeros(out_channels, np.float32))
    inputs = [feature_map.tensor, _parameter(graph, node, 1, f"{name}/filter", order), bias]
    version = 2 if depthwise and window.dilations != (1, 1) else 1
    graph.define(output, graph.add(code, inputs, name, feature_map, shape=shape, options=options, version=version))


def _shape(graph: Graph, node: ir.Node, index: int) -> tuple[int, ...]:
    array = graph.constant(node.inputs[index])
    return graph.stored(node, index).shape if array is None else array.shape


def _parameter(graph: Graph, node: ir.Node, index: int, name: str, order: Order) -> int:
    """The tensor of a kernel or a bias, constant or computed, in the order of TFLite."""
    if graph.constant(node.inputs[index]) is None:
        return graph.need(node, index, order).tensor
    return graph.floats(name, graph.float_input(node, index).transpose(order))
