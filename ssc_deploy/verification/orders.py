"""The error of float32 in a network whose sums may be added in any order.

PyTorch's own error e = |p - y| measures how far a file may be off. It may be too small by luck, since it is one order
of many. So before a file is called wrong, the network runs in float32 in other orders as well, with the outputs q.

- With PyTorch's own kernels instead of those of oneDNN. Both are usual ways to compute a convolution. timm's
  ``convmixer_768_32`` with random weights enlarges every rounding: by oneDNN's kernels for AVX2 alone, one channel of a
  block was so exact by luck that a right file was off there by 1.4 times its bound.
- With every long sum added one term after the other, the worst order that runtimes use. PyTorch adds many partial sums:
  the mean of a constant image of 224 x 224 is 5,000 times worse in ONNX Runtime's ``GlobalAveragePool``, which other
  exporters write. The bounds are many times e, since the errors of few values depend on luck (`tolerance.MAX_FACTOR`).
  With SHARE they are only a few times |q - y|, since q is already the worst.

Then, for each value and all orders tried so far,

    e = max(|p - y|, |q - y| / SHARE)

A network that computes the same in another order has no q, and nothing changes.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.reference import Float32, Float64, Reference


class Order(enum.Enum):
    """In which order float32 adds; the value is what a report says of it."""

    USUAL = "as usual"
    KERNELS = "without oneDNN"
    IN_TURN = "sums in turn"


#: SHARE of each order.
SHARES = {Order.KERNELS: 1.0, Order.IN_TURN: 4.0}


class EitherOrder:
    """A reference whose float32 value is that of one order or of another, whichever has the larger error.

    Args:
        network: the reference.
        other: the same network, whose float32 adds in another order.
        order: the order of ``other``.
    """

    def __init__(self, network: Reference, other: Reference, order: Order) -> None:
        self._network, self._other, self._share = network, other, SHARES[order]
        self.title, self.float32_title = network.title, f"{network.float32_title} ({order.value})"

    @property
    def names(self) -> tuple[str, ...]:
        """See `Reference.names`."""
        return self._network.names

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """See `Reference.outputs`."""
        return self._network.outputs(x)

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """See `Reference.float32_outputs`."""
        runs = self._network.float32_outputs(x), self._other.float32_outputs(x), self.outputs(x)
        return tuple(self._further(*output) for output in zip(*runs, strict=True))

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """See `Reference.in_turn`."""
        return self._network.in_turn(inputs)

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """See `Reference.block_names`."""
        return self._network.block_names(x)

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """See `Reference.float32_blocks`."""
        found, others = self._network.float32_blocks(x, names), self._other.float32_blocks(x, names)

        def visit(name: str, exact: Float64) -> None:
            if name in found and name in others:
                found[name] = self._further(found[name], others.pop(name), exact)

        self._network.visit_blocks(x, names, visit)
        return found

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """See `Reference.visit_blocks`."""
        self._network.visit_blocks(x, names, visit)

    def other_orders(self, x: Examples) -> dict[Order, Reference]:
        """See `Reference.other_orders`."""
        return self._network.other_orders(x)

    def _further(self, float32: Float32, other: Float32, exact: Float64) -> npt.NDArray[Any]:
        """The module's equation, as values in float32."""
        if not float32.shape == other.shape == exact.shape:
            return float32
        with np.errstate(all="ignore"):  # values that are not finite are not compared
            share = exact + (other - exact) / self._share
            takes = np.abs(share - exact) > np.abs(float32 - exact)
            return np.where(takes & np.isfinite(share), share, float32).astype(np.float32)
