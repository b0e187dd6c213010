"""What a file is compared with: the network it was made from, in float64, and the same in float32 for a measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Collection

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

#: Name of the root module's output, in a reference's blocks as in an exported file.
OUTPUT = "output"


@dataclass(frozen=True)
class Block:
    """What one call of one module returned.

    Attributes:
        name: path of the module; calls after the first are ``path@1``, ``path@2`` ...; the root is ``output``.
        exact: the output in float64.
        float32: the output as the reference's own float32 arithmetic gives it.
    """

    name: str
    exact: Float64
    float32: Float32


class Reference(Protocol):
    """The network that a file must agree with."""

    def outputs(self, x: Float32) -> Float64:
        """Runs the network in float64 on ``x`` [N, C, H, W]; returns [N, ...]."""
        ...

    def float32_outputs(self, x: Float32) -> Float32:
        """Runs the network in float32 on ``x`` [N, C, H, W]; its distance from `outputs` is what float32 costs."""
        ...

    def blocks(self, x: Float32, names: Collection[str] | None = None) -> list[Block]:
        """What every block returns for ``x``, in the order in which the calls end, the innermost first.

        All of it is in memory at once, so ``x`` should hold few pictures.

        Args:
            x: [N, C, H, W].
            names: keep only the blocks with these names; None keeps all.
        """
        ...


class Remembered:
    """A reference that runs its network once on the same inputs, for any number of files."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._inputs: Float32 | None = None
        self._exact: Float64 | None = None
        self._float32: Float32 | None = None

    def outputs(self, x: Float32) -> Float64:
        """See `Reference.outputs`."""
        self._look_at(x)
        if self._exact is None:
            self._exact = self._reference.outputs(x)
        return self._exact

    def float32_outputs(self, x: Float32) -> Float32:
        """See `Reference.float32_outputs`."""
        self._look_at(x)
        if self._float32 is None:
            self._float32 = self._reference.float32_outputs(x)
        return self._float32

    def blocks(self, x: Float32, names: Collection[str] | None = None) -> list[Block]:
        """See `Reference.blocks`; not remembered, since all blocks together are large."""
        return self._reference.blocks(x, names)

    def _look_at(self, x: Float32) -> None:
        if x is not self._inputs:
            self._inputs, self._exact, self._float32 = x, None, None
