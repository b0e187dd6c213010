"""Operators that work number by number, with one input or with two that are broadcast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.activation import Activation, activation_of, clip_bounds
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.order import IMAGE, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order

_OP = schema.BuiltinOperator

_ACTIVATIONS = {
    Activation.RELU: _OP.RELU,
    Activation.RELU_N1_TO_1: _OP.RELU_N1_TO_1,
    Activation.RELU6: _OP.RELU6,
}

#: Operators with a fused activation, and their options.
_ARITHMETIC = {
    "Add": (_OP.ADD, schema.AddOptionsT),
    "Sub": (_OP.SUB, schema.SubOptionsT),
    "Mul": (_OP.MUL, schema.MulOptionsT),
    "Div": (_OP.DIV, schema.DivOptionsT),
}

_UNARY = {
    "Abs": (_OP.ABS, schema.AbsOptionsT),
    "Exp": (_OP.EXP, schema.ExpOptionsT),
    "HardSwish": (_OP.HARD_SWISH, schema.HardSwishOptionsT),
    "Log": (_OP.LOG, None),
    "Neg": (_OP.NEG, schema.NegOptionsT),
    "Sigmoid": (_OP.LOGISTIC, None),
    "Sqrt": (_OP.SQRT, None),
    "Tanh": (_OP.TANH, None),
}


@operator("Elu")
def elu(graph: Graph, node: ir.Node) -> None:
    """ELU; only with an alpha of 1."""
    if node.attributes.get_float("alpha", 1.0) != 1.0:
        raise refuse(node, "its alpha is not 1, which TFLite's ELU has not")
    stored, output = graph.stored(node, 0), node.outputs[0]
    graph.define(output, graph.add(_OP.ELU, [stored.tensor], name_of(output), stored))


@operator(*_UNARY)
def unary(graph: Graph, node: ir.Node) -> None:
    """The operator of TFLite that does the same, such as LOGISTIC for Sigmoid."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    code, options = _UNARY[node.op_type]
    graph.define(
        output, graph.add(code, [stored.tensor], name_of(output), stored, options=options() if options else None)
    )


@operator("Relu", "Clip")
def activation(graph: Graph, node: ir.Node) -> None:
    """RELU, RELU_N1_TO_1 or RELU6, as part of the operator before it where that can be; else MAXIMUM and MINIMUM.

    Bounds have to be constants.
    """
    stored, output = graph.stored(node, 0), node.outputs[0]
    known = activation_of(node, graph.constant)
    if known is not None:
        graph.define(output, graph.add(_ACTIVATIONS[known], [stored.tensor], name_of(output), stored))
        return
    bounds = clip_bounds(node, graph.constant)
    if bounds is None:
        raise refuse(node, "its bounds have to be constants")
    for bound, code, none in zip(bounds, (_OP.MAXIMUM, _OP.MINIMUM), (-math.inf, math.inf), strict=True):
        if bound != none:
            inputs = [stored.tensor, graph.floats(f"{name_of(output)}/bound", np.full((1,) * stored.rank, bound))]
            stored = graph.add(code, inputs, name_of(output), stored, options=schema.MaximumMinimumOptionsT())
    graph.define(output, stored)


@operator("HardSigmoid")
def hard_sigmoid(graph: Graph, node: ir.Node) -> None:
    """max(0, min(1, alpha * x + beta)) as MUL, ADD, MAXIMUM and MINIMUM: XNNPACK takes no RELU_0_TO_1."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    name = name_of(output)
    for code, number, options in (
        (_OP.MUL, node.attributes.get_float("alpha", 0.2), schema.MulOptionsT()),
        (_OP.ADD, node.attributes.get_float("beta", 0.5), schema.AddOptionsT()),
        (_OP.MAXIMUM, 0.0, schema.MaximumMinimumOptionsT()),
        (_OP.MINIMUM, 1.0, schema.MaximumMinimumOptionsT()),
    ):
        inputs = [stored.tensor, graph.floats(f"{name}/number", np.full((1,) * stored.rank, number))]
        stored = graph.add(code, inputs, name, stored, options=options)
    graph.define(output, stored)


@operator("Softplus")
def softplus(graph: Graph, node: ir.Node) -> None:
    """max(x, 0) + log(1 + e^-|x|) as RELU, ABS, NEG, EXP, ADD, LOG and ADD: no exponential overflows."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    name = name_of(output)
    result = graph.add(_OP.ABS, [stored.tensor], name, stored, options=schema.AbsOptionsT())
    result = graph.add(_OP.NEG, [result.tensor], name, stored, options=schema.NegOptionsT())
    result = graph.add(_OP.EXP, [result.tensor], name, stored, options=schema.ExpOptionsT())
    one = graph.floats(f"{name}/one", np.ones((1,) * stored.rank))
    result = graph.add(_OP.ADD, [result.tensor, one], name, stored, options=schema.AddOptionsT())
    result = graph.add(_OP.LOG, [result.tensor], name, stored)
    linear = graph.add(_OP.RELU, [stored.tensor], name, stored)
    inputs = [linear.tensor, result.tensor]
    graph.define(output, graph.add(_OP.ADD, inputs, name, stored, options=schema.AddOptionsT()))


@operator("PRelu")
def prelu(graph: Graph, node: ir.Node) -> None:
    """PRELU; its slopes have to be constants, one for each channel or one for all."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    slope = graph.float_input(node, 1)
    slope = slope.reshape((1,) * (stored.rank - slope.ndim) + slope.shape)
    if stored.rank == 4:
        stored = graph.need(node, 0, IMAGE)
    channels = [size for axis, size in enumerate(slope.shape) if axis != 1]
    if stored.rank != 4 or max(channels) > 1:
        raise refuse(node, f"its slope has the shape {list(slope.shape)}, not one number a channel of a picture")
    # XNNPACK takes one slope a channel only.
    slopes = np.broadcast_to(slope.reshape(-1), stored.shape[1:2]).reshape(1, 1, -1)
    inputs = [stored.tensor, graph.floats(f"{name_of(output)}/slope", slopes)]
    graph.define(output, graph.add(_OP.PRELU, inputs, name_of(output), stored))


@operator("LeakyRelu")
def leaky_relu(graph: Graph, node: ir.Node) -> None:
    """LEAKY_RELU with the same slope."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    options = schema.LeakyReluOptionsT()
    options.alpha = node.attributes.get_float("alpha", 0.01)
    graph.define(output, graph.add(_OP.LEAKY_RELU, [stored.tensor], name_of(output), stored, options=options))


@operator("Softmax", "LogSoftmax")
def softmax(graph: Graph, node: ir.Node) -> None:
    """SOFTMAX and LOG_SOFTMAX, which run along the last stored axis."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    axis = node.attributes.get_int("axis", -1) % stored.rank
    order = (*(a for a in stored.order if a != axis), axis)
    stored = graph.need(node, 0, order)
    if node.op_type == "Softmax":
        code, options = _OP.SOFTMAX, schema.SoftmaxOptionsT()
        options.beta = 1.0
    else:
        code, options = _OP.LOG_SOFTMAX, schema.LogSoftmaxOptionsT()
    graph.define(output, graph.add(code, [stored.tensor], name_of(output), stored, options=options))


@operator("Add", "Sub", "Mul", "Div")
def arithmetic(graph: Graph, node: ir.Node) -> None:
    """ADD, SUB, MUL, DIV with the activation after them."""
    fused, output = graph.fuse(node)
    code, options_class = _ARITHMETIC[node.op_type]
    options = options_class()
    options.fusedActivationFunction = fused
    a, b = _operands(graph, node)
    version = 1
    if max(a.rank, b.rank) > 4 and a.shape != b.shape:
        version = {"Add": 1, "Sub": 3, "Mul": 1, "Div": 2}[node.op_type]
    graph.define(output, _broadcast(graph, code, a, b, name_of(output), options=options, version=version))


@operator("Max", "Min")
def extremum(graph: Graph, node: ir.Node) -> None:
    """MAXIMUM and MINIMUM, which have two inputs: one after the other where ONNX has more."""
    code, output = (_OP.MAXIMUM if node.op_type == "Max" else _OP.MINIMUM), node.outputs[0]
    result, *rest = _operands(graph, node)
    for other in rest:
        version = 3 if result.rank > 4 and result.shape != other.shape else 1
        options = schema.MaximumMinimumOptionsT()
        result = _broadcast(graph, code, result, other, name_of(output), options=options, version=version)
    graph.define(output, result)


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


def _operands(graph: Graph, node: ir.Node) -> list[Stored]:
    """All inputs, constants included, with the rank of the largest and in one order of axes."""
    constants = [graph.constant(value) for value in node.inputs]
    computed = {i: graph.stored(node, i) for i, array in enumerate(constants) if array is None}
    if not computed:
        raise refuse(node, "all its inputs are constants; fold constants before emission")
    rank = max(*(s.rank for s in computed.values()), *(a.ndim for a in constants if a is not None), 0)
    order = _common_order(list(computed.values()), rank)
    operands = []
    for i, value in enumerate(node.inputs):
        if i in computed:
            stored = graph.with_rank(computed[i], rank, name_of(value))
            operands.append(graph.reorder(stored, order, name_of(value)))
        else:
            array = graph.float_input(node, i)
            array = array.reshape((1,) * (rank - array.ndim) + array.shape)
            tensor = graph.floats(name_of(value), array.transpose(order))
            operands.append(Stored(tensor, array.shape, order, None))
    return operands


def _common_order(computed: list[Stored], rank: int) -> Order:
    """The order that needs the fewest transposes: the canonical one if any operand has it, else the first one's."""
    orders = [stored.order for stored in computed if stored.rank == rank]
    if not orders:
        return plain(rank)
    return canonical(rank) if canonical(rank) in orders else orders[0]


def _broadcast(graph: Graph, code: int, a: Stored, b: Stored, name: str, *, options: object, version: int) -> Stored:
    shape = np.broadcast_shapes(a.shape, b.shape)
    dynamic = b.dynamic if a.dynamic is None else a.dynamic
    like = Stored(-1, shape, a.order, dynamic)
    return graph.add(code, [a.tensor, b.tensor], name, like, options=options, version=version)
