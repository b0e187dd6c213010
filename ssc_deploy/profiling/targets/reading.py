"""The result of a job, read back from its folder and checked against the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import RESULT_FILE, Result, read_json, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.profiling.job import Job

#: A device may say what it likes; nobody has to read more than this of it.
MAX_RESULT_BYTES = 256_000_000


def read_result(folder: Path, job: Job, where: str) -> Result:
    """Reads result.json of a job's folder; a device's word is not taken for anything that can be checked.

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
    for one in result.measurements:
        if job.protocol is not None and one.failure is None and not all(t.samples_ns for t in one.turns):
            raise TargetError(f"{where} brought back a turn without samples; run it again")
        if job.protocol is not None and one.failure is None and not one.turns:
            raise TargetError(f"{where} brought back neither figures nor a failure; run it again")
        if any(sample <= 0 for turn in one.turns for sample in turn.samples_ns):
            raise TargetError(f"{where} brought back samples that are not positive; its clock cannot be trusted")
    for name, digest in result.files.items():
        # The names are the device's word: none may lead out of the folder.
        if "/" in name or "\\" in name or not (folder / name).is_file() or sha256_of(folder / name) != digest:
            raise TargetError(f"{where} brought {name!r} back damaged, or not at all; run it again")
    return result
