"""Waiting for what other processes do, and finding these processes, on machines of any speed."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds after which a test gives up. It only ends a test that would hang for ever; no test may depend on it.
PATIENCE = 600.0


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until the condition holds."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "this has not come about"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[int]:
    """Numbers of the processes that work in a folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


def processes_that_name(text: str) -> list[int]:
    """Numbers of the processes whose command line contains a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
