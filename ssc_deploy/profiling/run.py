"""`profile`: from model files and a device to figures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import extras, runtimes
from ssc_deploy.profiling import costs, diverging, preparing, quantized, statistics, targets
from ssc_deploy.profiling.job import QUICK, Protocol
from ssc_deploy.profiling.results import ModelProfile, Profile, compared
from ssc_deploy.runtimes import saturation
from ssc_deploy.storage.files import as_output_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssc_deploy.profiling.job import Environment, Job, Measurement, ModelFile, Result

#: Packages of each format's runtimes, as `Environment.runtimes` names them, and what they are called.
_RUNTIMES = {
    ".onnx": (("onnxruntime", "ONNX Runtime"),),
    ".tflite": (("ai-edge-litert", "LiteRT"), ("tflite-runtime", "tflite-runtime")),
}


def profile(
    models: str | Path | Sequence[str | Path],
    *,
    device: str = "host",
    threads: int | Sequence[int] = 1,
    quick: bool = False,
    pin: Sequence[int] | None = None,
    benchmark_binary: str | Path | None = None,
    app: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Measures exported models on a device. If a model gives wrong answers there, its latency is not reported.

    Args:
        models: ``.onnx`` and ``.tflite`` files; several take turns, so that they can be compared. Each is compared with
            its golden set (``<stem>.golden.npz``, which `export` writes), or else to what this host computes.
        device: ``"host"``, ``"ssh:USER@HOST[:PORT]"``, ``"adb[:SERIAL]"`` or ``"qemu:aarch64"``.
        threads: of one inference; several numbers are measured one after the other.
        quick: a smoke run of a second or two a model, in place of at least 200 runs and 5 s.
        pin: cores of the device to run on; None to leave that to its system.
        benchmark_binary: a runtime's own benchmark program, to be used on a phone in place of the demo app.
        app: the demo app (``ssc-deploy android build`` makes it), to be installed on a phone for the time of the job.
        progress: is called with a line whenever the device has done a part.

    Returns:
        the figures; a model that could not be measured is among them, with the reason.

    Raises:
        RuntimeLoadError: a file is not a model, or this host's runtime refuses it.
        ProfileError: nothing can be measured so.
        TargetError: the device cannot be reached, or the job not be run there.
        OutputError: the disk of this host is full.
    """
    say = progress or (lambda _line: None)
    target = targets.parse(
        device,
        benchmark=None if benchmark_binary is None else Path(benchmark_binary),
        app=None if app is None else Path(app),
    )
    paths = [Path(models)] if isinstance(models, str | Path) else [Path(model) for model in models]
    protocol = None if target.untimed else QUICK if quick else Protocol()
    counts = (threads,) if isinstance(threads, int) else tuple(threads)
    with as_output_error(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="ssc-deploy-") as name:
        folder = Path(name)
        job = preparing.prepare(folder, paths, threads=counts, protocol=protocol, pin=pin)
        for path in paths if device == "host" else ():
            saturation.warn(path, runtimes.runtime_for(path).metadata(path))
        result = target.run(folder, job, say)
        result = diverging.explained(folder, job, result, target, say)
        measured = tuple(_model(folder, job, result, one) for one in result.measurements)
    return Profile(
        device=target.spec,
        environment=result.environment,
        before=result.before,
        after=result.after,
        protocol=protocol,
        untimed=target.untimed,
        pin=job.pin,
        models=measured,
        comparisons=compared(measured),
        peaks=result.peaks,
        notes=result.notes,
        quantized=quantized.beside(paths, [entry.name for entry in job.models], measured),
    )


def _costs(path: Path, one: Measurement) -> tuple[costs.Costs | None, str]:
    """Where the time goes, or why that is not known: an ``.onnx`` is read by packages that only exporting needs."""
    try:
        return costs.costs_of(path, one.operators), ""
    except ModuleNotFoundError as error:
        missing = extras.explained(error)
        if missing is None:
            raise
        return None, missing


def _model(folder: Path, job: Job, result: Result, one: Measurement) -> ModelProfile:
    entry = job.models[one.model]
    found, missing = _costs(folder / entry.file, one) if one.failure is None else (None, "")
    timed = one.failure is None and bool(one.turns)
    return ModelProfile(
        model=entry.name,
        sha256=entry.sha256,
        size=entry.size,
        runtime=_runtime(entry, result.environment),
        threads=one.threads,
        golden_origin=entry.golden.origin,
        golden=one.golden,
        bounds=entry.golden.bounds,
        latency=statistics.latency([turn.samples_ns for turn in one.turns]) if timed else None,
        turns=one.turns if timed else (),
        fresh=one.fresh if timed else None,
        costs=found,
        costs_note=""
        if found
        else missing or one.operators_note or ("each operator takes less than 1 µs" if timed else ""),
        failure=one.failure,
    )


def _runtime(entry: ModelFile, environment: Environment) -> str:
    for package, title in _RUNTIMES[Path(entry.file).suffix.lower()]:
        if package in environment.runtimes:
            return f"{title} {environment.runtimes[package]}"
    return _RUNTIMES[Path(entry.file).suffix.lower()][0][1]
