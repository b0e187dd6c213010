"""Leaves blocks in float32 until a quantised network loses no more accuracy than is allowed, and what that costs.

The blocks go in the order of their noise, each quantised alone (`quantize.sensitivity`); how many of them is found in
simulation. What counts is the accuracy of the file: where that is lower than in simulation, the search goes on with as
much less allowed.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy import batches, runtimes
from ssc_deploy.errors import VerificationError
from ssc_deploy.quantize import planning, sensitivity

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.examples import Examples
    from ssc_deploy.exporting.quantizing import Prepared
    from ssc_deploy.exporting.stages import Progress
    from ssc_deploy.quantize.sensitivity import Exclusions, Sensitivity
    from ssc_deploy.verification.accuracy import Accuracy

#: Images on which the noise of the blocks is compared.
_IMAGES = 64

#: Turns of two files, and the CPU seconds that one of them takes in a turn, at least.
_TURNS, _SECONDS = 5, 0.05


class TooMuchLostError(VerificationError):
    """A file is right, but loses more accuracy than is allowed.

    Attributes:
        accuracy: of the file.
    """

    def __init__(self, message: str, accuracy: Accuracy) -> None:
        super().__init__(message)
        self.accuracy = accuracy


@dataclass(frozen=True)
class TimeCost:
    """What blocks in float32 cost in time, on the runtime of this computer, with one thread.

    Attributes:
        runtime: for people.
        ratio: CPU time of the file with them, by that of the file where all is quantised; the median of the turns.
        low: the smallest of any turn.
        high: the largest.
    """

    runtime: str
    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f} times the time of all in int8 on {self.runtime} ({self.low:.2f} to {self.high:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Excluded:
    """Blocks that an export left in float32 by itself.

    Attributes:
        blocks: the noisiest first.
        costs: of each file, in the order of the files.
    """

    blocks: tuple[str, ...]
    costs: tuple[TimeCost, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"blocks": list(self.blocks), "costs": [cost.to_dict() for cost in self.costs]}


class Excluding:
    """Chooses the blocks of one network.

    Args:
        prepared: the network as it is quantised, with a plan, and with images of known classes.
        max_drop: points of top-1 accuracy that may be lost.
        say: is told what is done.
    """

    def __init__(self, prepared: Prepared, max_drop: float, say: Progress) -> None:
        self.whole = prepared
        self._max_drop, self._say = max_drop, say
        self._found: Sensitivity | None = None
        self._chosen: Exclusions | None = None
        self._allowed = max_drop

    @property
    def blocks(self) -> tuple[str, ...]:
        """Those that were chosen so far."""
        return () if self._chosen is None else self._chosen.blocks

    def more(self, lost: TooMuchLostError) -> Prepared:
        """The network with more blocks in float32.

        Args:
            lost: the failure of the file with those so far.

        Raises:
            VerificationError: too much is lost even if only one block is quantised.
        """
        plan, labelled = self.whole.plan, self.whole.labelled
        assert plan is not None  # otherwise there is nothing to choose
        assert labelled is not None
        if self._found is None:
            self._found = sensitivity.sensitivity(self.whole.exact, plan, labelled.some(_IMAGES))
        if self._chosen is not None:
            self._allowed = min(self._allowed, self._max_drop - (lost.accuracy.drop - self._chosen.drop))
        before = len(self.blocks)
        self._chosen = sensitivity.choose_exclusions(
            self.whole.exact,
            plan,
            self._found,
            held_out=labelled,
            max_drop=self._allowed,
            at_least=before + 1,
        )
        if not self._chosen.met or len(self.blocks) <= before:
            still = (
                f"; with {', '.join(self.blocks)} in float32 it is still {self._chosen.drop:.1f}" if self.blocks else ""
            )
            raise VerificationError(
                f"nothing was written: no more than {self._max_drop:g} points of top-1 accuracy may be lost "
                f"(`max_drop`), and no choice of blocks in float32 keeps to that: {lost.accuracy}{still}; give more "
                "images to calibrate on, allow a larger drop, or take `quantize='int8-weights'`"
            ) from lost
        self._say("quantize", f"{lost.accuracy}: too much is lost; {self._chosen}")
        model, rest = planning.without(self.whole.exact, plan, self.blocks)
        return dataclasses.replace(
            self.whole, canonical=dataclasses.replace(self.whole.canonical, model=model), plan=rest
        )


def time_cost(path: Path, whole: bytes, inputs: Examples) -> TimeCost:
    """Measures a file and another of the same format in turns, on one thread, by CPU time.

    Other programs change that less than the time on the clock.

    Args:
        path: the file with blocks in float32.
        whole: the file where all is quantised.
        inputs: as the network takes them; the first is run.
    """
    runtime = runtimes.runtime_for(path)
    runners = [runtime.load(path), runtime.load(whole)]

    def seconds(runner: runtimes.Runner, runs: int) -> float:
        start = time.process_time()
        for _ in range(runs):
            batches.run(runner, inputs[:1], layout=runtime.image_layout, outputs=len(runner.outputs))
        return time.process_time() - start

    once = max(min(seconds(runner, 3) / 3 for runner in runners), 1e-6)
    runs = max(3, round(_SECONDS / once))
    ratios = [seconds(runners[0], runs) / seconds(runners[1], runs) for _ in range(_TURNS)]
    return TimeCost(runtime.title, statistics.median(ratios), min(ratios), max(ratios))
