"""This machine: the runner in a fresh process, as on every other target."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import runner_archive
from ssc_deploy.profiling.job import Environment
from ssc_deploy.profiling.runner.contract import RUNNER_FILE
from ssc_deploy.profiling.targets import process
from ssc_deploy.profiling.targets.protocol import Description
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.profiling.job import Job, Result


class Host:
    """The machine that this program runs on; see `ssc_deploy.profiling.targets.protocol.Target`."""

    spec = "host"
    untimed = None

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job in a process of its own."""
        command = [sys.executable, str(folder / RUNNER_FILE), str(folder)]
        ended = process.run(command, progress, where="the runner on this host")
        if ended.code:
            raise TargetError(f"The job could not be done on this host: {ended.reason}.")
        return read_result(folder, job, "this host")

    def describe(self) -> Description:
        """The machine, asked by the runner itself."""
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(runner_archive.write(Path(folder))), "--probe"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        environment = records.decode(Environment, json.loads(done.stdout))
        return Description(self.spec, True, describe_environment(environment), environment)


def describe_environment(environment: Environment) -> str:
    """One line: ``AMD EPYC · x86_64 · 2 cores · onnxruntime 1.32.0, ai-edge-litert 2.3.0``."""
    runtimes = ", ".join(f"{name} {version}" for name, version in environment.runtimes.items()) or "no runtime"
    cores = f"{environment.cores} core{'s' * (environment.cores != 1)}"
    named = (environment.device, environment.processor, environment.machine, cores, runtimes)
    return " · ".join(part for part in named if part)


def parse(rest: str) -> Host:
    """The target of ``host``.

    Raises:
        TargetError: something stands behind it.
    """
    if rest:
        raise TargetError(f"the device 'host' takes nothing behind it, and {rest!r} stands there; write: host")
    return Host()
