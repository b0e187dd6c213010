"""A linear map along one axis: what a resize, an uneven pool or a running sum does to it.

y[.., o, ..] = sum over i of M[o, i] x[.., i, ..]
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.order import Stored, plain
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


def along_axis(graph: Graph, stored: Stored, axis: int, matrix: npt.NDArray[Any], name: str) -> Stored:
    """FULLY_CONNECTED along the last stored axis, BATCH_MATMUL along another; no axis is moved.

    Args:
        graph: where it is written.
        stored: float32; its dynamic axis is not ``axis``.
        axis: in ONNX's order.
        matrix: [outputs, inputs].
        name: of the result.
    """
    at = stored.order.index(axis)
    sizes = [stored.shape[a] for a in stored.order]
    before, after = math.prod(sizes[:at]), math.prod(sizes[at + 1 :])
    outputs, inputs = matrix.shape
    shape = tuple(outputs if a == axis else size for a, size in enumerate(stored.shape))
    last = after == 1
    view = (before, inputs) if last else (before, inputs, after)
    dynamic = None if stored.dynamic is None else 0 if stored.order.index(stored.dynamic) < at else 2
    flat = graph.reshape(stored, view, plain(len(view)), name, dynamic=dynamic)
    constant = graph.floats(f"{name}/matrix", matrix)
    if last:
        options = schema.FullyConnectedOptionsT()
        bias = graph.floats(f"{name}/bias", np.zeros(outputs, np.float32))
        given = [flat.tensor, constant, bias]
        result = graph.add(_OP.FULLY_CONNECTED, given, name, flat, shape=(before, outputs), options=options)
    else:
        options = schema.BatchMatMulOptionsT()
        result = graph.add(
            _OP.BATCH_MATMUL, [constant, flat.tensor], name, flat, shape=(before, outputs, after), options=options
        )
    return graph.reshape(result, shape, stored.order, name, dynamic=stored.dynamic)
