"""A job done by a runtime's own benchmark program on a phone: turn by turn, as every target does it."""

from __future__ import annotations

import dataclasses
import math
import shlex
import statistics
import time
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import Failure, Fresh, Measurement, Result, Turn
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import adb_client, android_environment, benchmark_program
from ssc_deploy.profiling.targets.process import SILENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ssc_deploy.profiling.job import Job, Protocol
    from ssc_deploy.profiling.targets.adb_client import Device
    from ssc_deploy.profiling.targets.benchmark_program import Kind, Load


def run(device: Device, program: Path, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
    """Measures with the benchmark program; what it cannot tell (the golden set, operators, peaks) stays empty.

    Args:
        device: the phone.
        program: the benchmark program, a file here.
        folder: of the job.
        job: what to measure.
        progress: is called with a line whenever a turn is done.

    Raises:
        TargetError: the phone is gone or full, or the program is not one for it.
    """
    if job.protocol is None:
        raise TargetError("a benchmark program cannot replay the golden set; leave `benchmark_binary` out")
    told = android_environment.facts(device)
    kind = benchmark_program.kind_of(program, told.get("ro.product.cpu.abilist", "").split(","))
    place = adb_client.PLACE.format(nonce=job.nonce)
    before = android_environment.snapshot(device)
    with adb_client.folder(device, place):
        device.push([program, *(folder / model.file for model in job.models)], place)
        device.shell("chmod", "755", f"{place}/{program.name}")
        pinned = [] if job.pin is None else ["taskset", f"{sum(1 << core for core in job.pin):x}"]
        runner = _Runner(device, kind, place, [*pinned, f"./{program.name}"])
        measurements = [
            one for threads in job.threads for one in _measure(runner, job, job.protocol, threads, progress)
        ]
    environment = dataclasses.replace(
        android_environment.read(device), runner=kind.title, runtimes={kind.package: "of " + program.name}
    )
    return Result(
        nonce=job.nonce,
        environment=environment,
        before=before,
        after=android_environment.snapshot(device),
        measurements=tuple(measurements),
        notes=(f"the answers were not checked on this phone: {kind.note}",),
    )


class _FailedError(Exception):
    """The program fails on one model; its text is what it says."""


@dataclasses.dataclass(frozen=True)
class _Runner:
    """The benchmark program on the phone, in its folder there."""

    device: Device
    kind: Kind
    place: str
    command: list[str]

    def turn(self, model: str, threads: int, runs: int) -> tuple[list[int], Load | None]:
        """Nanoseconds of so many runs, and what the last process told of its beginning."""
        line = self.kind.turn(self.command, model, threads, runs)
        done = self.device.script(f"cd {shlex.quote(self.place)} && {{ {line}; }}", patience=SILENCE)
        samples = self.kind.samples(done.stdout)
        if done.returncode or len(samples) != runs or min(samples) <= 0:
            said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise _FailedError(said[-1][:300] if said else f"exit code {done.returncode}")
        return samples, self.kind.load(done.stdout)


def _measure(
    runner: _Runner, job: Job, protocol: Protocol, threads: int, progress: Callable[[str], None]
) -> list[Measurement]:
    """A measurement of each model at one number of threads; the models take turns."""
    failures: dict[int, Failure] = {}
    runs: dict[int, int] = {}
    turns: dict[int, list[Turn]] = {}
    loads: dict[int, list[Load]] = {}
    kind = runner.kind
    for index, model in enumerate(job.models):
        if not model.file.endswith(kind.suffix):
            failures[index] = Failure(
                FailureKind.NO_RUNTIME.value, f"{kind.title} runs {kind.suffix} files; give another benchmark program"
            )
            continue
        try:
            samples, _ = runner.turn(model.file, threads, max(1, protocol.warmup_runs))
        except _FailedError as error:
            failures[index] = Failure(FailureKind.FAILED.value, f"{kind.title} fails: {error}")
            continue
        runs[index] = _runs_a_turn(kind, protocol, statistics.median(samples))
        turns[index], loads[index] = [], []
    start = time.monotonic_ns()
    for repeat in range(protocol.repeats):
        for index in list(turns):
            skipped = protocol.rewarm_runs if kind.many_a_process else 0
            began = time.monotonic_ns() - start
            try:
                samples, load = runner.turn(job.models[index].file, threads, runs[index] + skipped)
            except _FailedError as error:
                failures[index] = Failure(FailureKind.FAILED.value, f"{kind.title} fails: {error}")
                del turns[index]
                continue
            turns[index].append(Turn(began, tuple(samples[skipped:])))
            loads[index] += [load] if load else []
        progress(f"turn {repeat + 1}/{protocol.repeats}, {threads} thread{'s' * (threads != 1)}")
    return [
        Measurement(
            index,
            threads,
            turns=tuple(turns.get(index, ())),
            fresh=_fresh(loads[index]) if index in turns and loads[index] else None,
            operators_note=f"{kind.title} was not asked for operators",
            failure=failures.get(index),
        )
        for index in range(len(job.models))
    ]


def _runs_a_turn(kind: Kind, protocol: Protocol, nanoseconds: float) -> int:
    """Its share of the runs; and of the seconds, where more runs cost no more processes."""
    runs = math.ceil(protocol.runs / protocol.repeats)
    if kind.many_a_process:
        runs = max(runs, math.ceil(1e9 * protocol.seconds / protocol.repeats / nanoseconds))
    return runs


def _fresh(loads: list[Load]) -> Fresh:
    """Medians."""
    return Fresh(
        round(statistics.median(load.load_ns for load in loads)),
        round(statistics.median(load.first_ns for load in loads)),
    )
