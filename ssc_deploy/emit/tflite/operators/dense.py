"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.order import Stored, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("Gemm")
def gemm(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED; B and C of alpha * A B + beta * C have to be constants, and A not transposed.

    alpha and beta go into the constants.
    """
    if node.attributes.get_int("transA", 0):
        raise refuse(node, "its first input is transposed (transA)")
    a = graph.need(node, 0, plain(2))
    weight = graph.float_input(node, 1) * np.float32(node.attributes.get_float("alpha", 1.0))
    if not node.attributes.get_int("transB", 0):
        weight = weight.T
    bias = np.zeros(weight.shape[0], np.float32)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        c = graph.float_input(node, 2) * np.float32(node.attributes.get_float("beta", 1.0))
        if c.size != (c.shape[-1] if c.ndim else 1):
            raise refuse(node, f"its input C has the shape {list(c.shape)}, not one number a column")
        bias += c.reshape(-1)
    _fully_connected(graph, node, a, weight, bias)


@operator("MatMul")
def matmul(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED where the second input is a constant matrix, else BATCH_MATMUL."""
    arrays = [graph.constant(value) for value in node.inputs]
    constant_matrix = arrays[0] is None and arrays[1] is not None and arrays[1].ndim == 2
    if constant_matrix and graph.stored(node, 0).rank > 1:
        weight = graph.float_input(node, 1).T
        a = graph.need(node, 0, plain(graph.stored(node, 0).rank))
        _fully_connected(graph, node, a, weight, np.zeros(weight.shape[0], np.float32))
        return
    operands = [_matrices(graph, node, i) for i in range(2)]
    a, b = operands
    if not 2 <= min(a.rank, b.rank) <= max(a.rank, b.rank) <= 5:
        raise refuse(node, f"its inputs have the ranks {a.rank} and {b.rank}, and 2 to 5 are known here")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-1])
    like = Stored(-1, shape, plain(len(shape)), _dynamic(a, b, len(shape)))
    output, options = node.outputs[0], schema.BatchMatMulOptionsT()
    result = graph.add(_OP.BATCH_MATMUL, [a.tensor, b.tensor], name_of(output), like, options=options)
    graph.define(output, result)


def _fully_connected(
    graph: Graph, node: ir.Node, a: Stored, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
) -> None:
    """Writes a [.., in] times weight [out, in], plus bias [out]."""
    activation, output = graph.fuse(node)
    name = name_of(output)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    # Version 5 is the first that keeps the axes before the last.
    options.keepNumDims, version = a.rank > 2, 5 if a.rank > 2 else 1
    inputs = [a.tensor, graph.floats(f"{name}/weight", weight), graph.floats(f"{name}/bias", bias)]
    shape = (*a.shape[:-1], weight.shape[0])
    result = graph.add(_OP.FULLY_CONNECTED, inputs, name, a, shape=shape, options=options, version=version)
    graph.define(output, result)


def _matrices(graph: Graph, node: ir.Node, index: int) -> Stored:
    value = node.inputs[index]
    if graph.constant(value) is None:
        return graph.need(node, index, plain(graph.stored(node, index).rank))
    array = graph.float_input(node, index)
    return Stored(graph.floats(name_of(value), array), array.shape, plain(array.ndim), None)


def _dynamic(a: Stored, b: Stored, rank: int) -> int | None:
    """The product's dynamic axis: rows come from a, columns from b, the axes before from either."""
    if a.dynamic is not None and a.dynamic != a.rank - 1:
        return a.dynamic + rank - a.rank
    if b.dynamic is not None and b.dynamic != b.rank - 2:
        return b.dynamic + rank - b.rank
    return None
