"""Merges two dense convolutions in a row, one of them 1x1, into one, if that needs fewer multiplications.

    W2 * (W1 x + b1) + b2  =  W x + b
    W[o, i] = sum_m W2[o, m] W1[m, i]                    (for each tap of the kernel that is not 1x1)
    b[o]    = sum_m (sum_taps W2[o, m]) b1[m] + b2[o]

computed in float64. Not changed: pairs that would need as many multiplications or more (a bottleneck), a first
convolution whose output something else reads, a second one that is padded where b1 is not zero (its border would be b1,
and is zero) or where the first is not 1x1, and group convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import roles
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    import numpy.typing as npt


class MergeLinear(ir.passes.InPlacePass):
    """Merges linear neighbours; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass; a third convolution meets what the first two became."""
        modified = False
        for node in list(model.graph):
            modified |= _merge(node)
        return ir.passes.PassResult(model, modified)


@dataclass(frozen=True)
class _Dense:
    """A dense convolution by constants: weight [O, I, k, k], bias [O], (strides, pads, dilations) as ONNX has them."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    pixels: int

    @property
    def is_pointwise(self) -> bool:
        return self.weight.shape[2:] == (1, 1)

    @property
    def macs(self) -> int:
        return self.pixels * self.weight.size


def _dense(node: ir.Node | None) -> _Dense | None:
    if node is None or node.op_type != "Conv" or roles.role(node) or g.integer(node, "group", 1) != 1:
        return None
    weight, shape = g.constant(node.inputs[1]), g.shape_of(node.outputs[0])
    biased = len(node.inputs) > 2 and node.inputs[2] is not None
    bias = g.constant(node.inputs[2]) if biased else None
    explicit = node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET"
    if weight is None or weight.ndim != 4 or shape is None or (biased and bias is None) or not explicit:
        return None
    ones, zeros = (1, 1), (0, 0, 0, 0)
    return _Dense(
        weight,
        np.zeros(len(weight), weight.dtype) if bias is None else bias,
        g.ints(node, "strides", ones),
        g.ints(node, "pads", zeros),
        g.ints(node, "dilations", ones),
        math.prod(shape[2:]),
    )


def _merge(node: ir.Node) -> bool:
    data = node.inputs[0] if node.inputs else None
    before = None if data is None else data.producer()
    first, second = _dense(before), _dense(node)
    if data is None or before is None or first is None or second is None or not g.used_once(data):
        return False
    product = _product(first, second)
    if product is None:
        return False
    kernel, window = product
    if second.pixels * kernel.size >= first.macs + second.macs:
        return False
    bias = second.weight.sum((2, 3), dtype=np.float64) @ first.bias + second.bias
    builder = Builder(node)
    constants = [
        builder.constant("weight", kernel.astype(np.float32)),
        builder.constant("bias", bias.astype(np.float32)),
    ]
    attributes = {
        "kernel_shape": kernel.shape[2:],
        "strides": tuple(a * b for a, b in zip(first.strides, second.strides, strict=True)),
        "pads": window.pads,
        "dilations": window.dilations,
        "group": 1,
    }
    builder.replace(builder.op("Conv", [before.inputs[0], *constants], attributes), before)
    return True


def _product(first: _Dense, second: _Dense) -> tuple[npt.NDArray[np.float64], _Dense] | None:
    """The merged kernel, and that of both whose padding and dilations it has; None if no kernel does the same."""
    if first.is_pointwise and not any(first.pads) and first.strides == (1, 1):
        if any(second.pads) and first.bias.any():
            return None
        kernel, window = np.einsum("omyx,mi->oiyx", second.weight, first.weight[:, :, 0, 0], dtype=np.float64), second
    elif second.is_pointwise and not any(second.pads):
        kernel, window = np.einsum("om,miyx->oiyx", second.weight[:, :, 0, 0], first.weight, dtype=np.float64), first
    else:
        return None
    return np.asarray(kernel, np.float64), window
