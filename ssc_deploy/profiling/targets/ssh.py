"""A board or any other computer that OpenSSH reaches: ``ssh:USER@HOST[:PORT]``, or a name of ``~/.ssh/config``.

What runs on the device is `remote_end`; it needs python3 there, and the job needs numpy and a runtime. All goes over
one connection. What was put there is removed also when this process is killed, because the connection ends then.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import runner_archive
from ssc_deploy.profiling.job import Environment
from ssc_deploy.profiling.runner.contract import RUNNER_FILE, FailureKind
from ssc_deploy.profiling.targets import packing
from ssc_deploy.profiling.targets.host import describe_environment
from ssc_deploy.profiling.targets.protocol import Description
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.profiling.targets.ssh_connection import Address, Connection
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.profiling.job import Job, Result

#: Instruction sets for which both runtimes have wheels, as ``uname -m`` has them.
_WITH_WHEELS = frozenset({"aarch64", "arm64", "x86_64", "AMD64"})

_ADDRESS = re.compile(r"(?:(?P<user>[\w.][\w.\\-]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w][\w.-]*)(?::(?P<port>\d{1,5}))?")


class Ssh:
    """A device that ssh reaches; see `ssc_deploy.profiling.targets.protocol.Target`.

    Args:
        address: of the device.
    """

    untimed = None

    def __init__(self, address: Address) -> None:
        self.address = address

    @property
    def spec(self) -> str:
        """As the user writes it."""
        return f"ssh:{self.address}"

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job there, over one connection."""
        with Connection(self.address) as connection:
            data = connection.do(packing.pack(folder, [RUNNER_FILE, "job.json", *job.files]), ["."], progress)
        packing.unpack(data, folder, str(self.address))
        result = read_result(folder, job, str(self.address))
        self._check_architecture(result)
        return result

    def describe(self) -> Description:
        """The device, asked by the runner over there."""
        lines: list[str] = []
        try:
            with tempfile.TemporaryDirectory() as folder, Connection(self.address) as connection:
                runner_archive.write(Path(folder))
                connection.do(packing.pack(Path(folder), [RUNNER_FILE]), ["--probe"], lines.append)
            environment = records.decode(Environment, json.loads(lines[-1]))
        except (TargetError, ValueError, IndexError) as error:
            return Description(self.spec, False, str(error))
        return Description(self.spec, True, describe_environment(environment), environment)

    def _check_architecture(self, result: Result) -> None:
        machine = result.environment.machine
        missing = any(one.failure and one.failure.kind == FailureKind.NO_RUNTIME for one in result.measurements)
        if missing and machine not in _WITH_WHEELS:
            raise TargetError(
                f"{self.address} is {machine}, for which a runtime that the job needs is neither there nor to be had "
                "as a wheel; install a 64-bit system (aarch64) on it"
            )


def parse(rest: str) -> Ssh:
    """The target of ``ssh:USER@HOST[:PORT]``.

    Raises:
        TargetError: it is spelled otherwise.
    """
    match = _ADDRESS.fullmatch(rest)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or port == 0 or (port or 0) > 65535:
        raise TargetError(f"{rest!r} does not name a computer; write ssh:USER@HOST or ssh:USER@HOST:PORT")
    return Ssh(Address(match["host"].strip("[]"), match["user"], port))
