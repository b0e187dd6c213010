"""The files of a job's folder: what is read must be whole, and what is written is whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from .contract import JOB_FILE, JOB_VERSION, RESULT_FILE
from .errors import JobError, ResultError, first_line

if TYPE_CHECKING:
    from .formats import Array, Golden, Job, ModelFile, Result


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def read_job(folder: Path) -> Job:
    """The job, with all files that it names there and whole.

    Raises:
        JobError: it is not.
    """
    path = folder / JOB_FILE
    try:
        job: Job = json.loads(path.read_text(encoding="utf-8"))
        version = job["schema_version"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise JobError(f"{path} cannot be read: {first_line(error)}") from error
    if version != JOB_VERSION:
        raise JobError(f"the job is of schema version {version}, this runner of {JOB_VERSION}")
    for model in job["models"]:
        _check(folder, model)
        _check(folder, model["golden"])
    return job


def _check(folder: Path, entry: ModelFile | Golden) -> None:
    name = entry["file"]
    if Path(name).name != name:
        raise JobError(f"the job names {name!r}, which is not a file of its folder")
    try:
        digest = sha256_of(folder / name)
    except OSError as error:
        raise JobError(f"{name} cannot be read: {error.strerror}") from error
    if digest != entry["sha256"]:
        raise JobError(f"{name} is damaged: it has not the SHA-256 that the job names; copy it again")


def keep_outputs(path: Path, outputs: Sequence[Array]) -> str:
    """Writes an outputs file, and returns its SHA-256.

    Raises:
        ResultError: it cannot be written.
    """
    arrays: dict[str, Any] = {f"output.{i}": output for i, output in enumerate(outputs)}
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise ResultError(f"{path} cannot be written: {error.strerror}") from error
    return sha256_of(path)


def write_result(folder: Path, result: Result) -> None:
    """Puts result.json there in one step.

    Raises:
        ResultError: it cannot be written.
    """
    path, temporary = folder / RESULT_FILE, folder / (RESULT_FILE + ".part")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(result, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ResultError(f"{path} cannot be written: {error.strerror}") from error
