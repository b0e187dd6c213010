"""Makes the folder of a job from model files."""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import runtimes
from ssc_deploy.errors import ProfileError, RuntimeLoadError
from ssc_deploy.profiling import goldens, runner_archive
from ssc_deploy.profiling.job import Golden, Job, ModelFile
from ssc_deploy.profiling.runner.contract import JOB_FILE
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.storage.files import as_output_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.profiling.job import Protocol


def prepare(
    folder: Path,
    models: Sequence[Path],
    *,
    threads: Sequence[int] = (1,),
    protocol: Protocol | None,
    pin: Sequence[int] | None = None,
) -> Job:
    """Fills a folder with all that a device needs. Every model is first loaded on this host.

    Args:
        folder: empty.
        models: ``.onnx`` or ``.tflite`` files.
        threads: numbers of threads, each at least 1.
        protocol: see `Job`.
        pin: see `Job`.

    Raises:
        ProfileError: nothing is to be measured, or a golden set does not fit its model.
        RuntimeLoadError: a file is not a model, or this host's runtime refuses it.
        OutputError: the folder cannot be written.
    """
    if not models:
        raise ProfileError("no model is given; name at least one .onnx or .tflite file")
    if not threads or min(threads) < 1:
        raise ProfileError("a model needs at least one thread; give numbers such as `threads=(1, 2, 4)`")
    if pin is not None and (not pin or min(pin) < 0):
        raise ProfileError("there is no such core to pin to; give numbers such as `pin=(2, 3)`")
    with as_output_error(folder):
        named = zip(models, _names(models), strict=True)
        entries = tuple(_model(folder, index, path, name) for index, (path, name) in enumerate(named))
        job = Job(
            secrets.token_hex(16),
            entries,
            tuple(dict.fromkeys(threads)),
            protocol,
            None if pin is None else tuple(dict.fromkeys(pin)),
        )
        write(folder, job)
    return job


def write(folder: Path, job: Job) -> None:
    """Writes job.json, and the runner beside it."""
    runner_archive.write(folder)
    (folder / JOB_FILE).write_text(json.dumps(job.to_dict()), encoding="utf-8")


def _names(models: Sequence[Path]) -> list[str]:
    """The name of each model: the end of its path that differs from the others, and a number if it is given twice.

    Characters that control a terminal are left out.
    """
    names = []
    for index, path in enumerate(models):
        others = [other.resolve().parts for other in models if other.resolve() != path.resolve()]
        parts = path.resolve().parts
        length = next(n for n in range(1, len(parts) + 1) if all(parts[-n:] != other[-n:] for other in others))
        again = sum(other.resolve() == path.resolve() for other in models[:index])
        name = "/".join(parts[-length:]) + (f" ({again + 1})" if again else "")
        names.append("".join(character if character.isprintable() else "?" for character in name))
    return names


def _model(folder: Path, index: int, path: Path, name: str) -> ModelFile:
    runtime = runtimes.runtime_for(path)
    if path.is_dir():
        raise ProfileError(
            f"{path} is a C package, which profile cannot measure yet; give an .onnx or .tflite file, or time the "
            "example that comes with the package"
        )
    if not path.is_file():
        raise RuntimeLoadError(f"{path} is not there, or no file; give an .onnx or .tflite file")
    file, golden_file = f"model{index}{path.suffix.lower()}", f"golden{index}.npz"
    shutil.copyfile(path, folder / file)  # the checked bytes are sent
    arrays = goldens.golden_arrays(path, runtime, runtime.load(path))
    np.savez(folder / golden_file, allow_pickle=False, **arrays.named())
    return ModelFile(
        name=name,
        file=file,
        sha256=sha256_of(folder / file),
        size=(folder / file).stat().st_size,
        golden=Golden(golden_file, sha256_of(folder / golden_file), arrays.bounds, arrays.origin.value),
    )
