"""Where a dense product is: a 1x1 convolution of one group, with the activation that its runtime runs in one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.lower.product import Product
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy.typing as npt
    import onnx_ir as ir


@dataclass(frozen=True, eq=False)
class DenseSite(Product):
    """A dense product, and what is known about it.

    Attributes:
        node: the last of what one kernel runs: the convolution, or the Relu or Clip that alone reads it.
        convolution: its weight and bias are constants.
    """

    convolution: ir.Node

    @property
    def bias(self) -> npt.NDArray[np.float32]:
        """Float32 [O]; zeros where the convolution has none."""
        given = g.constant(self.convolution.inputs[2]) if len(self.convolution.inputs) > 2 else None
        return np.zeros(len(self.weight), np.float32) if given is None else given

    @property
    def origin(self) -> ir.Node:
        """See `site.Choosable`."""
        return self.convolution

    @property
    def alike(self) -> Hashable:
        """See `site.Choosable`."""
        return self.weight.shape, self.height, self.width


def sites(model: ir.Model, target: Target) -> list[DenseSite]:
    """The dense products of a canonical graph that can be carried out in more than one way, in its order.

    On ONNX Runtime there are none: its kernels take any number of outputs.
    """
    if target is not Target.LITERT:
        return []
    found = (_site(node) for node in model.graph if node.op_type == "Conv")
    return [site for site in found if site is not None]


def _site(conv: ir.Node) -> DenseSite | None:
    weight, shape = g.constant(conv.inputs[1]), g.shape_of(conv.outputs[0])
    biases = conv.inputs[2:]
    if weight is None or shape is None or len(shape) != 4 or any(g.constant(bias) is None for bias in biases if bias):
        return None
    if weight.shape[2:] != (1, 1) or g.integer(conv, "group", 1) != 1:
        return None
    last = conv
    if g.used_once(conv.outputs[0]):
        (reader,) = conv.outputs[0].consumers()
        if reader.op_type in {"Relu", "Clip"} and all(g.is_constant(bound) for bound in reader.inputs[1:] if bound):
            last = reader
    return DenseSite(last, weight, *shape[2:], conv)
