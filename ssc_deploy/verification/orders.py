"""The error of float32 in a network whose sums may be added in any order.

PyTorch's own error e = |p - y| measures how far a file may be off. It is too small where PyTorch adds many partial sums
and a runtime does not: the mean of a constant image of 224 x 224 is 5,000 times worse in ONNX Runtime's
``GlobalAveragePool``, which other exporters write. So before a file is called wrong, the network also runs with every
long sum added one term after the other (q). This is the worst order that runtimes use. Then

    e = max(|p - y|, |q - y| / SHARE)

for each value. The bounds are many times e, since the errors of few values depend on luck (`tolerance.MAX_FACTOR`).
With SHARE they are only a few times |q - y|, since q is already the worst order. A network without long sums has no q,
and nothing changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.reference import Float32, Float64, Reference

SHARE = 4.0


class EitherOrder:
    """A reference whose float32 value is PyTorch's or that of sums in turn, whichever has the larger error.

    Args:
        network: the reference.
        in_turn: the same network, whose float32 adds in turn.
    """

    def __init__(self, network: Reference, in_turn: Reference) -> None:
        self._network, self._in_turn = network, in_turn
        self.title, self.float32_title = network.title, f"{network.float32_title} (sums in turn)"

    @property
    def names(self) -> tuple[str, ...]:
        """See `Reference.names`."""
        return self._network.names

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """See `Reference.outputs`."""
        return self._network.outputs(x)

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """See `Reference.float32_outputs`."""
        runs = self._network.float32_outputs(x), self._in_turn.float32_outputs(x), self.outputs(x)
        return tuple(_further(*output) for output in zip(*runs, strict=True))

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """See `Reference.in_turn`."""
        return self._network.in_turn(inputs)

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """See `Reference.block_names`."""
        return self._network.block_names(x)

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """See `Reference.float32_blocks`."""
        found, others = self._network.float32_blocks(x, names), self._in_turn.float32_blocks(x, names)

        def visit(name: str, exact: Float64) -> None:
            if name in found and name in others:
                found[name] = _further(found[name], others.pop(name), exact)

        self._network.visit_blocks(x, names, visit)
        return found

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """See `Reference.visit_blocks`."""
        self._network.visit_blocks(x, names, visit)

    def adding_in_turn(self, x: Examples) -> Reference | None:
        """See `Reference.adding_in_turn`; it does already."""
        return None


def _further(float32: Float32, in_turn: Float32, exact: Float64) -> npt.NDArray[Any]:
    """The module's equation, as values in float32."""
    if not float32.shape == in_turn.shape == exact.shape:
        return float32
    with np.errstate(all="ignore"):  # values that are not finite are not compared
        share = exact + (in_turn - exact) / SHARE
        takes = np.abs(share - exact) > np.abs(float32 - exact)
        return np.where(takes & np.isfinite(share), share, float32).astype(np.float32)
