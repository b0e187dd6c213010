"""How the range of a grid follows from a histogram.

- ``minmax``: all numbers that were seen.
- ``percentile``: all but a share of `TAIL` at either end. Zero is always inside, so that an end which is zero stays.
- ``mse``: the range whose grid has the least expected squared error; errors are those of rounding inside, and of
  cutting off outside.
- ``entropy``: the range whose grid changes the distribution least (Kullback-Leibler divergence), after
  Migacz, "8-bit inference with TensorRT" (GTC 2017), with both ends of the range.

The candidates of the last two hold all numbers up to some absolute value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.quantize import grid

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.histogram import Histogram

    Method = Callable[[Histogram], Grid]

#: The share of numbers that ``percentile`` leaves out at either end. With 1e-4 the outputs of the trained networks have
#: 5 dB more noise.
TAIL = 1e-5

#: Candidates: up to the largest absolute value, and down to this share of it.
_LEAST, _CANDIDATES = 0.04, 97


def _minmax(histogram: Histogram) -> Grid:
    return grid.of_range(histogram.low, histogram.high)


def percentile(histogram: Histogram, tail: float = TAIL) -> Grid:
    """The range of all but a share ``tail`` of the numbers at either end; the histogram holds at least one."""
    below = np.cumsum(histogram.counts)
    left_out = tail * histogram.total
    # The first bin that reaches beyond the share, from below and from above.
    first = int(np.searchsorted(below, left_out, side="right"))
    last = int(np.searchsorted(below, histogram.total - left_out, side="left"))
    edges = histogram.middles
    low, high = float(edges[first] - histogram.width / 2), float(edges[last] + histogram.width / 2)
    return grid.of_range(max(low, histogram.low), min(high, histogram.high))


def _mse(histogram: Histogram) -> Grid:
    return _best(histogram, _squared_error)


def _squared_error(histogram: Histogram, one: Grid) -> float:
    middles, counts = histogram.middles, histogram.counts
    rounded = one.numbers(one.integers(middles))
    # Inside, the numbers of a bin that is narrower than a step lie anywhere in it: step^2 / 12.
    error = np.where((middles < one.low) | (middles > one.high), (middles - rounded) ** 2, one.scale**2 / 12)
    zero = _is_zero(histogram)
    return float((counts * error)[~zero].sum())


def _entropy(histogram: Histogram) -> Grid:
    return _best(histogram, _divergence)


def _divergence(histogram: Histogram, one: Grid) -> float:
    """Of the numbers cut off at the ends of the grid, from the same numbers spread evenly over each step."""
    middles, counts = histogram.middles, np.where(_is_zero(histogram), 0, histogram.counts).astype(np.float64)
    steps = one.integers(middles).astype(np.int64) - grid.LOW
    inside = (middles >= one.low) & (middles <= one.high)
    if not counts[inside].any():
        return np.inf
    # What is cut off is at the end of the grid.
    reference = np.where(inside, counts, 0.0)
    ends = np.flatnonzero(inside)
    reference[ends[0]] += counts[: ends[0]].sum()
    reference[ends[-1]] += counts[ends[-1] + 1 :].sum()
    held = (counts > 0) & inside
    amounts = np.bincount(steps[held], counts[held], 256)
    places_of = np.bincount(steps[held], minlength=256)
    spread = np.where(held, amounts[steps] / np.maximum(places_of[steps], 1), 0.0)
    p, q = reference / reference.sum(), spread / spread.sum()
    both = p > 0
    return float((p[both] * np.log(p[both] / np.maximum(q[both], 1e-12))).sum())


def _best(histogram: Histogram, cost: Callable[[Histogram, Grid], float]) -> Grid:
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    bounds = max(-low, high) * np.linspace(1, _LEAST, _CANDIDATES)
    candidates = [grid.of_range(max(low, -bound), min(high, bound)) for bound in bounds.tolist()]
    costs = [cost(histogram, one) for one in candidates]
    return candidates[int(np.argmin(costs))]


def _is_zero(histogram: Histogram) -> npt.NDArray[np.bool_]:
    """The bin that holds the zeros of a ReLU, which every grid holds exactly."""
    zeros = np.zeros(len(histogram.counts), bool)
    zeros[len(zeros) // 2] = True
    return zeros


#: From a histogram of at least one number to the grid of a value, by the names that a user types.
METHODS: dict[str, Method] = {
    "minmax": _minmax,
    "percentile": percentile,
    "mse": _mse,
    "entropy": _entropy,
}
