"""Figures from raw samples, and how sure they are.

Successive inferences are not independent: a core's clock, another process and the caches disturb many in a row. So what
is drawn anew is not single samples but whole turns, several neighbouring ones at a time (circular block bootstrap,
Politis and Romano 1992, of blocks of n^(1/3) turns). Percentile intervals of few turns come out too narrow; their level
is raised by the factor that makes them exact for a normal mean (Hesterberg 2015, "expanded percentile interval").

Two models that took turns are compared turn by turn, so that what slows the device for a second slows both sides of
each ratio:  r_t = log(median of A's turn t / median of B's turn t),  ratio = exp(mean of the middle half of the r_t).
"""

from __future__ import annotations

import enum
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import records

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]

LEVEL = 0.95

#: Draws of a bootstrap: the ends of an interval then vary by a few per cent of its width.
_DRAWS = 2000

#: Differences below this share are not told, however narrow the interval: two copies of one model in one process differ
#: by up to 1.1 % (SSC-Net-1-9 on LiteRT), by where their memory lies (Mytkowicz et al. 2009).
MARGIN = 0.02

#: The same for runs that were not interleaved, between which a device may have changed its mind.
MARGIN_APART = 0.05

#: A run is steady while its drift and the spread of its turns stay below this share of p50.
STEADY = 0.05

#: A run is steady while p90 / p50 stays below.
TAIL = 1.5

#: Order statistics that stand for a turn in the interval of p50; more do not change a median.
_PER_TURN = 100


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; both ends are of the unit of what it is about."""

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
        unsteady: reasons in a few words; empty where the run was steady.
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
        """As JSON has it."""
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
        """As JSON has it."""
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
        p50_interval=_interval(_drawn_medians(turns), len(turns)),
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
    ratios = np.log(_medians(first) / _medians(second))
    drawn = _middle_mean(ratios[_draws(len(ratios))])
    value, interval = float(_middle_mean(ratios[None])[0]), _interval(drawn, len(ratios))
    return _judged(math.exp(value), Interval(math.exp(interval.low), math.exp(interval.high)), MARGIN, True)


def apart(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> Ratio:
    """Compares two models that were measured in separate runs, by their p50."""
    medians = [float(np.median(np.concatenate([np.asarray(turn) for turn in turns]))) for turns in (first, second)]
    drawn = np.log(_drawn_medians(first, seed=1)) - np.log(_drawn_medians(second, seed=2))
    interval = _interval(drawn, min(len(first), len(second)))
    return _judged(
        medians[0] / medians[1], Interval(math.exp(interval.low), math.exp(interval.high)), MARGIN_APART, False
    )


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


def _draws(turns: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Which turns each draw holds: [`_DRAWS`, turns], blocks of neighbours; the last turn's neighbour is the first."""
    block = max(1, round(turns ** (1 / 3)))
    starts = np.random.default_rng(seed).integers(0, turns, (_DRAWS, -(-turns // block)))
    return ((starts[:, :, None] + np.arange(block)) % turns).reshape(_DRAWS, -1)[:, :turns]


def _middle_mean(values: Float64) -> Float64:
    """Mean of the middle half of each row: a turn that was disturbed does not count, and more is used than a median."""
    cut = values.shape[1] // 4
    ordered = np.sort(values, axis=1)
    middle: Float64 = ordered[:, cut : values.shape[1] - cut].mean(axis=1)
    return middle


def _drawn_medians(turns: Sequence[Sequence[int]], seed: int = 0) -> Float64:
    """The median over all samples of the turns of each draw."""
    grid = (np.arange(_PER_TURN) + 0.5) / _PER_TURN
    values = np.stack([np.quantile(turn, grid) for turn in turns])
    order = np.argsort(values, axis=None, kind="stable")
    ordered, turn_of = values.reshape(-1)[order], order // _PER_TURN
    # How many of the smallest values are of each turn, [values, turns]. Weighted by how often a draw holds each turn,
    # these counts rise from row to row, so that the draw's median is found by halving.
    counts = np.cumsum(turn_of[:, None] == np.arange(len(turns)), axis=0)
    cells = np.arange(_DRAWS)[:, None] * len(turns) + _draws(len(turns), seed)
    held = np.bincount(cells.reshape(-1), minlength=_DRAWS * len(turns)).reshape(_DRAWS, len(turns))
    weights = held * np.array([len(turn) for turn in turns])
    half = (counts[-1] * weights).sum(axis=1) / 2
    low, high = np.zeros(_DRAWS, np.int64), np.full(_DRAWS, len(ordered) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        reached = (counts[middle] * weights).sum(axis=1) >= half
        low, high = np.where(reached, low, middle + 1), np.where(reached, middle, high)
    drawn: Float64 = ordered[low]
    return drawn


def _interval(drawn: Float64, turns: int) -> Interval:
    """The expanded percentile interval of what was drawn from so many turns."""
    tail = _tail(turns)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _tail(turns: int) -> float:
    """The share to be cut off at either end: Phi(-sqrt(n / (n - 1)) t_(n - 1))."""
    normal = statistics.NormalDist()
    z = normal.inv_cdf((1 + LEVEL) / 2)
    if turns < 2:
        return 0.0
    freedom = turns - 1
    # Student's t by the first terms of its expansion about the normal (Abramowitz and Stegun 26.7.5).
    t = (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
    return normal.cdf(-math.sqrt(turns / freedom) * t)
