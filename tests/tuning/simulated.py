"""A device whose latencies are known: the search's own decisions can be told from the noise of a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from moving import graph_of

from ssc_deploy import lower
from ssc_deploy.ir import movement as mv
from ssc_deploy.lower import Target
from ssc_deploy.profiling.job import Environment, Failure, Measurement, Result, Snapshot, Turn
from ssc_deploy.profiling.targets.protocol import Description
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.tuning import space as spaces
from ssc_deploy.tuning.bench import Bench
from ssc_deploy.tuning.cache import Cache
from ssc_deploy.tuning.search import Found, Search

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ssc_deploy.profiling.job import Job
    from ssc_deploy.tuning.space import Choices

SHIFT = mv.shift(tuple((c % 9 // 3 - 1, c % 3 - 1) for c in range(18)))
OTHER = mv.shift(tuple((0, c % 3 - 1) for c in range(18)))
SHUFFLE = mv.permutation(tuple(np.arange(18).reshape(2, 9).T.reshape(-1).tolist()))

MODEL = graph_of([SHIFT, SHUFFLE, OTHER, SHUFFLE], (5, 4))
SPACE = spaces.build_space(MODEL, Target.ONNXRUNTIME, "Net")

#: Milliseconds of each group by its lowering; everything else takes 4 ms.
COSTS = {
    "shift 18x5x4": {"flat": 2.0, "slice": 3.0, "gather": 9.0, "depthwise": 4.0},
    "shift 18x5x4 #2": {"flat": 2.5, "slice": 3.0, "gather": 9.0, "depthwise": 1.0},
    "shuffle 18x5x4": {"gather": 0.5, "transpose": 0.52, "planes": 0.6},
}
FASTEST = {"shift 18x5x4": "flat", "shift 18x5x4 #2": "depthwise", "shuffle 18x5x4": "gather"}


def milliseconds(choices: Choices, costs: dict[str, dict[str, float]]) -> float:
    return 4.0 + sum(costs[axis.name][axis.of(choices)] for axis in SPACE.axes)


class Simulated:
    """Tells latencies by what the files are made of, with noise that is the same in every run.

    Args:
        costs: see `COSTS`.
        noise: standard deviation of single runs, as a share.
        slowed: from the middle of the jobs of these numbers on, everything takes twice as long.
        refused: a lowering that the device does not load.
        last: by which share the last file of a job is slower than it should be, wherever that comes from.
        killed_at: number of the job in which the program is interrupted.
    """

    spec = "simulated"
    untimed = None

    def __init__(
        self,
        costs: dict[str, dict[str, float]] | None = None,
        *,
        noise: float = 0.01,
        slowed: frozenset[int] = frozenset(),
        refused: str = "",
        last: float = 0.0,
        killed_at: int | None = None,
        runtime: str = "1.0",
    ) -> None:
        self.costs, self.noise, self.slowed, self.refused = costs or COSTS, noise, slowed, refused
        self.last, self.killed_at, self.runtime = last, killed_at, runtime
        self.choices: dict[str, Choices] = {}
        self.jobs: list[Job] = []
        self.now = 0.0
        self._random = np.random.default_rng(0)

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        del folder, progress
        number = len(self.jobs)
        if number == self.killed_at:
            raise KeyboardInterrupt
        self.jobs.append(job)
        self.now += 1.0 + job.least_seconds
        measured = tuple(self._measured(job, index, number in self.slowed) for index in range(len(job.models)))
        return Result(job.nonce, self._environment(), Snapshot(0.0), Snapshot(0.0), measured)

    def describe(self) -> Description:
        return Description(self.spec, True, "simulated", self._environment())

    def _environment(self) -> Environment:
        return Environment("simulated", "none", "none", 1, None, "none", "none", {"onnxruntime": self.runtime})

    def _measured(self, job: Job, index: int, slowed: bool) -> Measurement:
        assert job.protocol is not None
        choices = self.choices[job.models[index].sha256]
        if self.refused in choices.values():
            return Measurement(index, 1, failure=Failure("refused", "the runtime refuses it"))
        repeats = job.protocol.repeats
        nanoseconds = 1e6 * milliseconds(choices, self.costs)
        if index == len(job.models) - 1:
            nanoseconds *= 1 + self.last
        turns = []
        for turn in range(repeats):
            slow = 2.0 if slowed and turn >= repeats / 2 else 1.0
            noise = np.exp(self.noise * self._random.standard_normal(4))
            turns.append(Turn(turn, tuple(int(nanoseconds * slow * n) for n in noise)))
        return Measurement(index, 1, turns=tuple(turns))


def search(
    device: Simulated,
    folder: Path,
    *,
    start: Choices | None = None,
    budget: float = 1e6,
    lines: list[str] | None = None,
    read: bool = True,
) -> tuple[Found, Bench]:
    """Searches on a simulated device; the files are real."""

    def build(choices: Choices) -> Path:
        path = folder / f"{len(device.choices)}.onnx"
        lowered = lower.lower(MODEL, Target.ONNXRUNTIME, lower.LoweringOptions(recipe=SPACE.recipe(choices)))
        ir.save(lowered.model, path)
        device.choices[sha256_of(path)] = choices
        return path

    cache = Cache(folder / "cache", read=read)
    bench = Bench(device, device.describe(), cache, SPACE.graph, build, clock=lambda: device.now)
    say = (lambda _: None) if lines is None else lines.append
    return Search(SPACE, bench, budget, say).run(start or SPACE.default), bench


def lowerings(choices: Choices) -> dict[str, str]:
    """By group."""
    return {axis.name: axis.of(choices) for axis in SPACE.axes}
