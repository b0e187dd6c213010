"""Operators that work number by number, with one input or with several that are broadcast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators import arc, whole_quotient
from ssc_deploy.emit.tflite.operators.broadcast import broadcast, operands
from ssc_deploy.emit.tflite.order import FLOAT, IMAGE
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

#: Operators with a fused activation, and their options.
_ARITHMETIC = {
    "Add": (_OP.ADD, schema.AddOptionsT),
    "Sub": (_OP.SUB, schema.SubOptionsT),
    "Mul": (_OP.MUL, schema.MulOptionsT),
    "Div": (_OP.DIV, schema.DivOptionsT),
}

_UNARY = {
    "Abs": (_OP.ABS, schema.AbsOptionsT),
    "Ceil": (_OP.CEIL, None),
    "Cos": (_OP.COS, schema.CosOptionsT),
    "Exp": (_OP.EXP, schema.ExpOptionsT),
    "Floor": (_OP.FLOOR, None),
    "HardSwish": (_OP.HARD_SWISH, schema.HardSwishOptionsT),
    "Log": (_OP.LOG, None),
    "Neg": (_OP.NEG, schema.NegOptionsT),
    "Round": (_OP.ROUND, None),
    "Sigmoid": (_OP.LOGISTIC, None),
    "Sign": (_OP.SIGN, schema.SignOptionsT),
    "Sin": (_OP.SIN, None),
    "Sqrt": (_OP.SQRT, None),
    "Tanh": (_OP.TANH, None),
}

#: Exponents that become products: up to this many factors.
_FACTORS = 8


@operator(*_UNARY)
def unary(graph: Graph, node: ir.Node) -> None:
    """The operator of TFLite that does the same, such as EXP for Exp and LOGISTIC for Sigmoid."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    code, options = _UNARY[node.op_type]
    graph.define(
        output, graph.add(code, [stored.tensor], name_of(output), stored, options=options() if options else None)
    )


@operator("Add", "Sub", "Mul", "Div")
def arithmetic(graph: Graph, node: ir.Node) -> None:
    """ADD, SUB, MUL, DIV with the activation after them."""
    given = operands(graph, node)
    if node.op_type == "Div" and given[0].dtype == np.int64:
        whole_quotient.write(Formula(graph, node))
        return
    fused, output = graph.fuse(node)
    code, options_class = _ARITHMETIC[node.op_type]
    options = options_class()
    options.fusedActivationFunction = fused
    version = 1
    if given[0].rank > 4 and given[0].shape != given[1].shape:
        version = {"Add": 1, "Sub": 3, "Mul": 1, "Div": 2}[node.op_type]
    graph.define(
        output,
        broadcast(graph, code, given, name_of(output), dtype=given[0].dtype, options=options, version=version),
    )


@operator("Sum", "Mean")
def several(graph: Graph, node: ir.Node) -> None:
    """ADD, one after the other, and MUL for the mean."""
    f = Formula(graph, node)
    result = f.input(0)
    for i in range(1, len(node.inputs)):
        result = f.op("Add", result, f.input(i))
    f.give(result if node.op_type == "Sum" else f.op("Mul", result, 1 / len(node.inputs)))


@operator("Max", "Min")
def extremum(graph: Graph, node: ir.Node) -> None:
    """MAXIMUM and MINIMUM, which have two inputs: one after the other where ONNX has more."""
    code, output = (_OP.MAXIMUM if node.op_type == "Max" else _OP.MINIMUM), node.outputs[0]
    result, *rest = operands(graph, node)
    for other in rest:
        version = 3 if result.rank > 4 and result.shape != other.shape else 1
        options = schema.MaximumMinimumOptionsT()
        result = broadcast(
            graph, code, [result, other], name_of(output), dtype=result.dtype, options=options, version=version
        )
    graph.define(output, result)


@operator("Mod")
def mod(graph: Graph, node: ir.Node) -> None:
    """FLOOR_MOD, whose result has the sign of the divisor; with ``fmod`` a formula with the sign of the dividend."""
    if node.attributes.get_int("fmod", 0):
        f = Formula(graph, node)
        x, y = f.input(0), f.input(1)
        if f.dtype(x) != FLOAT:
            raise refuse(node, "fmod is written for floats")
        f.give(f.op("Mul", f.op("Sign", x), f.op("Mod", f.op("Abs", x), f.op("Abs", y))))
        return
    given = operands(graph, node)
    options = schema.FloorModOptionsT()
    output = node.outputs[0]
    graph.define(output, broadcast(graph, _OP.FLOOR_MOD, given, name_of(output), dtype=given[0].dtype, options=options))


@operator("Pow")
def power(graph: Graph, node: ir.Node) -> None:
    """MUL for small whole exponents, SQRT and DIV for 0.5 and negative ones; else POW, which XNNPACK does not take."""
    exponents = graph.constant(node.inputs[1])
    exponent = float(exponents.item()) if exponents is not None and exponents.size == 1 else None
    f = Formula(graph, node)
    x = f.input(0)
    if exponent is not None and f.dtype(x) == FLOAT and (2 * exponent).is_integer() and 0 < abs(exponent) <= _FACTORS:
        result = _whole_power(f, x, int(abs(exponent)))
        if not exponent.is_integer():
            root = f.op("Sqrt", x)
            result = root if result is None else f.op("Mul", result, root)
        assert result is not None  # the exponent is not 0
        f.give(result if exponent > 0 else f.op("Reciprocal", result))
        return
    if exponents is not None and exponents.dtype != f.dtype(x):
        f.give(f.op("Pow", x, exponents.astype(f.dtype(x))))
        return
    given = operands(graph, node)
    output = node.outputs[0]
    graph.define(
        output,
        broadcast(graph, _OP.POW, given, name_of(output), dtype=given[0].dtype, options=schema.PowOptionsT()),
    )


def _whole_power(f: Formula, x: ir.Value, exponent: int) -> ir.Value | None:
    """By squares; None for an exponent of 0."""
    result, square = None, x
    while exponent:
        if exponent & 1:
            result = square if result is None else f.op("Mul", result, square)
        exponent >>= 1
        if exponent:
            square = f.op("Mul", square, square)
    return result


@operator("Reciprocal")
def reciprocal(graph: Graph, node: ir.Node) -> None:
    """DIV of 1."""
    f = Formula(graph, node)
    one = np.ones((1,) * len(f.shape(f.input(0))), np.float32)
    f.give(f.op("Div", one, f.input(0)))


@operator("Tan")
def tangent(graph: Graph, node: ir.Node) -> None:
    """SIN divided by COS."""
    f = Formula(graph, node)
    f.give(f.op("Div", f.op("Sin", f.input(0)), f.op("Cos", f.input(0))))


@operator("Sinh", "Cosh")
def hyperbolic(graph: Graph, node: ir.Node) -> None:
    """(e^x - e^-x) / 2 and (e^x + e^-x) / 2."""
    f = Formula(graph, node)
    powers = f.op("Exp", f.input(0)), f.op("Exp", f.op("Neg", f.input(0)))
    f.give(f.op("Mul", f.op("Sub" if node.op_type == "Sinh" else "Add", *powers), 0.5))


@operator("Asinh", "Acosh", "Atanh")
def inverse_hyperbolic(graph: Graph, node: ir.Node) -> None:
    """LOG of |x| + sqrt(x^2 + 1) with the sign of x, of x + sqrt(x^2 - 1), and half of that of (1 + x) / (1 - x)."""
    f = Formula(graph, node)
    x = f.input(0)
    if node.op_type == "Atanh":
        quotient = f.op("Div", f.op("Add", x, 1.0), f.op("Sub", 1.0, x))
        f.give(f.op("Mul", f.op("Log", quotient), 0.5))
        return
    size = f.op("Abs", x) if node.op_type == "Asinh" else x
    root = f.op("Sqrt", f.op("Add", f.op("Mul", x, x), 1.0 if node.op_type == "Asinh" else -1.0))
    result = f.op("Log", f.op("Add", size, root))
    f.give(f.op("Mul", f.op("Sign", x), result) if node.op_type == "Asinh" else result)


@operator("Atan", "Asin", "Acos")
def arcs(graph: Graph, node: ir.Node) -> None:
    """A polynomial of the arc tangent, as MUL, ADD, MINIMUM and MAXIMUM: TFLite has none of them."""
    f = Formula(graph, node)
    x = f.input(0)
    if node.op_type == "Atan":
        f.give(arc.tangent(f, x))
        return
    # asin(x) = atan(x / sqrt((1 - x) (1 + x)))
    other = f.op("Sqrt", f.op("Mul", f.op("Sub", 1.0, x), f.op("Add", x, 1.0)))
    sine = arc.tangent_of_quotient(f, x, other)
    f.give(sine if node.op_type == "Asin" else f.op("Sub", math.pi / 2, sine))


@operator("BatchNormalization")
def batch_normalization(graph: Graph, node: ir.Node) -> None:
    """Folded into the convolution beside it where that can be; else MUL and ADD: x * scale + offset.

    scale = gamma / sqrt(variance + epsilon), offset = beta - mean * scale, both in float64 before they are rounded.
    """
    stored = graph.stored(node, 0)
    if node.attributes.get_int("training_mode", 0):
        raise refuse(node, "its training_mode is true; export the network in eval mode")
    if stored.rank == 4:
        stored = graph.need(node, 0, IMAGE)
    gamma, beta, mean, variance = (graph.float_input(node, i).astype(np.float64) for i in range(1, 5))
    scale = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    offset = beta - mean * scale
    fused, output = graph.fuse(node)
    name = name_of(output)
    along_channels = [-1 if axis == 1 else 1 for axis in stored.order]
    factor = graph.floats(f"{name}/scale", scale.reshape(along_channels))
    scaled = graph.add(_OP.MUL, [stored.tensor, factor], name, stored, options=schema.MulOptionsT())
    options = schema.AddOptionsT()
    options.fusedActivationFunction = fused
    summand = graph.floats(f"{name}/offset", offset.reshape(along_channels))
    graph.define(output, graph.add(_OP.ADD, [scaled.tensor, summand], name, scaled, options=options))
