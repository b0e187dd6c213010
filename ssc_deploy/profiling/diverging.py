"""Finds the first block whose values differ from this host, for a model that gives wrong answers on a device."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy import golden, runtimes
from ssc_deploy.errors import SscDeployError
from ssc_deploy.profiling import goldens, preparing
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.verification import intermediate
from ssc_deploy.verification.tolerance import error_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.profiling.job import Job, Result
    from ssc_deploy.profiling.targets.protocol import Target
    from ssc_deploy.verification import Tolerance

#: The most activations that are compared. If there are more, some are chosen evenly.
_TAPS = 400

#: The most bytes of them that are kept.
_MOST_BYTES = 256_000_000


def explained(folder: Path, job: Job, result: Result, target: Target, progress: Callable[[str], None]) -> Result:
    """The result, with the first diverging block in the message of each wrong answer.

    Args:
        folder: of the job, with all its files.
        job: that was done.
        result: of it.
        target: where it was done. It runs again for each model that is wrong.
        progress: see `Target`.
    """
    found: dict[int, str] = {}
    measurements = []
    for one in result.measurements:
        failure = one.failure
        if failure is not None and failure.kind == FailureKind.WRONG:
            if one.model not in found:
                found[one.model] = _where(_Run(folder, job, target, progress), one.model, one.threads)
            failure = dataclasses.replace(failure, message=f"{failure.message}; {found[one.model]}")
        measurements.append(dataclasses.replace(one, failure=failure))
    return dataclasses.replace(result, measurements=tuple(measurements))


@dataclass(frozen=True)
class _Run:
    """A finished job, and what is needed to do another one on the same device."""

    folder: Path
    job: Job
    target: Target
    progress: Callable[[str], None]


def _where(run: _Run, index: int, threads: int) -> str:
    """The first block that differs, in words. It never raises, since the wrong answer itself must be reported."""
    try:
        return _compared(run, index, threads)
    except (SscDeployError, OSError, ValueError) as error:
        return f"where it arises could not be found: {error}"


def _compared(run: _Run, index: int, threads: int) -> str:
    folder, entry = run.folder, run.job.models[index]
    path = folder / entry.file
    runtime = runtimes.runtime_for(path)
    names = _taps(path)
    if not names:
        return "the file names no block whose values could be compared"
    known = golden.arrays(folder / entry.golden.file)
    inputs = [known[f"input.{i}"][:1] for i in range(sum(name.startswith("input.") for name in known))]
    tapped = folder / f"taps{index}"
    tapped.mkdir(exist_ok=True)
    model = tapped / entry.file
    model.write_bytes(runtime.tapped(path, names))
    runner = runtime.load(model)
    here = runner.run([array[0] for array in inputs])
    nearby = runner.run([goldens.perturbed(array[0]) for array in inputs])
    if sum(value.nbytes for value in here) > _MOST_BYTES:
        return "its blocks are too large to be compared"
    arrays = {f"input.{i}": array for i, array in enumerate(inputs)}
    arrays |= {f"output.{i}": value[None].astype(np.float64) for i, value in enumerate(here)}
    golden_path = tapped / entry.golden.file
    np.savez(golden_path, allow_pickle=False, **arrays)
    wide = tuple(dataclasses.replace(entry.golden.bounds[0], axes=()) for _ in here)
    asked = dataclasses.replace(
        run.job,
        nonce=secrets.token_hex(16),
        models=(
            dataclasses.replace(
                entry,
                sha256=sha256_of(model),
                size=model.stat().st_size,
                golden=dataclasses.replace(entry.golden, sha256=sha256_of(golden_path), bounds=wide),
            ),
        ),
        threads=(threads,),
        protocol=None,
        keep_outputs=True,
    )
    preparing.write(tapped, asked)
    run.target.run(tapped, asked, run.progress)
    outputs = golden.arrays(tapped / "outputs0.npz")
    try:
        there = [outputs[f"output.{i}"][0] for i in range(len(here))]
    except (KeyError, IndexError) as error:
        raise ValueError(f"{run.target.spec} brought back other outputs than those that were asked for") from error
    blocks = [spec.name for spec in runner.outputs]
    order = {name: place for place, name in enumerate([*names, *blocks[: len(blocks) - len(names)]])}
    bounds = [goldens.host_tolerance(*both) for both in zip(here, nearby, strict=True)]
    found = sorted(zip(blocks, here, there, bounds, strict=True), key=lambda one: order[one[0]])
    return _first(found, run.target.spec)


def _taps(path: Path) -> list[str]:
    """Activations in the order of execution, only those with the name of a block if the file names blocks."""
    file = intermediate.Inside(path)
    runtime = file.runtime
    inner = file.names - {spec.name for spec in file.runner.outputs}
    names = [name for name in runtime.tensors(path) if name in inner]
    if runtime.metadata(path) is not None:
        names = [name for name in names if "/" not in name]
    return [names[i * len(names) // _TAPS] for i in range(_TAPS)] if len(names) > _TAPS else names


def _first(blocks: list[tuple[str, npt.NDArray[Any], npt.NDArray[Any], Tolerance]], device: str) -> str:
    before = ""
    for name, here, there, bound in blocks:
        if here.shape != there.shape:
            return f"{device} computes {list(there.shape)} in {name}, this host {list(here.shape)}"
        error = error_of(there, here.astype(np.float64))
        if here.size and not bound.allows(error):
            good = f"; {before} before it agrees" if before else "; none before it agrees"
            return f"{device} leaves this host's values first in {name}: {bound.compared(error)}{good}"
        before = name
    return (
        "this host computes the same, so the file itself, or the golden set beside it, is not what was verified; "
        "verify the file against its checkpoint, which names the first block that diverges, or export both again"
    )
