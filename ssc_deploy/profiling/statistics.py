"""Figures from raw samples, and how sure they are.

Successive inferences are not independent: a core's clock, another process and the caches disturb many in a row. So each
turn counts as one observation, its median, and the interval of a median is that of order statistics over the turns: it
assumes nothing about how the turns are distributed. A run that drifts, whose turns are not alike, is marked unsteady.

Two models that took turns are compared turn by turn, so that what slows the device for a second slows both sides of
each ratio:  r_t = median of A's turn t / median of B's turn t,  ratio = median of the r_t.
The app computes the same interval of p50: ``android_demo/core/.../bench/Statistics.java``; a test holds them together.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]

#: One in so many medians is below an interval, at most, and as many above: 95 % lie within.
_ONE_SIDED = 40

#: Differences below this share are not told, however narrow the interval: two copies of one model in one process differ
#: by up to 1.1 % (SSC-Net-1-9 on LiteRT), by where their memory lies (Mytkowicz et al. 2009).
MARGIN = 0.02

#: The same for runs that were not interleaved, between which a device may have changed its mind.
MARGIN_APART = 0.05

#: A run is steady while its drift and the spread of its turns stay below this share of p50.
STEADY = 0.05

#: A run is steady while p90 / p50 stays below.
TAIL = 1.5


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, of the unit of what it is about; of fewer than six turns their whole range (93.75 % of five).

    Attributes:
        low: its lower end.
        high: its upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class LatencyStats:
    """What the kept runs of one model took, in nanoseconds.

    Attributes:
        runs: how many.
        turns: in how many turns.
        min: the shortest.
        p50: the median.
        p90: nine of ten are not longer.
        p95: likewise.
        p99: likewise.
        mean: of all.
        std: standard deviation of all.
        p50_interval: of ``p50``.
        drift: median of the last third of the turns / that of the first third - 1.
        spread: interquartile range of the turns' medians / ``p50``.
        unsteady: reasons in a few words; empty if the run was steady.
    """

    runs: int
    turns: int
    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    mean: float
    std: float
    p50_interval: Interval
    drift: float
    spread: float
    unsteady: tuple[str, ...]

    @property
    def steady(self) -> bool:
        """Whether the run was steady."""
        return not self.unsteady

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded


class Verdict(enum.StrEnum):
    """What an interval of a ratio allows to say."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Ratio:
    """The time of one model by that of another.

    Attributes:
        value: below 1 where the first takes less.
        interval: of ``value``.
        verdict: a value of `Verdict`, on the first.
        interleaved: whether both took turns in one run.
    """

    value: float
    interval: Interval
    verdict: str
    interleaved: bool

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded


def latency(turns: Sequence[Sequence[int]]) -> LatencyStats:
    """Summarises samples.

    Args:
        turns: nanoseconds, turn by turn; at least one turn, each with a sample.
    """
    samples = np.concatenate([np.asarray(turn, np.float64) for turn in turns])
    p50, p90, p95, p99 = (float(q) for q in np.quantile(samples, [0.5, 0.9, 0.95, 0.99]))
    medians = _medians(turns)
    third = max(1, len(turns) // 3)
    drift = float(np.median(medians[-third:]) / np.median(medians[:third])) - 1
    spread = float(np.subtract(*np.quantile(medians, [0.75, 0.25]))) / p50
    return LatencyStats(
        runs=len(samples),
        turns=len(turns),
        min=float(samples.min()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        mean=float(samples.mean()),
        std=float(samples.std()),
        p50_interval=_p50_interval(p50, medians),
        drift=drift,
        spread=spread,
        unsteady=tuple(_unsteady(drift, spread, p90 / p50)),
    )


def interleaved(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> Ratio:
    """Compares two models that took turns in one run.

    Args:
        first: nanoseconds, turn by turn.
        second: likewise, as many turns.
    """
    ratios = _medians(first) / _medians(second)
    return _judged(float(np.median(ratios)), median_interval(ratios), MARGIN, True)


def apart(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> Ratio:
    """Compares two models that were measured in separate runs, by their p50.

    The logarithm of the ratio is a difference of two independent figures, whose interval follows from the intervals
    of both (Zou and Donner 2008): ``low = a - b - sqrt((a - a_low)^2 + (b_high - b)^2)``, and ``high`` likewise.
    """
    (a, a_low, a_high), (b, b_low, b_high) = (_logarithms(latency(turns)) for turns in (first, second))
    below, above = math.hypot(a - a_low, b_high - b), math.hypot(a_high - a, b - b_low)
    return _judged(math.exp(a - b), Interval(math.exp(a - b - below), math.exp(a - b + above)), MARGIN_APART, False)


def median_interval(values: Sequence[float] | Float64) -> Interval:
    """The 95 % interval of the median of independent values, by order statistics.

    Of n sorted values, the true median lies between the k-th from below and the k-th from above unless fewer than k of
    them are on one side of it, whose probability is ``P(X < k)``, X binomial with n and 1/2. So k is the largest with
    ``P(X < k) <= 2.5 %``. Below six values there is none, and the interval is their whole range.

    Args:
        values: at least one.
    """
    ordered = sorted(map(float, values))
    rank, fewer, ways = 0, 0, 1  # fewer / 2^n = P(X < rank), ways = n over rank
    while _ONE_SIDED * (fewer + ways) <= 2 ** len(ordered):
        fewer += ways
        ways = ways * (len(ordered) - rank) // (rank + 1)
        rank += 1
    place = max(rank, 1)
    return Interval(ordered[place - 1], ordered[-place])


def _logarithms(stats: LatencyStats) -> tuple[float, float, float]:
    return math.log(stats.p50), math.log(stats.p50_interval.low), math.log(stats.p50_interval.high)


def _judged(value: float, interval: Interval, margin: float, together: bool) -> Ratio:
    verdict = Verdict.CANNOT_TELL
    if interval.high < 1 - margin:
        verdict = Verdict.FASTER
    elif interval.low > 1 + margin:
        verdict = Verdict.SLOWER
    return Ratio(value, interval, verdict.value, together)


def _unsteady(drift: float, spread: float, tail: float) -> list[str]:
    reasons = []
    if abs(drift) > STEADY:
        reasons.append(f"the last third took {abs(drift):.0%} {'more' if drift > 0 else 'less'} time than the first")
    if spread > STEADY:
        reasons.append(f"turns differ by {spread:.0%}")
    if tail > TAIL:
        reasons.append(f"p90 is {tail:.1f} times p50")
    return reasons


def _medians(turns: Sequence[Sequence[int]]) -> Float64:
    return np.array([np.median(turn) for turn in turns])


def _p50_interval(p50: float, medians: Float64) -> Interval:
    """Of the turns' medians; it holds p50 itself, also where turns of many runs outweigh the others."""
    found = median_interval(medians)
    return Interval(min(found.low, p50), max(found.high, p50))
