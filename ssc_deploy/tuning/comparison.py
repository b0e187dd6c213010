"""Candidates that took turns with the best file so far, and whether the device held still meanwhile.

The best file stands in the job twice, first and last. Both copies are the same bytes, so

    control = time of the second copy / time of the first

shows what the measurement adds by itself: its bias is how far the 95 % interval of the control lies from 1, 0 where 1
is inside. Candidates are compared with both copies together, and one is faster only if

    high * (1 + bias) < 1 - margin,      high: upper end of the 95 % interval of its ratio.

In a step of the search the margin is 0: one group of sites is a small share of a network, and steps below the noise
floor may add up to a gain above it. What all steps come to has to pass that floor, `statistics.MARGIN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.statistics import MARGIN, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.profiling.job import Measurement

#: Bias beyond which a measurement is taken again.
BIAS = 0.01

#: Change of the best file's latency from the first third of a job to its last, likewise: turns are paired, but a device
#: that slows down so, from heat or another process, is not the one whose fastest graph was asked for.
DRIFT = 0.15


@dataclass(frozen=True)
class Timed:
    """A candidate.

    Attributes:
        sha256: of its file.
        p50_ns: median latency; None if it failed.
        ratio: its time / that of both copies of the best file; likewise.
        failure: why it has no figures.
    """

    sha256: str
    p50_ns: float | None
    ratio: Ratio | None
    failure: str = ""


@dataclass(frozen=True)
class Comparison:
    """One job.

    Attributes:
        base_sha256: of the best file so far.
        base_p50_ns: its median latency.
        control: its second copy against its first.
        drift: its latency in the last third of the turns / that in the first third - 1.
        turns: of each file.
        seconds: that the job took.
        candidates: in the order of the job.
    """

    base_sha256: str
    base_p50_ns: float
    control: Ratio
    drift: float
    turns: int
    seconds: float
    candidates: tuple[Timed, ...]

    @property
    def bias(self) -> float:
        """What the measurement adds to one of two equal files, at least."""
        return max(0.0, self.control.interval.low - 1, 1 - self.control.interval.high)

    @property
    def disturbed(self) -> str:
        """Why it should be measured again; empty if the device held still."""
        if self.bias > BIAS:
            return f"two copies of one file differed by {self.bias:.1%} or more"
        if abs(self.drift) > DRIFT:
            return f"the device became {abs(self.drift):.0%} {'slower' if self.drift > 0 else 'faster'} meanwhile"
        return ""

    def faster(self, candidate: Timed, margin: float = 0.0) -> bool:
        """Whether a candidate is faster beyond noise, and by more than a margin: a share of the best file's time."""
        return candidate.ratio is not None and candidate.ratio.interval.high * (1 + self.bias) < 1 - margin

    def hopeless(self, candidate: Timed) -> bool:
        """Whether a candidate is so surely slower that it needs no longer measurement."""
        return candidate.ratio is None or candidate.ratio.interval.low > (1 + MARGIN) * (1 + self.bias)


def compare_turns(measured: Sequence[Measurement], digests: Sequence[str], seconds: float) -> Comparison:
    """The comparison that a job gives: its first and last file are the best one so far, and did not fail."""
    turns = [[turn.samples_ns for turn in one.turns] for one in measured]
    both = [first + last for first, last in zip(turns[0], turns[-1], strict=True)]
    base = statistics.latency(both)
    timed = []
    for one, digest, samples in zip(measured[1:-1], digests[1:-1], turns[1:-1], strict=True):
        if one.failure is not None:
            timed.append(Timed(digest, None, None, one.failure.message))
        else:
            ratio = statistics.interleaved(samples, both)
            timed.append(Timed(digest, statistics.latency(samples).p50, ratio))
    control = statistics.interleaved(turns[-1], turns[0])
    return Comparison(digests[0], base.p50, control, base.drift, len(both), seconds, tuple(timed))
