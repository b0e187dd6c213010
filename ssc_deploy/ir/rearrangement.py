"""Movements of any kind: each number of the output is one number of the input, always the same one, or zero.

    out[n, c, y, x] = in[n].flat[indices[c, y, x]]        (0 where the index is -1)

A `movement.Movement` is the special case in which every channel is displaced as a whole. Other cases are edges that
stay or wrap around, flips, strides, and space to depth. `read` finds the indices by running a function on numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.ir.movement import random

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.ir.movement import Array

#: float32 holds every whole number below its square exactly, and each digit to this base.
_BASE = 4096


@dataclass(frozen=True, eq=False)
class Rearrangement:
    """``out[n, c, y, x] = in[n].flat[indices[c, y, x]]``, zero where the index is -1.

    Attributes:
        indices: int64, of the output's shape without the batch.
        in_shape: of the input, without the batch.
    """

    indices: npt.NDArray[np.int64]
    in_shape: tuple[int, ...]

    @property
    def in_channels(self) -> int:
        """Channels of the input image."""
        return self.in_shape[0]

    @property
    def out_channels(self) -> int:
        """Channels of the output image."""
        return len(self.indices)

    def __call__(self, x: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Rearranges the numbers of ``x`` [N, *in_shape]; returns [N, *indices.shape] of the same dtype."""
        flat = x.reshape(len(x), -1)
        moved = flat[:, self.indices.reshape(-1)]
        moved[:, self.indices.reshape(-1) < 0] = 0
        return moved.reshape(len(x), *self.indices.shape)

    def origin(self, channel: int, row: int, column: int) -> str:
        """What stands at a place of the output, in words."""
        index = int(self.indices[channel, row, column])
        if index < 0:
            return "zero"
        at = tuple(int(i) for i in np.unravel_index(index, self.in_shape))
        return f"channel {at[0]} at row {at[1]}, column {at[2]}"


def read(run: Callable[[Array], Array], in_shape: tuple[int, ...]) -> Rearrangement | str:
    """Reads off where ``run`` takes each number from, by running it on numbers that tell their place.

    Args:
        run: takes float32 [1, *in_shape], returns any shape [1, ...].
        in_shape: without the batch.

    Returns:
        the rearrangement, or a sentence that says why ``run`` is none.
    """
    size = int(np.prod(in_shape))
    places = np.arange(1, size + 1)
    digits = [np.asarray(run(d.astype(np.float32).reshape(1, *in_shape))) for d in np.divmod(places, _BASE)]
    if digits[0].ndim < 2 or digits[0].shape[0] != 1:
        return "changes the batch"
    whole = all(np.array_equal(d, np.rint(d)) and (d >= 0).all() and (d < 2**24).all() for d in digits)
    if not whole:
        return "computes new values instead of moving them"
    found = digits[0].astype(np.int64)[0] * _BASE + digits[1].astype(np.int64)[0] - 1
    if (found >= size).any():
        return "computes new values instead of moving them"
    rearrangement = Rearrangement(found, in_shape)
    x = random(1, *in_shape)
    if not np.array_equal(rearrangement(x), run(x)):
        return "moves some numbers only; others are changed on the way"
    return rearrangement
