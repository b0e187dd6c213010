"""Coordinate descent: one group of sites after the other, each carried out by whatever is fastest there.

For each group, that which moves most first, all lowerings that it can take are compared with the best choice so far in
a short job; those that are hopeless are never tried again. What is left takes turns in a long job, and the fastest
becomes the best choice if it is faster beyond noise. This goes round until nothing changes, since a lowering may pay
only beside another: on ONNX Runtime a graph that is blocked (NCHWc) from end to end saves reorders between its layers.
In the end the best choice takes turns with the default, and the default stays unless the best choice is faster beyond
noise and the noise floor, `statistics.MARGIN`: where a file's memory happens to lie may make it that much faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.lower.recipe import ALL, Trial, Verdict
from ssc_deploy.profiling.statistics import MARGIN
from ssc_deploy.tuning.bench import LONG, SHORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.profiling.job import Protocol
    from ssc_deploy.profiling.statistics import Ratio
    from ssc_deploy.tuning.bench import Bench
    from ssc_deploy.tuning.comparison import Comparison, Timed
    from ssc_deploy.tuning.space import Axis, Choices, Space

#: Rounds over all groups; one without a change is the last in any case.
_ROUNDS = 3

#: Times that a long measurement is taken until the device holds still.
ATTEMPTS = 3


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        choices: the winner.
        trials: all measurements, in order.
        complete: whether the budget sufficed.
        ratio: winner / default, interleaved; None if the default won.
    """

    choices: Choices
    trials: tuple[Trial, ...]
    complete: bool
    ratio: Ratio | None


class Search:
    """One search.

    Args:
        space: what can be chosen.
        bench: what measures it.
        budget: seconds of measuring.
        say: is called with a line about each measurement.
    """

    def __init__(self, space: Space, bench: Bench, budget: float, say: Callable[[str], None]) -> None:
        self._space, self._bench, self._budget, self._say = space, bench, budget, say
        self._trials: list[Trial] = []
        self._hopeless: set[tuple[str, str]] = set()
        self._complete = True

    def run(self, start: Choices) -> Found:
        """Searches from a choice on."""
        best = start
        for _ in range(_ROUNDS):
            before = best
            for axis in self._space.axes:
                best = self._descend(best, axis)
            if best == before:
                break
        default = self._space.default
        if best == default:
            return self._found(default, None)
        winner = self._decide(_Comparing(default, {"found": best}, ALL, "default", MARGIN), last=True)
        return self._found(default, None) if winner is None else self._found(best, winner[1])

    def _found(self, choices: Choices, ratio: Ratio | None) -> Found:
        return Found(choices, tuple(self._trials), self._complete, ratio)

    def _descend(self, best: Choices, axis: Axis) -> Choices:
        """The best choice once all that this axis could be was compared."""
        candidates = {name: axis.changed(best, name) for name in self._space.alternatives(axis, best)}
        comparing = _Comparing(best, candidates, axis.name, axis.of(best))
        if not self._in_the_running(comparing) or not self._affords(SHORT, len(self._in_the_running(comparing))):
            return best
        self._measure(comparing, SHORT)
        winner = self._decide(comparing)
        return best if winner is None else candidates[winner[0]]

    def _decide(self, comparing: _Comparing, *, last: bool = False) -> tuple[str, Ratio] | None:
        """Long measurements until the device has held still in one; the candidate that won, if any did."""
        for attempt in range(ATTEMPTS):
            names = self._in_the_running(comparing)
            if not names or not self._affords(LONG, len(names), last=last):
                return None
            winner, disturbed = self._measure(comparing, LONG, attempt)
            if not disturbed:
                return winner
        # Never quiet: what two equal files differ by counts against a candidate, so one that won has won.
        return winner

    def _in_the_running(self, comparing: _Comparing) -> list[str]:
        return [name for name in comparing.candidates if (comparing.group, name) not in self._hopeless]

    def _measure(
        self, comparing: _Comparing, protocol: Protocol, attempt: int = 0
    ) -> tuple[tuple[str, Ratio] | None, str]:
        """One measurement, recorded: the fastest candidate, if one is faster beyond noise; and what disturbed it."""
        names = self._in_the_running(comparing)
        base, candidates = comparing.base, [comparing.candidates[name] for name in names]
        comparison = self._bench.compare(base, candidates, protocol, attempt)
        again = bool(comparison.disturbed) and protocol == LONG and attempt < ATTEMPTS - 1
        faster = [
            (timed.ratio.value, name, timed.ratio)
            for name, timed in zip(names, comparison.candidates, strict=True)
            if timed.ratio is not None and comparison.faster(timed, comparing.margin)
        ]
        winner = min(faster)[1:] if faster and protocol == LONG and not again else None
        for name, timed in zip(names, comparison.candidates, strict=True):
            if timed.ratio is None:
                verdict = Verdict.FAILED
            elif comparison.hopeless(timed):
                verdict = Verdict.HOPELESS
            elif protocol == SHORT:
                verdict = Verdict.OPEN
            elif again:
                verdict = Verdict.DISTURBED
            else:
                verdict = Verdict.TAKEN if winner is not None and winner[0] == name else Verdict.KEPT_BEST
            if verdict in {Verdict.FAILED, Verdict.HOPELESS}:
                self._hopeless.add((comparing.group, name))
            self._record(_trial(comparing, name, comparison, timed, verdict))
        if again:
            self._say(f"{comparison.disturbed}; measured again")
        return winner, comparison.disturbed

    def _affords(self, protocol: Protocol, candidates: int, *, last: bool = False) -> bool:
        """Whether the budget suffices for a measurement, and for the one against the default after it."""
        reserve = 0.0 if last else self._bench.estimate(LONG, 1)
        needed = self._bench.seconds + self._bench.estimate(protocol, candidates) + reserve
        if needed > self._budget:
            self._complete = False
        return needed <= self._budget

    def _record(self, trial: Trial) -> None:
        self._trials.append(trial)
        best = trial.p50_ms if trial.verdict is Verdict.TAKEN else trial.against_ms
        left = max(0.0, self._budget - self._bench.seconds)
        figures = "" if trial.ratio is None else f" {trial.ratio:.2f} [{trial.low:.2f}, {trial.high:.2f}]"
        self._say(
            f"{trial.group}: {trial.lowering} against {trial.against}{figures}, {trial.verdict} · "
            f"best so far {best:.2f} ms · {left:.0f} s left"
        )


@dataclass(frozen=True)
class _Comparing:
    """What is compared.

    Attributes:
        base: the best choice so far.
        candidates: others, by the name of what they are carried out by.
        group: that they differ in.
        against: what carries it out in ``base``.
        margin: by which share a candidate has to be faster, beyond noise.
    """

    base: Choices
    candidates: dict[str, Choices]
    group: str
    against: str
    margin: float = 0.0


def _trial(comparing: _Comparing, name: str, comparison: Comparison, timed: Timed, verdict: Verdict) -> Trial:
    ratio = timed.ratio
    return Trial(
        group=comparing.group,
        lowering=name,
        against=comparing.against,
        verdict=verdict,
        ratio=None if ratio is None else round(ratio.value, 4),
        low=None if ratio is None else round(ratio.interval.low, 4),
        high=None if ratio is None else round(ratio.interval.high, 4),
        p50_ms=None if timed.p50_ns is None else round(timed.p50_ns / 1e6, 4),
        against_ms=round(comparison.base_p50_ns / 1e6, 4),
        control=round(comparison.control.value, 4),
        turns=comparison.turns,
        why=timed.failure or comparison.disturbed,
    )
