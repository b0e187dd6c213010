"""Logarithms of exponentials, in forms that stay finite where the result is finite.

    log(sigmoid(x))      = -softplus(-x)
    log(softmax(x))      = log_softmax(x)
    log(b^x + c^y)       = max(u, v) + softplus(-|u - v|),    u = x log b,  v = y log c

``torch.onnx.export`` writes LogSigmoid and logaddexp as on the left. In float32 the sigmoid is 0 below -104, and in
ONNX Runtime well before, so that its logarithm is minus infinity; e^x is infinite above 88. PyTorch computes the right
sides, and so do the runtimes: softplus(x) = max(x, 0) + log(1 + e^-|x|) has no exponential above 1.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from ssc_deploy.rewrite import graph as g


class StableLogarithms(ir.passes.InPlacePass):
    """Rewrites logarithms; see the module's docstring. What only they read is left for `Tidy` to remove."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            # Runtimes have Softplus in fewer types than Log.
            if node.op_type != "Log" or node.outputs[0].dtype != ir.DataType.FLOAT:
                continue
            nodes = _stable(node)
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
    larger = g.node_like(log, "Max", exponents, shape=shape)
    difference = g.node_like(log, "Sub", exponents, shape=shape)
    distance = g.node_like(log, "Abs", [difference.outputs[0]], shape=shape)
    negative = g.node_like(log, "Neg", [distance.outputs[0]], shape=shape)
    more = g.node_like(log, "Softplus", [negative.outputs[0]], shape=shape)
    total = g.node_like(log, "Add", [larger.outputs[0], more.outputs[0]], shape=shape)
    return [*nodes, larger, difference, distance, negative, more, total]


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
