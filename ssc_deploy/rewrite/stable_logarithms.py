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
            nodes = _stable(node) if node.op_type == "Log" else _scan(node) if node.op_type == "Add" else []
            if nodes:
                g.put(node, *nodes)
                g.take_over(node.outputs[0], nodes[-1].outputs[0])
                model.graph.remove([node], safe=True)
                modified = True
        return ir.passes.PassResult(model, modified)


def _stable(log: ir.Node) -> list[ir.Node]:
    """The nodes that compute the same as ``log``, the last one its output; none where its form is safe or unknown."""
    value, shape = log.inputs[0], g.shape_of(log.outputs[0])
    inner = None if value is None else value.producer()
    if inner is None or shape is None or g.shape_of(inner.inputs[0]) is None:
        return []
    match inner.op_type:
        case "Sigmoid":
            negative = g.node_like(log, "Neg", [inner.inputs[0]], shape=shape)
            positive = g.node_like(log, "Softplus", [negative.outputs[0]], shape=shape)
            return [negative, positive, g.node_like(log, "Neg", [positive.outputs[0]], shape=shape)]
        case "Softmax":
            return [g.node_like(log, "LogSoftmax", [inner.inputs[0]], g.attributes(inner), shape=shape)]
        case "Add":
            return _of_sum(log, inner, shape)
    return []


def _of_sum(log: ir.Node, add: ir.Node, shape: tuple[int, ...]) -> list[ir.Node]:
    nodes: list[ir.Node] = []
    exponents: list[ir.Value] = []
    for value in add.inputs:
        found = None if value is None else _exponent(value)
        if found is None:
            return []
        exponent, factor = found
        if factor != 1.0:
            assert isinstance(log.graph, ir.Graph)  # nodes come from walking the model's graph
            number = g.initializer(log.graph, f"{exponent.name}/log", np.array(factor, np.float32))
            nodes.append(g.node_like(log, "Mul", [exponent, number], shape=g.shape_of(exponent) or ()))
            exponent = nodes[-1].outputs[0]
        exponents.append(exponent)
    return [*nodes, *_added(log, exponents, shape)]


def _added(like: ir.Node, exponents: Sequence[ir.Value], shape: tuple[int, ...]) -> list[ir.Node]:
    """The logarithm of the sum of the exponentials of two values."""
    larger = g.node_like(like, "Max", exponents, shape=shape)
    difference = g.node_like(like, "Sub", exponents, shape=shape)
    distance = g.node_like(like, "Abs", [difference.outputs[0]], shape=shape)
    negative = g.node_like(like, "Neg", [distance.outputs[0]], shape=shape)
    more = g.node_like(like, "Softplus", [negative.outputs[0]], shape=shape)
    total = g.node_like(like, "Add", [larger.outputs[0], more.outputs[0]], shape=shape)
    return [larger, difference, distance, negative, more, total]


def _scan(add: ir.Node) -> list[ir.Node]:
    """The nodes for ``Log(CumSum(Exp(x - most))) + most``, most being the largest x; none for another sum."""
    for value, most in itertools.permutations(add.inputs):
        found = None if value is None or most is None else _summed(value, most)
        shape = None if found is None else g.shape_of(found[0])
        if found is None or shape is None or shape != g.shape_of(add.outputs[0]):
            continue
        current, axis = found
        graph, size, nodes = add.graph, shape[axis], list[ir.Node]()
        assert isinstance(graph, ir.Graph)  # nodes come from walking the model's graph

        def numbers(name: str, *of: int, graph: ir.Graph = graph) -> ir.Value:
            return g.initializer(graph, f"{add.outputs[0].name}/{name}", np.array(of, np.int64))

        by = 1
        while by < size:
            kept = (*shape[:axis], size - by, *shape[axis + 1 :])
            cut = [current, numbers("starts", 0), numbers("ends", size - by), numbers("axes", axis)]
            before = g.node_like(add, "Slice", cut, shape=kept)
            nothing = np.full((*shape[:axis], by, *shape[axis + 1 :]), _NOTHING, np.float32)
            front = g.initializer(graph, f"{add.outputs[0].name}/nothing", nothing)
            moved = g.node_like(add, "Concat", [front, before.outputs[0]], {"axis": axis}, shape=shape)
            nodes += [before, moved, *_added(add, [current, moved.outputs[0]], shape)]
            current, by = nodes[-1].outputs[0], 2 * by
        return nodes
    return []


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
