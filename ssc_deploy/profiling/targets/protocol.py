"""What every target offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ssc_deploy.profiling.job import Environment, Job, Result


@dataclass(frozen=True)
class Description:
    """What is known of a target before anything is measured there.

    Attributes:
        spec: as the user writes it, e.g. ``"ssh:pi@raspberry.local"``.
        ready: whether a job could be run there now.
        detail: one line for people: what it is, or why it is not ready and what to do.
        environment: of the device; None if it was not reached.
    """

    spec: str
    ready: bool
    detail: str
    environment: Environment | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded


class Target(Protocol):
    """A place where jobs are run."""

    @property
    def spec(self) -> str:
        """As the user writes it; `ssc_deploy.profiling.targets.parse` gives an equal target."""
        ...

    @property
    def untimed(self) -> str | None:
        """Why no latency is reported of it, as a sentence; None if it is measured. Jobs for it have no protocol."""
        ...

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job there, and leaves nothing behind, whatever happens.

        Args:
            folder: holds job.json, runner.pyz and all files of the job (see `ssc_deploy.profiling.job`). result.json
                and the files that it names are brought back into it.
            job: what job.json says.
            progress: is called with each line that the runner prints.

        Returns:
            the result, read by `ssc_deploy.profiling.targets.reading.read_result`, so checked against the job.

        Raises:
            TargetError: the target cannot be reached, or the job not be run there; a sentence that says what to do.
        """
        ...

    def describe(self) -> Description:
        """What it is, and whether it is ready; never raises for a target that is not."""
        ...
