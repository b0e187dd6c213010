"""A convolution that looks at one pixel of each input channel is a shift and a pointwise convolution.

    sum over (i, u, v) of W[o, i, u, v] * x[i, y + u - r, x + v - r]   with  W[o, i, u, v] = 0 unless (u, v) = tap(i)
    = sum over i of W'[o, i] * shift(x)[i, y, x],   W'[o, i] = W[o, i, tap(i)],  offset of channel i = tap(i) - r

Saves k * k - 1 of k * k multiplications. Refuses convolutions that use several taps of a channel, padding other than
"same", and depthwise convolutions, which are not cheaper in two steps.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder


class SplitMergedShift(ir.passes.InPlacePass):
    """Splits shift and pointwise that were merged into one kernel; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            shift = merged_shift(node)
            if shift is not None:
                _split(node, shift)
                modified = True
        return ir.passes.PassResult(model, modified)


def merged_shift(node: ir.Node) -> mv.Movement | None:
    """The shift in front of a Conv with one tap an input channel; None for any other node."""
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weight is None or weight.ndim != 4 or weight.shape[2:] == (1, 1) or weight.shape[1] == 1:
        return None
    group, k = g.integer(node, "group", 1), weight.shape[2]
    dilation = g.ints(node, "dilations", (1, 1))[0]
    same = (
        weight.shape[3] == k
        and k % 2 == 1
        and g.ints(node, "dilations", (1, 1)) == (dilation,) * 2
        and g.ints(node, "pads", (0, 0, 0, 0)) == (dilation * (k // 2),) * 4
        and g.shape_of(node.inputs[0]) is not None
    )
    if not same:
        return None
    # [group, out / group, in / group, k * k] -> which taps each input channel uses
    used = (weight.reshape(group, -1, *weight.shape[1:3], k) != 0).any(1).reshape(-1, k * k)
    if (used.sum(1) > 1).any():
        return None
    # A channel that no output reads may stay where it is.
    taps = np.where(used.any(1), used.argmax(1), k * k // 2)
    return mv.shift(tuple((dilation * (int(t) // k - k // 2), dilation * (int(t) % k - k // 2)) for t in taps))


def _split(node: ir.Node, shift: mv.Movement) -> None:
    builder, data, weight = Builder(node), known.data(node), known.constant(node.inputs[1])
    if not shift.is_identity:
        data = builder.shift(data, shift)
    # One tap an input channel at most: the sum over the taps picks it, exactly.
    pointwise = builder.constant("weight", weight.sum((2, 3), keepdims=True, dtype=weight.dtype))
    attributes = {
        "group": g.integer(node, "group", 1),
        "kernel_shape": (1, 1),
        "pads": (0, 0, 0, 0),
        "strides": g.ints(node, "strides", (1, 1)),
        "dilations": (1, 1),
    }
    builder.replace(builder.op("Conv", [data, pointwise, *node.inputs[2:]], attributes))
