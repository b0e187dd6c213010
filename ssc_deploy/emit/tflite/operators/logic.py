"""Comparisons, logic, choices, and changes of type. XNNPACK takes none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.emit.tflite.flatbuffer import DTYPES, tensor_type
from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.broadcast import broadcast, operands
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

_BOOL = np.dtype(np.bool_)

_BINARY = {
    "And": (_OP.LOGICAL_AND, schema.LogicalAndOptionsT),
    "Equal": (_OP.EQUAL, schema.EqualOptionsT),
    "Greater": (_OP.GREATER, schema.GreaterOptionsT),
    "GreaterOrEqual": (_OP.GREATER_EQUAL, schema.GreaterEqualOptionsT),
    "Less": (_OP.LESS, schema.LessOptionsT),
    "LessOrEqual": (_OP.LESS_EQUAL, schema.LessEqualOptionsT),
    "Or": (_OP.LOGICAL_OR, schema.LogicalOrOptionsT),
    "Xor": (_OP.NOT_EQUAL, schema.NotEqualOptionsT),
}


@operator(*_BINARY)
def binary(graph: Graph, node: ir.Node) -> None:
    """EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, LOGICAL_AND, LOGICAL_OR, and NOT_EQUAL for Xor."""
    code, options = _BINARY[node.op_type]
    name = name_of(node.outputs[0])
    graph.define(node.outputs[0], broadcast(graph, code, operands(graph, node), name, dtype=_BOOL, options=options()))


@operator("Not")
def logical_not(graph: Graph, node: ir.Node) -> None:
    """LOGICAL_NOT."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    options = schema.LogicalNotOptionsT()
    graph.define(output, graph.add(_OP.LOGICAL_NOT, [stored.tensor], name_of(output), stored, options=options))


@operator("IsNaN")
def is_nan(graph: Graph, node: ir.Node) -> None:
    """NOT_EQUAL of the number with itself."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    inputs, options = [stored.tensor, stored.tensor], schema.NotEqualOptionsT()
    graph.define(output, graph.add(_OP.NOT_EQUAL, inputs, name_of(output), stored, dtype=_BOOL, options=options))


@operator("IsInf")
def is_inf(graph: Graph, node: ir.Node) -> None:
    """EQUAL with infinity."""
    f = Formula(graph, node)
    x = f.input(0)
    positive, negative = (node.attributes.get_int(f"detect_{sign}", 1) for sign in ("positive", "negative"))
    if not positive:
        x = f.op("Neg", x)
    f.give(f.op("Equal", f.op("Abs", x) if positive and negative else x, float("inf")))


@operator("Where")
def where(graph: Graph, node: ir.Node) -> None:
    """SELECT_V2."""
    given, name = operands(graph, node), name_of(node.outputs[0])
    options = schema.SelectV2OptionsT()
    graph.define(node.outputs[0], broadcast(graph, _OP.SELECT_V2, given, name, dtype=given[1].dtype, options=options))


@operator("Cast")
def cast(graph: Graph, node: ir.Node) -> None:
    """CAST between float32, int32, int64 and bool; nothing where the type stays."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    kind = ir.DataType(node.attributes["to"].as_int())
    dtype = kind.numpy()
    if dtype not in DTYPES:
        raise refuse(node, f"it gives {kind}, which a .tflite file does not hold here; use float32, or whole numbers")
    if dtype == stored.dtype:
        graph.define(output, stored)
        return
    if dtype == _BOOL:
        # What CAST makes of a fraction differs from runtime to runtime.
        f = Formula(graph, node)
        f.give(f.op("Not", f.op("Equal", f.input(0), 0)))
        return
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = tensor_type(stored.dtype), tensor_type(dtype)
    graph.define(output, graph.add(_OP.CAST, [stored.tensor], name_of(output), stored, dtype=dtype, options=options))


@operator("CastLike")
def cast_like(graph: Graph, node: ir.Node) -> None:
    """CAST to the type of the second input; nothing where the type stays."""
    f = Formula(graph, node)
    dtype = f.dtype(f.input(1))
    f.give(f.op("Cast", f.input(0), to=ir.DataType.from_numpy(dtype).value))
