"""The result of a job, read back from its folder and checked against the job."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import Failure, Result, read_json
from ssc_deploy.profiling.runner.contract import RESULT_FILE, FailureKind
from ssc_deploy.profiling.runner.golden import objection
from ssc_deploy.storage import records
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.profiling.job import Job, Measurement

#: A larger result of a device is not read.
MAX_RESULT_BYTES = 256_000_000


def read_result(folder: Path, job: Job, where: str) -> Result:
    """Reads result.json of a job's folder. Everything that can be checked is checked, since a device may be wrong.

    Args:
        folder: of the job.
        job: that was to be done.
        where: the target, for messages.

    Raises:
        TargetError: there is no result; it is not the one of this job, is malformed or not complete; or a file that it
            names is missing or damaged.
    """
    path = folder / RESULT_FILE
    try:
        if path.stat().st_size > MAX_RESULT_BYTES:
            raise ValueError(f"it is larger than {MAX_RESULT_BYTES:,} bytes")
        result = Result.from_dict(read_json(path))
    except OSError as error:
        raise TargetError(f"{where} brought no result back: {error.strerror}; run it again") from error
    except (ValueError, RecursionError) as error:
        raise TargetError(f"{where} brought back a result that cannot be read: {error}; run it again") from error
    if result.nonce != job.nonce:
        raise TargetError(
            f"{where} brought back the result of another job; remove what is left there, and run it again"
        )
    expected = [(threads, index) for threads in job.threads for index in range(len(job.models))]
    if [(one.threads, one.model) for one in result.measurements] != expected:
        raise TargetError(f"{where} brought back a result that is not complete; run it again")
    _check_figures(result, job, where)
    for name, digest in result.files.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != digest:
            raise TargetError(f"{where} brought {name!r} back damaged, or not at all; run it again")
    return dataclasses.replace(result, measurements=tuple(_held(one, job) for one in result.measurements))


def _check_figures(result: Result, job: Job, where: str) -> None:
    """Refuses a result that has not the figures that the job asks for."""
    for one in result.measurements:
        if job.protocol is not None and one.failure is None:
            if not one.turns:
                raise TargetError(f"{where} brought back neither figures nor a failure; run it again")
            if len(one.turns) != job.protocol.repeats:
                asked = job.protocol.repeats
                raise TargetError(f"{where} brought back {len(one.turns)} turns of {asked}; run it again")


def _held(one: Measurement, job: Job) -> Measurement:
    """The measurement, without figures if its own errors exceed the bounds, whatever the device says."""
    bounds = job.models[one.model].golden.bounds
    wrong = objection([records.encode(error) for error in one.golden], [records.encode(bound) for bound in bounds])
    if wrong is None or one.failure is not None:
        return one
    failure = Failure(FailureKind.WRONG.value, "its outputs are not shown to be within the golden set's bounds")
    return dataclasses.replace(one, turns=(), fresh=None, operators=(), failure=failure)
