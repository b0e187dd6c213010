"""Histograms of numbers whose range is not known before, in one pass and in bounded memory.

Bin i holds the numbers from i w to (i + 1) w, for i from -BINS to BINS - 1. The width w is a power of two. When a
number lies outside, w is doubled and pairs of neighbours are merged, which is exact. So the result does not depend on
the order in which the numbers come, nor on how they are divided into parts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Bins on either side of zero; the largest number lies in the outer half of them.
BINS = 4096

#: Width of a bin, at least: its inverse is a float32 number.
_LEAST = 2.0**-120

#: Numbers that are counted at once, so that the arrays in between stay small.
_AT_ONCE = 1 << 20


class Histogram:
    """Counts of numbers, with the least and the greatest of them.

    Attributes:
        low: the least number; infinite while there are none.
        high: the greatest.
        counts: int64 [2 * BINS], of bin -BINS first.
        width: of a bin.
    """

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.counts = np.zeros(2 * BINS, np.int64)
        self.width = 0.0

    def add(self, numbers: Array) -> None:
        """Counts more numbers, float32 of any shape.

        Raises:
            ValueError: one is not finite.
        """
        low, high = float(numbers.min(initial=math.inf)), float(numbers.max(initial=-math.inf))
        if not numbers.size:
            return
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("a number is not finite")
        self.low, self.high = min(self.low, low), max(self.high, high)
        largest = max(-low, high)
        if largest > 0.0:
            # The largest number is in the outer half: BINS / 2 <= largest / width < BINS.
            self._widen(max(2.0 ** (math.frexp(largest)[1] - BINS.bit_length() + 1), _LEAST))
        flat = numbers.reshape(-1)
        for start in range(0, flat.size, _AT_ONCE):
            part = flat[start : start + _AT_ONCE]
            if self.width == 0.0:
                self.counts[BINS] += part.size  # zeros alone
                continue
            # A power of two: the product is exact, and it is above -BINS and below BINS.
            bins = np.floor(part * np.float32(1 / self.width)).astype(np.int64)
            self.counts += np.bincount(bins + BINS, minlength=2 * BINS)

    def merge(self, other: Histogram) -> None:
        """Counts all numbers of another histogram."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self._widen(other.width)
        self.counts += _halved(other.counts, other.width, self.width)

    def _widen(self, width: float) -> None:
        if width > self.width:
            self.counts = _halved(self.counts, self.width, width)
            self.width = width

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return int(self.counts.sum())

    @property
    def middles(self) -> npt.NDArray[np.float64]:
        """The middle of each bin."""
        return np.asarray((np.arange(-BINS, BINS) + 0.5) * self.width, np.float64)


def _halved(counts: npt.NDArray[np.int64], width: float, wider: float) -> npt.NDArray[np.int64]:
    """The counts in bins of a greater width."""
    if width in {0.0, wider}:
        return counts  # zeros alone are in the bin that begins at zero, whatever its width is
    factor = round(min(wider / width, 2 * BINS))
    widened = np.zeros_like(counts)
    # Bin i becomes bin floor(i / factor).
    np.add.at(widened, np.arange(-BINS, BINS) // factor + BINS, counts)
    return widened
