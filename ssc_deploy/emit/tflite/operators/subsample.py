"""Every n-th pixel of a feature map, which several operators come down to.

    y[c, i, j] = x[c, sy * i, sx * j]

is a depthwise 1x1 convolution of ones with those strides, to the bit. XNNPACK takes it, and neither STRIDED_SLICE with
steps nor a pool over 1x1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Stored


def subsample(graph: Graph, feature_map: Stored, strides: tuple[int, int], name: str, *, activation: int) -> Stored:
    """DEPTHWISE_CONV_2D of ones on a feature map that is stored as an image.

    Args:
        graph: where the operator goes.
        feature_map: [N, C, H, W].
        strides: vertical and horizontal.
        name: of the result.
        activation: ``ActivationFunctionType`` that follows.

    Returns:
        [N, C, ceil(H / vertical), ceil(W / horizontal)].
    """
    channels = feature_map.shape[1]
    options = schema.DepthwiseConv2DOptionsT()
    options.padding, options.depthMultiplier = schema.Padding.VALID, 1
    options.strideH, options.strideW = strides
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = activation
    ones = graph.floats(f"{name}/filter", np.ones((1, 1, 1, channels), np.float32))
    zeros = graph.floats(f"{name}/bias", np.zeros(channels, np.float32))
    shape = (
        *feature_map.shape[:2],
        *(-(-size // step) for size, step in zip(feature_map.shape[2:], strides, strict=True)),
    )
    code = schema.BuiltinOperator.DEPTHWISE_CONV_2D
    return graph.add(code, [feature_map.tensor, ones, zeros], name, feature_map, shape=shape, options=options)
