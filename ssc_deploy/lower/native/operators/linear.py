"""Products of matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.native import packing
from ssc_deploy.lower.native.broadcast import broadcast
from ssc_deploy.lower.native.epilogue import Epilogue, epilogue
from ssc_deploy.lower.native.held import View
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir

#: From so many rows on they are turned, so that the kernel finds numbers of all rows side by side.
_TURNED = 4


@operator("Gemm")
def gemm(planner: Planner, node: ir.Node) -> None:
    """``alpha * A B + beta * C`` by linear rows; B and C are constants."""
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    b, c = planner.array(node, 1, "second matrix"), planner.array(node, 2, "addend")
    assert b is not None
    weights = np.float32(alpha) * (b if g.integer(node, "transB", 0) else b.T)
    m = len(weights)
    offsets = np.zeros(m, np.float32) if c is None else np.float32(beta) * c
    if offsets.size not in {1, m} or (offsets.ndim > 1 and offsets.shape[0] != 1):
        raise refuse(node, "its addend is not one number for each column")
    if g.integer(node, "transA", 0):
        raise refuse(node, "its first matrix is transposed")
    tail = epilogue(planner, node.outputs[0], adds=False)
    x = planner.dense(node.inputs[0])
    bias = np.broadcast_to(offsets.reshape(-1), (m,))
    _rows(planner, x, count=x.shape[0], weights=weights, bias=bias, tail=tail)


@operator("MatMul")
def matmul(planner: Planner, node: ir.Node) -> None:
    """Linear rows where the second matrix is constant, else a loop in plain C."""
    b = g.constant(node.inputs[1])
    a_shape = known.shape(node.inputs[0])
    if b is not None and b.ndim == 2 and len(a_shape) > 1 and b.dtype == np.float32:
        tail = epilogue(planner, node.outputs[0], adds=False)
        x = planner.dense(node.inputs[0])
        zeros = np.zeros(b.shape[1], np.float32)
        _rows(planner, x, count=math.prod(a_shape[:-1]), weights=b.T, bias=zeros, tail=tail)
        return
    a, b_view, out = planner.view(node.inputs[0]), planner.view(node.inputs[1]), known.shape(node.outputs[0])
    if min(len(a.shape), len(b_view.shape)) < 2:
        raise refuse(node, "one of its operands is no matrix")
    lead = out[:-2]
    left = broadcast(_leading(a), lead)
    right = broadcast(_leading(b_view), lead)
    result = planner.output(node.outputs[0])
    planner.step(
        Kind.MATMUL,
        *(len(lead), *lead),
        *(out[-2], out[-1], a.shape[-1]),
        *(at(a), at(b_view), at(result)),
        *(*left.strides, *right.strides, *result.strides[:-2]),
        *(*a.strides[-2:], *b_view.strides[-2:], *result.strides[-2:]),
    )
    planner.set(node.outputs[0], result)


def _leading(view: View) -> View:
    return View(view.storage, view.offset, view.shape[:-2], view.strides[:-2])


def _rows(
    planner: Planner,
    x: View,
    *,
    count: int,
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    tail: Epilogue,
) -> None:
    """y[i] = weights x[i] + bias for each of `count` rows; a margin of the result is left zero."""
    m, k = weights.shape
    shape = known.shape(tail.value)
    packed = planner.constant(packing.rows(weights[None].astype(np.float32), bias[None].astype(np.float32)))
    result = planner.new(shape)
    turned = count >= _TURNED
    source, target = x, result
    if turned:
        source, target = planner.new((k, count)), planner.new((m, count))
        planner.copy(View(x.storage, x.offset, (k, count), (1, k)), source)
    by = count if turned else 1
    planner.step(
        Kind.ROWS,
        *(1, m, k, by, 1 if turned else count),
        *(at(source), k, -1, 0, 0, at(target), m, at(packed)),
        *(table([i * by for i in range(k)]), table([i * by for i in range(m)]), None, None, None, 0, 0),
        *(tail.low, tail.high),
    )
    if turned:
        planner.copy(View(target.storage, target.offset, (count, m), (1, count)), result.reshaped((count, m)))
    planner.set(tail.value, result)
