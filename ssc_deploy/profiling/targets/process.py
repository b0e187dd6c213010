"""Runs the program that carries out a job, and knows when it hangs."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ssc_deploy.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: Seconds without a line after which a runner is taken for dead: loading and the golden set print none in between.
SILENCE = 600.0

#: Characters of standard error that are kept, its end.
_KEPT = 4000


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; minus the signal that ended it.
        errors: the end of what it wrote to standard error.
    """

    code: int
    errors: str

    @property
    def reason(self) -> str:
        """The last line of standard error, without its full stop; the signal where one ended it."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip() and not line.startswith("INFO:")]
        if self.code < 0:
            with contextlib.suppress(ValueError):
                return f"it was ended by {signal.Signals(-self.code).name}"
        return (lines[-1] if lines else f"it ended with exit code {self.code} and says nothing").rstrip(".")


def run(
    command: Sequence[str],
    progress: Callable[[str], None],
    *,
    where: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    silence: float = SILENCE,
) -> Ended:
    """Runs a program to its end, in a process group of its own that does not outlive this call.

    Args:
        command: program and arguments.
        progress: is called with each line of its standard output.
        where: what it is, for messages.
        cwd: its working folder.
        env: its environment; None for ours.
        silence: seconds without a line after which it is killed.

    Raises:
        TargetError: it cannot be started, or was killed because it said nothing for too long.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except OSError as error:
        raise TargetError(f"{where}: {command[0]} cannot be started: {error.strerror}") from error
    assert process.stdout is not None and process.stderr is not None  # noqa: PT018  # both are pipes
    errors: list[str] = []
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    readers = [
        threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True),
        threading.Thread(target=_read_end, args=(process.stderr, errors), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        while (line := lines.get(timeout=silence)) is not None:
            progress(line)
        # It may close its standard output and run on.
        code = process.wait(timeout=silence)
    except (queue.Empty, subprocess.TimeoutExpired):
        raise TargetError(
            f"{where} has said nothing for {silence:.0f} s and was stopped; look whether it hangs, run it again"
        ) from None
    finally:
        _end(process)
        for reader in readers:
            reader.join(timeout=5)
    return Ended(code, "".join(errors))


def _read_lines(stream: IO[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        lines.put(line.decode(errors="replace").rstrip("\r\n"))
    lines.put(None)


def _read_end(stream: IO[bytes], kept: list[str]) -> None:
    text = ""
    for line in stream:
        text = (text + line.decode(errors="replace"))[-_KEPT:]
    kept.append(text)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and all that it started."""
    for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        until = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    process.wait()
