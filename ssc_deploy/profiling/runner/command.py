"""The command line of the runner."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Sequence

from .contract import RUNNER_FILE


def main(arguments: Sequence[str]) -> int:
    """Does what the arguments say; returns the exit code."""
    try:
        import numpy  # noqa: F401  # the modules that are imported below need it
    except ImportError:
        _complain("numpy is not installed here; install it with: python3 -m pip install numpy")
        return 2
    if list(arguments) == ["--probe"]:
        from .device import environment

        _say(json.dumps(environment()))
        return 0
    from .children import answer

    answered = answer(arguments)
    if answered is not None:
        _say(json.dumps(answered))
        return 0
    if len(arguments) != 1:
        _complain(f"usage: {RUNNER_FILE} FOLDER | --probe")
        return 2
    return _do(Path(arguments[0]))


def _do(folder: Path) -> int:
    from . import files, job
    from .errors import JobError, ResultError

    try:
        files.write_result(folder, job.do(folder, _say))
    except JobError as error:
        _complain(str(error))
        return 2
    except ResultError as error:
        _complain(str(error))
        return 3
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")
