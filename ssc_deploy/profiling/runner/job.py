"""Does a job, and makes its result."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any, Callable, Sequence

from . import children
from .clocks import ClockWatch
from .contract import RESULT_VERSION, FailureKind
from .cores import pin
from .device import environment, snapshot
from .errors import ModelError, first_line
from .files import keep_outputs, read_job
from .golden import golden_arrays, golden_errors, inference, objection, replay, slice_objection
from .latency import measure_in_turns
from .runtimes import load

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Fresh, Job, Measurement, Peak, Result, Say


def do(folder: Path, say: Say) -> Result:
    """Does the job of a folder, and returns its result.

    Args:
        folder: of the job.
        say: is called whenever a part is done.

    Raises:
        JobError: it cannot be done.
        ResultError: an outputs file cannot be written.
    """
    job = read_job(folder)
    pin(job["pin"])
    watch, before = ClockWatch(), snapshot()
    notes: list[str] = []
    measurements: list[Measurement] = []
    files: dict[str, str] = {}
    peaks: list[Peak] = []
    for threads in job["threads"]:
        measurements += _measure(folder, job, threads, files, say)
        if job["protocol"] is not None and job["protocol"]["operator_runs"]:  # it is the roof over the operators
            say(f"peak of {_threads(threads)}")
            try:
                peaks.append(children.measure_peak(threads))
            except (ModelError, OSError, subprocess.TimeoutExpired) as error:
                notes.append(f"the peak of {_threads(threads)} could not be measured: {first_line(error)}")
    return {
        "schema_version": RESULT_VERSION,
        "nonce": job["nonce"],
        "environment": environment(),
        "before": before,
        "after": snapshot(),
        "measurements": measurements,
        "peaks": peaks,
        "notes": notes + watch.notes(),
        "files": files,
    }


def _measure(folder: Path, job: Job, threads: int, files: dict[str, str], say: Say) -> list[Measurement]:
    """What is measured of each model at one number of threads."""
    protocol = job["protocol"]
    found: list[Measurement] = [{"model": i, "threads": threads} for i in range(len(job["models"]))]
    failures: dict[int, ModelError] = {}
    calls: dict[int, Callable[[], Any]] = {}
    for i in range(len(found)):
        try:
            calls[i] = _proved(folder, job, found[i], files, say)
        except ModelError as error:  # noqa: PERF203  # the others are measured
            failures[i] = error
    if protocol is not None:
        turns = measure_in_turns(calls, protocol, failures, lambda line: say(f"{line}, {_threads(threads)}"))
        for i, taken in turns.items():
            found[i]["turns"] = taken
            say("{}: operators, {}".format(job["models"][i]["name"], _threads(threads)))
            _add_operators(folder, found[i], protocol["operator_runs"])
    for i, failure in failures.items():
        found[i].pop("fresh", None)  # no latency is reported of a model that is wrong, not even this one
        found[i]["failure"] = failure.to_dict()
    return found


def _proved(folder: Path, job: Job, found: Measurement, files: dict[str, str], say: Say) -> Callable[[], Any]:
    """What runs a model once, after it was loaded and its golden outputs were found right.

    Args:
        folder: of the job.
        job: the job.
        found: gets what a fresh process takes, and the golden errors.
        files: gets the outputs file, where the job asks for one.
        say: see `do`.

    Raises:
        ModelError: the model is not to be timed.
    """
    index, threads, protocol = found["model"], found["threads"], job["protocol"]
    entry = job["models"][index]
    path, golden = folder / entry["file"], folder / entry["golden"]["file"]
    if protocol is not None and protocol["fresh_processes"]:
        say("{}: load, {}".format(entry["name"], _threads(threads)))
        found["fresh"] = _fresh(folder, index, threads, protocol["fresh_processes"])
    model, inputs = load(path, threads), golden_arrays(golden, "input")
    say("{}: golden set, {}".format(entry["name"], _threads(threads)))
    outputs = replay(model, inputs)
    if job["keep_outputs"]:
        name = f"outputs{index}.npz"
        files[name] = keep_outputs(folder / name, outputs)
    references, bounds = golden_arrays(golden, "output"), entry["golden"]["bounds"]
    found["golden"] = golden_errors(outputs, references)
    said = objection(found["golden"], bounds) or slice_objection(outputs, references, bounds)
    if said is not None:
        raise ModelError(FailureKind.WRONG, said)
    return model.feed(inference(inputs, 0))


def _fresh(folder: Path, index: int, threads: int, processes: int) -> Fresh:
    """Medians over several processes, of what their system tells."""
    try:
        taken = [children.measure_fresh(folder, index, threads) for _ in range(processes)]
    except subprocess.TimeoutExpired as error:
        raise ModelError(FailureKind.FAILED, "it was not loaded and run once within 600 s") from error
    return {
        "load_ns": _median([one["load_ns"] for one in taken]),
        "first_ns": _median([one["first_ns"] for one in taken]),
        "peak_bytes": _median_told([one["peak_bytes"] for one in taken]),
        "baseline_bytes": _median_told([one["baseline_bytes"] for one in taken]),
    }


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2]


def _median_told(values: Sequence[int | None]) -> int | None:
    told = [value for value in values if value is not None]
    return _median(told) if told else None


def _add_operators(folder: Path, found: Measurement, runs: int) -> None:
    if not runs:
        return
    try:
        found["operators"] = children.measure_operators(folder, found["model"], found["threads"], runs)
    except (ModelError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        # The latency is there already; that the profiler fails must not lose it.
        found["operators_note"] = f"there are no figures for operators: {first_line(error)}"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count != 1)}"
