"""Functions of each number, and of pairs of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.ir import known
from ssc_deploy.lower.native.broadcast import broadcast
from ssc_deploy.lower.native.epilogue import bounds, epilogue
from ssc_deploy.lower.native.planner import Planner, at, merged
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.native.words import Function, Kind, Pair

if TYPE_CHECKING:
    from ssc_deploy.lower.native.held import View


def map_into(planner: Planner, x: View, y: View, function: Function, *, p: float = 0.0, q: float = 0.0) -> None:
    """Adds a step y = function(x) of views of one shape."""
    sizes, (sx, sy) = merged(y.shape, x.strides, y.strides)
    planner.step(Kind.MAP, function, len(sizes), *sizes, at(x), at(y), float(p), float(q), *sx, *sy)


def pair_into(
    planner: Planner,
    a: View,
    b: View,
    y: View,
    function: Pair,
    *,
    low: float = -math.inf,
    high: float = math.inf,
) -> None:
    """Adds a step y = function(a, b); a and b are broadcast to the shape of y."""
    a, b = broadcast(a, y.shape), broadcast(b, y.shape)
    sizes, (sa, sb, sy) = merged(y.shape, a.strides, b.strides, y.strides)
    planner.step(Kind.PAIR, function, len(sizes), *sizes, at(a), at(b), at(y), float(low), float(high), *sa, *sb, *sy)


def mapped(planner: Planner, node: ir.Node, function: Function, p: float = 0.0, q: float = 0.0) -> None:
    """Plans a function of the node's first input."""
    x, y = planner.view(node.inputs[0]), planner.output(node.outputs[0])
    map_into(planner, x, y, function, p=p, q=q)
    planner.set(node.outputs[0], y)


_PLAIN = {
    "Abs": Function.ABS,
    "Neg": Function.NEGATE,
    "Reciprocal": Function.RECIPROCAL,
    "Sqrt": Function.SQRT,
    "Exp": Function.EXP,
    "Log": Function.LOG,
    "Sigmoid": Function.SIGMOID,
    "Tanh": Function.TANH,
    "Erf": Function.ERF,
    "Floor": Function.FLOOR,
    "Ceil": Function.CEIL,
    "Round": Function.ROUND,
    "Sign": Function.SIGN,
    "Softplus": Function.SOFTPLUS,
    "Not": Function.NOT,
    "Mish": Function.MISH,
    "Softsign": Function.SOFTSIGN,
}


@operator(*_PLAIN)
def plain(planner: Planner, node: ir.Node) -> None:
    """A function without parameters."""
    mapped(planner, node, _PLAIN[node.op_type])


@operator("Relu", "Clip")
def clip(planner: Planner, node: ir.Node) -> None:
    """Bounds by constants."""
    found = bounds(node)
    if found is None:
        raise refuse(node, "its bounds have to be constants")
    mapped(planner, node, Function.CLIP, *found)


_PARAMETERS = {
    "LeakyRelu": (Function.LEAKY, (("alpha", 0.01),)),
    "Elu": (Function.ELU, (("alpha", 1.0),)),
    "HardSigmoid": (Function.HARD_SIGMOID, (("alpha", 0.2), ("beta", 0.5))),
}


@operator(*_PARAMETERS)
def parametric(planner: Planner, node: ir.Node) -> None:
    """A function with parameters that are attributes."""
    function, names = _PARAMETERS[node.op_type]
    p, q = (*(node.attributes.get_float(name, default) for name, default in names), 1.0)[:2]
    mapped(planner, node, function, p, q)


@operator("HardSwish")
def hard_swish(planner: Planner, node: ir.Node) -> None:
    """``x * clip(x / 6 + 1/2, 0, 1)``."""
    mapped(planner, node, Function.HARD_SWISH, 1 / 6, 0.5)


@operator("Gelu")
def gelu(planner: Planner, node: ir.Node) -> None:
    """The exact function, by erf."""
    if node.attributes.get_string("approximate", "none") != "none":
        raise refuse(node, "it is approximated by tanh")
    mapped(planner, node, Function.GELU)


@operator("Selu")
def selu(planner: Planner, node: ir.Node) -> None:
    """``gamma * (x, or alpha * (exp(x) - 1) below 0)``."""
    alpha = node.attributes.get_float("alpha", 1.67326319217681884765625)
    gamma = node.attributes.get_float("gamma", 1.05070102214813232421875)
    mapped(planner, node, Function.ELU, alpha * gamma, gamma)


@operator("Celu")
def celu(planner: Planner, node: ir.Node) -> None:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``, for an alpha of 1."""
    if node.attributes.get_float("alpha", 1.0) != 1.0:
        raise refuse(node, "its alpha is not 1")
    mapped(planner, node, Function.ELU, 1.0, 1.0)


_PAIRS = {
    "Add": Pair.ADD,
    "Sub": Pair.SUBTRACT,
    "Mul": Pair.MULTIPLY,
    "Div": Pair.DIVIDE,
    "Pow": Pair.POWER,
    "PRelu": Pair.PRELU,
    "Less": Pair.LESS,
    "Greater": Pair.GREATER,
    "Equal": Pair.EQUAL,
    "LessOrEqual": Pair.LESS_EQUAL,
    "GreaterOrEqual": Pair.GREATER_EQUAL,
    "And": Pair.AND,
    "Or": Pair.OR,
}


@operator(*_PAIRS)
def pair(planner: Planner, node: ir.Node) -> None:
    """A function of two values, each broadcast to the other; bounds that follow are applied with it."""
    tail = epilogue(planner, node.outputs[0], adds=False)
    a, b = planner.view(node.inputs[0]), planner.view(node.inputs[1])
    y = planner.output(tail.value)
    pair_into(planner, a, b, y, _PAIRS[node.op_type], low=tail.low, high=tail.high)
    planner.set(tail.value, y)


_MANY = {"Max": Pair.MAXIMUM, "Min": Pair.MINIMUM, "Sum": Pair.ADD, "Mean": Pair.ADD}


@operator(*_MANY)
def many(planner: Planner, node: ir.Node) -> None:
    """A function of any number of values, two at a time."""
    views = [planner.view(value) for value in node.inputs]
    y = planner.output(node.outputs[0])
    if len(views) == 1:
        planner.copy(broadcast(views[0], y.shape), y)
    elif node.op_type != "Mean":
        so_far = views[0]
        for view in views[1:]:
            pair_into(planner, so_far, view, y, _MANY[node.op_type])
            so_far = y
    else:
        raise refuse(node, "it is a mean of several values")
    planner.set(node.outputs[0], y)


@operator("Where")
def where(planner: Planner, node: ir.Node) -> None:
    """One of two values, by a third one."""
    views = [planner.view(value) for value in node.inputs]
    y = planner.output(node.outputs[0])
    c, a, b = (broadcast(view, y.shape) for view in views)
    sizes, strides = merged(y.shape, c.strides, a.strides, b.strides, y.strides)
    listed = [stride for one in strides for stride in one]
    planner.step(Kind.SELECT, len(sizes), *sizes, at(c), at(a), at(b), at(y), *listed)
    planner.set(node.outputs[0], y)


@operator("Cast", "CastLike", "Identity", "Dropout")
def same(planner: Planner, node: ir.Node) -> None:
    """Nothing is done: truth is held as 1 and 0."""
    if known.shape(node.inputs[0]) != known.shape(node.outputs[0]):
        raise refuse(node, "it changes the shape")
    given, made = known.data(node).dtype, node.outputs[0].dtype
    if given != made != ir.DataType.FLOAT:
        raise refuse(node, f"it turns {given} into {made}")
    planner.set(node.outputs[0], planner.held(node.inputs[0]))
