"""What the demo app and ``adb`` agree on, besides the job and its result (`ssc_deploy.profiling.job`).

A job's folder, without the runner, is put below `JOBS` in the app's own storage. Nobody else may write there on any
Android, so the app has to be debuggable: adb copies through ``run-as``. ``am start -W -S -n ACTIVITY --es EXTRA
FOLDER/job.json`` makes the app do the job. The app keeps FOLDER/status.json up to date, replacing it in one step each
time, and never writes it before it has read the job's nonce. It puts result.json (and outputs files where the job asks
for them) there in one step each, and only then says ``done``, with the SHA-256 of result.json: so what is copied is
whole, and of this job.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any

from ssc_deploy.profiling.job import Nonce  # noqa: TC001 - decoding looks at the types of fields
from ssc_deploy.storage import records
from ssc_deploy.storage.records import Matching, OneOf

PACKAGE = "org.sscdeploy.demo"
ACTIVITY = f"{PACKAGE}/.BenchActivity"
EXTRA = "job"

#: The app's ``getFilesDir``, and a folder in it.
JOBS = f"/data/data/{PACKAGE}/files/jobs"

STATUS_FILE = "status.json"
SCHEMA_VERSION = 1


class State(enum.StrEnum):
    """How far the app is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Status:
    """What status.json says.

    Attributes:
        nonce: of the job.
        state: a value of `State`.
        line: what is being done, in words; another one at least every few minutes while it goes on.
        message: why it failed, as a sentence.
        result_sha256: of result.json, hexadecimal, once it is done.
        schema_version: `SCHEMA_VERSION`.
    """

    nonce: Nonce
    state: Annotated[str, OneOf(tuple(State))]
    line: str = ""
    message: str = ""
    result_sha256: Annotated[str, Matching("(?:[0-9a-f]{64})?", "SHA-256")] = ""
    schema_version: Annotated[int, OneOf((SCHEMA_VERSION,))] = SCHEMA_VERSION

    @classmethod
    def from_dict(cls, value: Any) -> Status:
        """Reads status.json.

        Raises:
            ValueError: not such an object, or of another schema version.
        """
        return records.decode_version(cls, value, SCHEMA_VERSION)
