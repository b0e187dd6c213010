"""Operators that look for numbers, and running sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.linear import along_axis
from ssc_deploy.emit.tflite.order import FLOAT, Stored
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

_INT64 = np.dtype(np.int64)


@operator("ArgMax", "ArgMin")
def arg_max(graph: Graph, node: ir.Node) -> None:
    """ARG_MAX and ARG_MIN: the first of equal numbers."""
    if node.attributes.get_int("select_last_index", 0):
        raise refuse(node, "it takes the last of equal numbers (select_last_index), and ARG_MAX takes the first")
    stored, output = graph.stored(node, 0), node.outputs[0]
    axis, name = node.attributes.get_int("axis", 0) % stored.rank, name_of(output)
    if axis == stored.dynamic:
        raise refuse(node, "it looks along the dynamic batch")
    keeps = node.attributes.get_int("keepdims", 1)
    maximum = node.op_type == "ArgMax"
    options = schema.ArgMaxOptionsT() if maximum else schema.ArgMinOptionsT()
    options.outputType = schema.TensorType.INT64
    rest = [a for a in range(stored.rank) if a != axis]
    dynamic = None if stored.dynamic is None else rest.index(stored.dynamic)
    order = tuple(rest.index(a) for a in stored.order if a != axis)
    like = Stored(-1, tuple(stored.shape[a] for a in rest), order, dynamic, _INT64)
    inputs = [stored.tensor, graph.integers(f"{name}/axis", stored.order.index(axis))]
    result = graph.add(_OP.ARG_MAX if maximum else _OP.ARG_MIN, inputs, name, like, options=options)
    if keeps:
        shape = tuple(1 if a == axis else size for a, size in enumerate(stored.shape))
        result = graph.reshape(result, shape, stored.order, name, dynamic=stored.dynamic)
    graph.define(output, result)


@operator("TopK")
def top_k(graph: Graph, node: ir.Node) -> None:
    """TOPK_V2 along the last axis, of the negative for the smallest; CAST of the indices to int64."""
    f = Formula(graph, node)
    x, k = f.input(0), int(graph.constant_input(node, 1).item())
    axis = node.attributes.get_int("axis", -1) % len(f.shape(x))
    smallest = not node.attributes.get_int("largest", 1)
    if f.dtype(x) != FLOAT:
        raise refuse(node, "it sorts whole numbers, and floats are known here")
    given = f.stored(f.op("Neg", x) if smallest else x)
    order = (*(a for a in given.order if a != axis), axis)
    given = graph.reorder(given, order, name_of(node.inputs[0]))
    shape = tuple(k if a == axis else size for a, size in enumerate(given.shape))
    names = [f"{name_of(output)}/top" for output in node.outputs]
    inputs = [given.tensor, graph.integers(f"{names[0]}/k", k)]
    kinds = [(names[0], shape, FLOAT), (names[1], shape, np.dtype(np.int32))]
    values, indices = graph.add_several(_OP.TOPK_V2, inputs, kinds, given, options=schema.TopKV2OptionsT())
    f.give(f.op("Neg", f.value(values)) if smallest else f.value(values))
    f.give(f.op("Cast", f.value(indices), to=ir.DataType.INT64.value), index=1)


@operator("CumSum")
def cumulative_sum(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED or BATCH_MATMUL with a triangle of ones, which XNNPACK takes; CUMSUM of whole numbers."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    axis, name = int(graph.constant_input(node, 1).item()) % stored.rank, name_of(output)
    exclusive, reverse = (bool(node.attributes.get_int(name, 0)) for name in ("exclusive", "reverse"))
    if axis == stored.dynamic:
        raise refuse(node, "it sums along the dynamic batch")
    size = stored.shape[axis]
    if stored.dtype == FLOAT and size <= _LONG:
        matrix = np.tri(size, k=-1 if exclusive else 0, dtype=np.float32)
        graph.define(output, along_axis(graph, stored, axis, matrix.T if reverse else matrix, name))
        return
    options = schema.CumsumOptionsT()
    options.exclusive, options.reverse = exclusive, reverse
    inputs = [stored.tensor, graph.integers(f"{name}/axis", stored.order.index(axis))]
    graph.define(output, graph.add(_OP.CUMSUM, inputs, name, stored, options=options))


#: Longer sums are left to CUMSUM.
_LONG = 256
