"""ARM code on this machine: ``qemu:aarch64`` replays the golden sets on the runtimes' real aarch64 builds."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.runner.contract import RUNNER_FILE
from ssc_deploy.profiling.targets import process, qemu_root
from ssc_deploy.profiling.targets.protocol import Description
from ssc_deploy.profiling.targets.reading import read_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ssc_deploy.profiling.job import Job, Result

#: Seconds without a line: a golden set takes a hundred times as long as on the processor itself.
_SILENCE = 6 * process.SILENCE


class Qemu:
    """An aarch64 system under qemu-user; see `ssc_deploy.profiling.targets.protocol.Target`."""

    spec = "qemu:aarch64"
    untimed = (
        "qemu translates ARM instructions into those of this machine, and how long that takes says nothing about an "
        "ARM core; so the golden set is replayed on the ARM code, and no latency is reported."
    )

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job under the emulator; the first time the system that it needs is downloaded."""
        if job.protocol is not None:
            raise TargetError(f"{self.spec} measures no latency: {self.untimed}")
        root = qemu_root.arm_root(progress)
        ended = process.run(
            root.command(folder / RUNNER_FILE, folder),
            progress,
            where=f"the runner under {root.emulator.name}",
            cwd=folder,
            env=root.environment(),
            silence=_SILENCE,
        )
        if ended.code:
            raise TargetError(f"The job could not be done under {root.emulator.name}: {ended.reason}.")
        result = read_result(folder, job, self.spec)
        # /proc/cpuinfo is this machine's, whose processor runs no ARM code.
        environment = dataclasses.replace(
            result.environment, device=_version(root), processor=f"{qemu_root.CPU}, emulated"
        )
        return dataclasses.replace(result, environment=environment)

    def describe(self) -> Description:
        """Whether the emulator is here, and what was downloaded."""
        try:
            emulator = qemu_root.emulator()
        except TargetError as error:
            return Description(self.spec, False, str(error))
        runtimes = ", ".join(wheel.replace("==", " ") for wheel in qemu_root.WHEELS[:2])
        state = "ready" if qemu_root.ready() else "about 45 MB are downloaded the first time"
        return Description(self.spec, True, f"parity only, no timings · {emulator.name} · {runtimes} · {state}")


def parse(rest: str) -> Qemu:
    """The target of ``qemu:aarch64``.

    Raises:
        TargetError: another architecture.
    """
    if rest != "aarch64":
        raise TargetError(f"qemu runs ARM code of one kind here, not {rest!r}; write {Qemu.spec}")
    return Qemu()


def _version(root: qemu_root.ArmRoot) -> str:
    """E.g. ``"qemu-user 7.2.22"``."""
    done = subprocess.run([root.emulator, "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return f"qemu-user {words[2]}" if len(words) > 2 else "qemu-user"
