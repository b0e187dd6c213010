"""Names of files and kinds of failure, which the runner and the library share."""

from __future__ import annotations

import enum

#: Version of job.json, and of result.json. A program refuses one that it does not know.
JOB_VERSION, RESULT_VERSION = 1, 1

JOB_FILE, RESULT_FILE, RUNNER_FILE = "job.json", "result.json", "runner.pyz"


class FailureKind(str, enum.Enum):
    """What can be wrong with one model on a device."""

    NO_RUNTIME = "no runtime"  #: the runtime is not installed there; the message says which command installs it
    REFUSED = "refused"  #: the runtime does not load the file
    WRONG = "wrong answer"  #: it does not reproduce its golden outputs; it was not timed
    FAILED = "failed"  #: the runtime fails, or its process dies, while it runs the file
    CLOCK = "clock"  #: the clock of the device went back or stood still

    def __str__(self) -> str:  # as `enum.StrEnum` does, which Python 3.8 does not have
        return str(self.value)
