"""Activations: TFLite's own where it has them, else exact formulas that lose no digits and do not overflow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.activation import Activation, activation_of, clip_bounds
from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators import erf
from ssc_deploy.emit.tflite.order import FLOAT, IMAGE
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

_ACTIVATIONS = {
    Activation.RELU: _OP.RELU,
    Activation.RELU_N1_TO_1: _OP.RELU_N1_TO_1,
    Activation.RELU6: _OP.RELU6,
}

#: From here on tanh(softplus(x)) is 1 in float32.
_MISH_IS_LINEAR = 20.0


@operator("Relu", "Clip")
def activation(graph: Graph, node: ir.Node) -> None:
    """RELU, RELU_N1_TO_1 or RELU6, as part of the operator before it where that can be; else MAXIMUM and MINIMUM."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    known = activation_of(node, graph.constant) if stored.dtype == FLOAT else None
    if known is not None:
        graph.define(output, graph.add(_ACTIVATIONS[known], [stored.tensor], name_of(output), stored))
        return
    f = Formula(graph, node)
    result = f.input(0)
    bounds = (0.0, math.inf) if node.op_type == "Relu" else clip_bounds(node, graph.constant)
    for i, (op_type, none) in enumerate((("Max", -math.inf), ("Min", math.inf))):
        if bounds is None:
            result = f.op(op_type, result, f.input(i + 1)) if f.has_input(i + 1) else result
        elif bounds[i] != none:
            result = f.op(op_type, result, bounds[i])
    f.give(result)


@operator("LeakyRelu")
def leaky_relu(graph: Graph, node: ir.Node) -> None:
    """LEAKY_RELU with the same slope."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    options = schema.LeakyReluOptionsT()
    options.alpha = node.attributes.get_float("alpha", 0.01)
    graph.define(output, graph.add(_OP.LEAKY_RELU, [stored.tensor], name_of(output), stored, options=options))


@operator("PRelu")
def prelu(graph: Graph, node: ir.Node) -> None:
    """PRELU for one slope a channel, or one for all; else max(x, 0) + slope * min(x, 0), which takes every slope."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    slope = graph.constant(node.inputs[1])
    shape = None if slope is None else (1,) * (stored.rank - slope.ndim) + slope.shape
    if slope is None or shape is None or stored.rank != 4 or any(n > 1 for axis, n in enumerate(shape) if axis != 1):
        f = Formula(graph, node)
        linear, x = f.op("Relu", f.input(0)), f.input(0)
        f.give(f.op("Add", linear, f.op("Mul", f.op("Min", x, 0.0), f.input(1))))
        return
    stored = graph.need(node, 0, IMAGE)
    # XNNPACK takes one slope a channel only.
    slopes = np.broadcast_to(slope.reshape(-1), stored.shape[1:2]).reshape(1, 1, -1)
    inputs = [stored.tensor, graph.floats(f"{name_of(output)}/slope", slopes)]
    graph.define(output, graph.add(_OP.PRELU, inputs, name_of(output), stored))


@operator("Elu")
def elu(graph: Graph, node: ir.Node) -> None:
    """ELU; with an alpha other than 1: max(x, 0) + alpha * ELU(min(x, 0))."""
    alpha = node.attributes.get_float("alpha", 1.0)
    if alpha == 1.0:
        stored, output = graph.stored(node, 0), node.outputs[0]
        graph.define(output, graph.add(_OP.ELU, [stored.tensor], name_of(output), stored))
        return
    f = Formula(graph, node)
    f.give(_elu(f, f.input(0), alpha))


@operator("Selu")
def selu(graph: Graph, node: ir.Node) -> None:
    """Gamma * (max(x, 0) + alpha * ELU(min(x, 0)))."""
    f = Formula(graph, node)
    alpha = node.attributes.get_float("alpha", 1.67326319217681884765625)
    gamma = node.attributes.get_float("gamma", 1.05070102214813232421875)
    f.give(f.op("Mul", _elu(f, f.input(0), alpha), gamma))


@operator("Celu")
def celu(graph: Graph, node: ir.Node) -> None:
    """max(x, 0) + alpha * ELU(min(x, 0) / alpha)."""
    f = Formula(graph, node)
    alpha = node.attributes.get_float("alpha", 1.0)
    negative = f.op("Elu", f.op("Div", f.op("Min", f.input(0), 0.0), alpha))
    f.give(f.op("Add", f.op("Relu", f.input(0)), f.op("Mul", negative, alpha)))


def _elu(f: Formula, x: ir.Value, alpha: float) -> ir.Value:
    return f.op("Add", f.op("Relu", x), f.op("Mul", f.op("Elu", f.op("Min", x, 0.0)), alpha))


@operator("ThresholdedRelu")
def thresholded_relu(graph: Graph, node: ir.Node) -> None:
    """SELECT_V2 of x where it is GREATER than alpha, else 0."""
    f = Formula(graph, node)
    above = f.op("Greater", f.input(0), node.attributes.get_float("alpha", 1.0))
    f.give(f.op("Where", above, f.input(0), 0.0))


@operator("Shrink")
def shrink(graph: Graph, node: ir.Node) -> None:
    """SELECT_V2 of x + bias below -lambd, x - bias above lambd, else 0."""
    f = Formula(graph, node)
    x, bias, bound = f.input(0), node.attributes.get_float("bias", 0.0), node.attributes.get_float("lambd", 0.5)
    above = f.op("Where", f.op("Greater", x, bound), f.op("Sub", x, bias), 0.0)
    f.give(f.op("Where", f.op("Less", x, -bound), f.op("Add", x, bias), above))


@operator("HardSigmoid")
def hard_sigmoid(graph: Graph, node: ir.Node) -> None:
    """max(0, min(1, alpha * x + beta)) as MUL, ADD, MAXIMUM and MINIMUM: XNNPACK takes no RELU_0_TO_1."""
    f = Formula(graph, node)
    line = f.op("Mul", f.input(0), node.attributes.get_float("alpha", 0.2))
    line = f.op("Add", line, node.attributes.get_float("beta", 0.5))
    f.give(f.op("Min", f.op("Max", line, 0.0), 1.0))


@operator("Softplus")
def softplus(graph: Graph, node: ir.Node) -> None:
    """max(x, 0) + log(1 + e^-|x|) as RELU, ABS, NEG, EXP, ADD, LOG and ADD: no exponential overflows."""
    f = Formula(graph, node)
    power = f.op("Exp", f.op("Neg", f.op("Abs", f.input(0))))
    f.give(f.op("Add", f.op("Relu", f.input(0)), f.op("Log", f.op("Add", power, 1.0))))


@operator("Softsign")
def softsign(graph: Graph, node: ir.Node) -> None:
    """X / (1 + |x|)."""
    f = Formula(graph, node)
    f.give(f.op("Div", f.input(0), f.op("Add", f.op("Abs", f.input(0)), 1.0)))


@operator("Mish")
def mish(graph: Graph, node: ir.Node) -> None:
    """X * n / (n + 2) with n = w * (w + 2) and w = e^min(x, 20), which is x * tanh(softplus(x)).

    Above 20 the factor is 1 in float32, so that no exponential overflows; for large negative x no digit is lost.
    """
    f = Formula(graph, node)
    w = f.op("Exp", f.op("Min", f.input(0), _MISH_IS_LINEAR))
    n = f.op("Mul", w, f.op("Add", w, 2.0))
    f.give(f.op("Mul", f.input(0), f.op("Div", n, f.op("Add", n, 2.0))))


@operator("Gelu")
def gelu(graph: Graph, node: ir.Node) -> None:
    """GELU, in both forms: by the error function, and by tanh."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    options = schema.GeluOptionsT()
    options.approximate = node.attributes.get_string("approximate", "none") == "tanh"
    graph.define(output, graph.add(_OP.GELU, [stored.tensor], name_of(output), stored, options=options))


@operator("Erf")
def error_function(graph: Graph, node: ir.Node) -> None:
    """A quotient of two polynomials, as MUL, ADD and DIV: TFLite has no ERF."""
    f = Formula(graph, node)
    f.give(erf.written(f, f.input(0)))


@operator("Softmax", "LogSoftmax")
def softmax(graph: Graph, node: ir.Node) -> None:
    """SOFTMAX along any axis; LogSoftmax as x - max - log(sum(e^(x - max))): XNNPACK takes no LOG_SOFTMAX."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    axis = node.attributes.get_int("axis", -1) % stored.rank
    if node.op_type == "LogSoftmax":
        f = Formula(graph, node)
        x, along = f.input(0), np.array([axis])
        rest = f.op("Sub", x, f.op("ReduceMax", x, along))
        f.give(f.op("Sub", rest, f.op("Log", f.op("ReduceSum", f.op("Exp", rest), along))))
        return
    # It runs along the last stored axis.
    order = (*(a for a in stored.order if a != axis), axis)
    stored = graph.need(node, 0, order)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    graph.define(output, graph.add(_OP.SOFTMAX, [stored.tensor], name_of(output), stored, options=options))
