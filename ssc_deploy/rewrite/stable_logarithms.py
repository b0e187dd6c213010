"""Logarithms of exponentials, in forms that stay finite where the result is finite.

    log(sigmoid(x))      = -softplus(-x)
    log(softmax(x))      = log_softmax(x)
    log(b^x + c^y)       = max(u, v) + softplus(-|u - v|),    u = x log b,  v = y log c
    log(cumsum(e^x))     = y after y <- log(e^y + e^(y moved by d)) for d = 1, 2, 4 ..., from y = x

``torch.onnx.export`` writes LogSigmoid and logaddexp as on the left. In float32 the sigmoid is 0 below -104, and in
ONNX Runtime well before, so that its logarithm is minus infinity; e^x is infinite above 88. PyTorch computes the right
sides, and so do the runtimes: softplus(x) = max(x, 0) + log(1 + e^-|x|) has no exponential above 1. It writes
logcumsumexp with the largest of all x taken away, which leaves nothing of what comes long before that in size.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Builder, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Its exponential is zero, and its distance from any number in use is finite.
_NOTHING = -1e38


class StableLogarithms(ir.passes.InPlacePass):
    """Rewrites logarithms; see the module's docstring. What only they read is left for `Tidy` to remove."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            # Runtimes have Softplus in fewer types than Log.
            if node.outputs[0].dtype != ir.DataType.FLOAT:
                continue
            builder = Builder(node)
            stable = _stable(builder) if node.op_type == "Log" else _scan(builder) if node.op_type == "Add" else None
            if stable is not None:
                builder.replace(stable)
                modified = True
        return ir.passes.PassResult(model, modified)


def _stable(builder: Builder) -> ir.Value | None:
    """What computes the same as the builder's Log; None if its form is safe or unknown."""
    log = builder.node
    value = log.inputs[0]
    inner = None if value is None else value.producer()
    if inner is None or g.shape_of(log.outputs[0]) is None or g.shape_of(inner.inputs[0]) is None:
        return None
    match inner.op_type:
        case "Sigmoid":
            negative = builder.op("Neg", [inner.inputs[0]])
            return builder.op("Neg", [builder.op("Softplus", [negative])])
        case "Softmax":
            return builder.op("LogSoftmax", [inner.inputs[0]], g.attributes(inner))
        case "Add":
            return _of_sum(builder, inner)
    return None


def _of_sum(builder: Builder, add: ir.Node) -> ir.Value | None:
    exponents: list[ir.Value] = []
    for value in add.inputs:
        found = None if value is None else _exponent(value)
        if found is None:
            return None
        exponent, factor = found
        if factor != 1.0:
            number = g.initializer(known.graph(add), f"{exponent.name}/log", np.array(factor, np.float32))
            exponent = builder.op("Mul", [exponent, number], shape=known.shape(exponent))
        exponents.append(exponent)
    return _added(builder, exponents)


def _added(builder: Builder, exponents: Sequence[ir.Value]) -> ir.Value:
    """The logarithm of the sum of the exponentials of two values."""
    larger = builder.op("Max", exponents)
    distance = builder.op("Abs", [builder.op("Sub", exponents)])
    more = builder.op("Softplus", [builder.op("Neg", [distance])])
    return builder.op("Add", [larger, more])


def _scan(builder: Builder) -> ir.Value | None:
    """What computes ``Log(CumSum(Exp(x - most))) + most``, most being the largest x; None for another sum."""
    add = builder.node
    for value, most in itertools.permutations(add.inputs):
        found = None if value is None or most is None else _summed(value, most)
        shape = None if found is None else g.shape_of(found[0])
        if found is None or shape is None or shape != g.shape_of(add.outputs[0]):
            continue
        current, axis = found
        size, by, constants = shape[axis], 1, Place(add)
        while by < size:
            kept = (*shape[:axis], size - by, *shape[axis + 1 :])
            bounds = [constants.integers(*bound) for bound in (("starts", 0), ("ends", size - by), ("axes", axis))]
            before = builder.op("Slice", [current, *bounds], shape=kept)
            nothing = np.full((*shape[:axis], by, *shape[axis + 1 :]), _NOTHING, np.float32)
            moved = builder.concat([constants.constant("nothing", nothing), before], axis)
            current, by = _added(builder, [current, moved]), 2 * by
        return current
    return None


def _summed(value: ir.Value, most: ir.Value) -> tuple[ir.Value, int] | None:
    """Of ``Log(CumSum(Exp(x - most)))``, ``most`` being the largest x along the axis: x and the axis."""
    steps = []
    for operator in ("Log", "CumSum", "Exp", "Sub"):
        node = value.producer()
        if node is None or node.op_type != operator or node.inputs[0] is None:
            return None
        steps.append(node)
        value = node.inputs[0]
    _, cumsum, _, difference = steps
    largest = most.producer()
    if difference.inputs[1] is not most or largest is None or largest.op_type != "ReduceMax":
        return None
    along, axes = g.constant(cumsum.inputs[1]), g.constant(largest.inputs[1]) if len(largest.inputs) > 1 else None
    shape = g.shape_of(value)
    if shape is None or along is None or axes is None or along.size != 1 or axes.size != 1:
        return None
    axis = int(along.item()) % len(shape)
    plain = not g.integer(cumsum, "reverse", 0) and not g.integer(cumsum, "exclusive", 0)
    same = largest.inputs[0] is value and int(axes.item()) % len(shape) == axis and g.integer(largest, "keepdims", 1)
    return (value, axis) if plain and same else None


def _exponent(value: ir.Value) -> tuple[ir.Value, float] | None:
    """The exponent x and log b where the value is b^x: an Exp, or a Pow with one constant base."""
    node = value.producer()
    if node is None or node.op_type not in {"Exp", "Pow"}:
        return None
    exponent = node.inputs[-1]
    base = g.constant(node.inputs[0]) if node.op_type == "Pow" else None
    if exponent is None or g.shape_of(exponent) is None or exponent.dtype != ir.DataType.FLOAT:
        return None
    if node.op_type == "Exp":
        return exponent, 1.0
    if base is None or base.size != 1 or base.ndim > len(g.shape_of(exponent) or ()) or not base.item() > 0:
        return None
    return exponent, math.log(base.item())
