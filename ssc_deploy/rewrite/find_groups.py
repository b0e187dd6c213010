"""A convolution whose kernel is block-diagonal over the channels is a group convolution.

    W = diag(W_1, ..., W_g):   y = W x   is   y_j = W_j x_j  for each of g blocks of channels

The largest g that divides both channel counts and leaves exact zeros alone outside the blocks is taken; a group
convolution may be split further. Marks every 1x1 convolution with groups, found here or written so.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import canonical, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder


class FindGroups(ir.passes.InPlacePass):
    """Finds block-diagonal kernels; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in model.graph:
            if node.op_type != "Conv" or canonical.shift_of(node):
                continue
            weight, group = g.constant(node.inputs[1]), g.integer(node, "group", 1)
            if weight is None:
                continue
            factor = blocks(weight.reshape(group, -1, *weight.shape[1:]))
            if factor > 1:
                node.replace_input_with(1, Builder(node).constant("weight", _dense_blocks(weight, group, factor)))
                group *= factor
                node.attributes["group"] = ir.AttrInt64("group", group)
                modified = True
            if group > 1 and weight.shape[2:] == (1, 1) and roles.role(node) is None:
                roles.set_role(node, roles.Role.GROUP_POINTWISE)
                modified = True
        return ir.passes.PassResult(model, modified)


def blocks(weight: np.ndarray) -> int:
    """The most blocks into which every group's kernel falls apart.

    Args:
        weight: [groups, out / groups, in / groups, *kernel]; the kernel of a Conv1d has one axis.
    """
    used = (weight != 0).any((0, *range(3, weight.ndim)))
    outputs, inputs = used.shape
    if used.all() or not used.any():
        return 1
    most = math.gcd(outputs, inputs)
    for count in sorted((n for n in range(2, most + 1) if most % n == 0), reverse=True):
        inside = np.kron(np.eye(count, dtype=bool), np.ones((outputs // count, inputs // count), bool))
        if not (used & ~inside).any():
            return count
    return 1


def _dense_blocks(weight: np.ndarray, group: int, factor: int) -> np.ndarray:
    outputs, inputs = weight.shape[0] // group // factor, weight.shape[1] // factor
    cut = weight.reshape(group, factor, outputs, factor, inputs, *weight.shape[2:])
    diagonal = np.stack([cut[:, b, :, b] for b in range(factor)], 1)
    return diagonal.reshape(weight.shape[0], inputs, *weight.shape[2:])
