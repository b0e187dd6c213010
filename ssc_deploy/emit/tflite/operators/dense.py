"""Matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.linear import along_axis
from ssc_deploy.emit.tflite.order import Stored, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order

_OP = schema.BuiltinOperator

#: Axes that BATCH_MATMUL takes in every runtime, and in XNNPACK.
_RANK = 4


@operator("Gemm")
def gemm(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED where B is a constant and C one number for each column, else BATCH_MATMUL, MUL and ADD.

    alpha and beta go into the constants.
    """
    alpha, beta = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
    given = len(node.inputs) > 2 and node.inputs[2] is not None
    c = graph.constant(node.inputs[2]) if given else None
    plain_c = not given or (c is not None and c.size == (c.shape[-1] if c.ndim else 1))
    if graph.constant(node.inputs[1]) is None or not plain_c or node.attributes.get_int("transA", 0) != 0:
        f = Formula(graph, node)
        a, b = (
            f.op("Transpose", f.input(i), perm=(1, 0)) if node.attributes.get_int(name, 0) != 0 else f.input(i)
            for i, name in ((0, "transA"), (1, "transB"))
        )
        result = f.op("MatMul", a, b)
        result = result if alpha == 1 else f.op("Mul", result, alpha)
        if given:
            summand = f.input(2)
            result = f.op("Add", result, summand if beta == 1 else f.op("Mul", summand, beta))
        f.give(result)
        return
    rows = graph.need(node, 0, plain(2))
    weight = graph.float_input(node, 1) * np.float32(alpha)
    if not node.attributes.get_int("transB", 0):
        weight = weight.T
    bias = np.zeros(weight.shape[0], np.float32)
    if c is not None:
        bias += graph.float_input(node, 2).reshape(-1) * np.float32(beta)
    _fully_connected(graph, node, rows, weight, bias)


@operator("MatMul")
def matmul(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED where the second input is a constant matrix, else BATCH_MATMUL."""
    arrays = [graph.constant(value) for value in node.inputs]
    for i, (array, axis) in enumerate(zip(arrays, (-2, -1), strict=True)):
        stored = graph.stored(node, 1 - i) if array is not None and array.ndim == 2 else None
        # What does not lie as ONNX has it stays as it lies.
        if stored is not None and stored.rank > 2 and not stored.lies_as(plain(stored.rank)):
            matrix = graph.float_input(node, i)
            matrix, at = (matrix if i == 0 else matrix.T), axis % stored.rank
            if stored.dynamic != at:
                output = node.outputs[0]
                graph.define(output, along_axis(graph, stored, at, matrix, name_of(output)))
                return
    constant_matrix = arrays[0] is None and arrays[1] is not None and arrays[1].ndim == 2
    if constant_matrix and graph.stored(node, 0).rank > 1:
        weight = graph.float_input(node, 1).T
        a = graph.need(node, 0, plain(graph.stored(node, 0).rank))
        _fully_connected(graph, node, a, weight, np.zeros(weight.shape[0], np.float32))
        return
    ranks = [len(array.shape) if array is not None else graph.stored(node, i).rank for i, array in enumerate(arrays)]
    if min(ranks) == 1:
        _with_vector(graph, node, ranks)
        return
    (a, a_turned), (b, b_turned) = (_matrices(graph, node, i) for i in range(2))
    output, name, options = node.outputs[0], name_of(node.outputs[0]), schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = a_turned, b_turned
    rank = max(ranks)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-1])
    dynamic = _dynamic(a, b, len(shape))
    if rank > _RANK and dynamic is None and a.shape[:-2] == b.shape[:-2]:
        a, b = (
            graph.reshape(m, (math.prod(batch), *m.shape[-2:]), _lying(3, t), name, dynamic=None)
            for m, t in ((a, a_turned), (b, b_turned))
        )
    elif rank > _RANK + 1:
        raise refuse(node, f"its inputs have the ranks {ranks[0]} and {ranks[1]}, and 2 to {_RANK + 1} are known here")
    flat = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *shape[-2:])
    like = Stored(-1, flat, plain(len(flat)), dynamic)
    result = graph.add(_OP.BATCH_MATMUL, [a.tensor, b.tensor], name, like, options=options)
    graph.define(output, graph.reshape(result, shape, plain(len(shape)), name, dynamic=dynamic))


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


def _with_vector(graph: Graph, node: ir.Node, ranks: list[int]) -> None:
    """As ONNX says: a vector is a row before a matrix, and a column behind one."""
    f = Formula(graph, node)
    a, b = (f.input(i) for i in range(2))
    row = f.reshaped(a, 1, -1) if ranks[0] == 1 else a
    column = f.reshaped(b, -1, 1) if ranks[1] == 1 else b
    result = f.op("MatMul", row, column)
    gone = [axis for axis, rank in ((-2, ranks[0]), (-1, ranks[1])) if rank == 1]
    f.give(f.op("Squeeze", result, integers(*gone)))


def _matrices(graph: Graph, node: ir.Node, index: int) -> tuple[Stored, bool]:
    """An operand, and whether its matrices lie transposed, which BATCH_MATMUL can be told."""
    value = node.inputs[index]
    if graph.constant(value) is None:
        stored = graph.stored(node, index)
        turned = stored.order == _lying(stored.rank, turned=True) and not stored.lies_as(plain(stored.rank))
        return graph.need(node, index, _lying(stored.rank, turned=turned)), turned
    array = graph.float_input(node, index)
    return Stored(graph.floats(name_of(value), array), array.shape, plain(array.ndim), None), False


def _lying(rank: int, turned: bool) -> Order:
    """The axes as ONNX has them, or with the last two exchanged."""
    return (*range(rank - 2), rank - 1, rank - 2) if turned else plain(rank)


def _dynamic(a: Stored, b: Stored, rank: int) -> int | None:
    """The product's dynamic axis: rows come from a, columns from b, the axes before from either."""
    if a.dynamic is not None and a.dynamic != a.rank - 1:
        return a.dynamic + rank - a.rank
    if b.dynamic is not None and b.dynamic != b.rank - 2:
        return b.dynamic + rank - b.rank
    return None
