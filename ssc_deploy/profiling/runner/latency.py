"""Latency: models take turns, and the device's monotonic clock times each run."""

from __future__ import annotations

import functools
import gc
import time
from typing import TYPE_CHECKING, Any, Callable, Mapping, TypeVar

from .contract import FailureKind
from .errors import ModelError, first_line

if TYPE_CHECKING:
    from .formats import Protocol, Say, Turn

#: Reads nanoseconds.
Clock = Callable[[], int]

T = TypeVar("T")


def warm_up(call: Callable[[], Any], runs: int, seconds: float, clock: Clock = time.perf_counter_ns) -> None:
    """Runs until both bounds are reached, and keeps nothing.

    Raises:
        ModelError: as `timed`.
    """
    timed(call, runs, int(1e9 * seconds), clock)


def timed(call: Callable[[], Any], runs: int, nanoseconds: int, clock: Clock = time.perf_counter_ns) -> list[int]:
    """What each run takes, in nanoseconds, until both bounds are reached.

    Raises:
        ModelError: the clock stands still or goes back.
    """
    samples: list[int] = []
    total = 0
    while len(samples) < runs or total < nanoseconds:
        start = clock()
        call()
        sample = clock() - start
        if sample <= 0:
            message = f"the monotonic clock moved by {sample} ns during an inference; nothing can be timed"
            raise ModelError(FailureKind.CLOCK, message)
        samples.append(sample)
        total += sample
    return samples


def rotated(models: list[int], repeat: int) -> list[int]:
    """The order in this round: each is first in its turn, since being first costs time by itself (0.5 to 1 %)."""
    first = repeat % len(models) if models else 0
    return models[first:] + models[:first]


def measure_in_turns(
    calls: Mapping[int, Callable[[], Any]],
    protocol: Protocol,
    failures: dict[int, ModelError],
    progress: Say,
    clock: Clock = time.perf_counter_ns,
) -> dict[int, list[Turn]]:
    """The turns of each model, A B, B A ...

    Args:
        calls: what runs each model once, by its place in the job.
        protocol: of the job.
        failures: gets the error of each model that fails; such a model is not run again, and has no turns.
        progress: is called after each round.
        clock: that is read before and after each run.
    """
    repeats = protocol["repeats"]
    runs = -(-protocol["runs"] // repeats)
    nanoseconds = int(1e9 * protocol["seconds"] / repeats) + 1
    turns: dict[int, list[Turn]] = {model: [] for model in calls}

    def guarded(model: int, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except ModelError as error:
            failures[model] = error
        except Exception as error:
            failures[model] = ModelError(FailureKind.FAILED, f"the runtime fails: {first_line(error)}")
        turns.pop(model, None)
        return None

    gc.collect()
    gc.disable()  # a collection in the middle of a run would be counted as the model's
    try:
        for model, call in calls.items():
            work = functools.partial(warm_up, call, protocol["warmup_runs"], protocol["warmup_seconds"], clock)
            guarded(model, work)
        begin = clock()
        for repeat in range(repeats):
            for model in rotated(list(turns), repeat):
                work = functools.partial(warm_up, calls[model], protocol["rewarm_runs"], 0.0, clock)
                guarded(model, work)
                if model not in turns:
                    continue
                start = clock()
                samples = guarded(model, functools.partial(timed, calls[model], runs, nanoseconds, clock))
                if samples is not None:
                    turns[model].append({"start_ns": start - begin, "samples_ns": samples})
            progress(f"turn {repeat + 1}/{repeats}")
    finally:
        gc.enable()
    return turns
