"""What the command line says about an exception that no part of the library expected.

It is a defect of ours, unless the machine has no more memory, disk space or open files, or the user's own network
raised it.
"""

from __future__ import annotations

import errno
import sysconfig
import traceback
from pathlib import Path

import click

import ssc_deploy
from ssc_deploy import extras
from ssc_deploy.errors import DefectError, SscDeployError

#: Characters of the exception's own message that are shown.
_SHOWN = 200

#: Errors of the system that say that a resource is used up, and what to do.
_USED_UP = {
    errno.ENOSPC: "the disk is full; free some space, also where temporary files go (TMPDIR)",
    errno.EDQUOT: "the disk quota is used up; free some space, also where temporary files go (TMPDIR)",
    errno.EMFILE: "too many files are open in this process; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine; end some programs",
}


def is_meant(error: BaseException) -> bool:
    """Whether the exception is passed on: click handles it, the reader of our output is gone, or we end the process.

    A network whose code calls ``sys.exit`` does not end the process, since its exit code would look like ours.
    """
    if isinstance(error, SystemExit):
        return _place_in_user_code(error) is None
    own = isinstance(error, click.ClickException | click.Abort | click.exceptions.Exit)
    return own or (isinstance(error, OSError) and error.errno == errno.EPIPE)


def explained(error: BaseException, *, verbose: bool) -> tuple[str, int]:
    """The sentence about an unexpected exception, and the exit code.

    Args:
        error: the exception.
        verbose: whether the traceback is logged.
    """
    if isinstance(error, MemoryError):
        sentence = "there is not enough memory; close other programs, or use a smaller input shape or batch"
        return sentence, SscDeployError.exit_code
    if isinstance(error, OSError) and error.errno in _USED_UP:
        return _USED_UP[error.errno], SscDeployError.exit_code
    missing = extras.explained(error) if isinstance(error, ImportError) else None
    if missing is not None:
        return missing, SscDeployError.exit_code
    lines = str(error).strip().splitlines()
    summary = f"{type(error).__name__}: {lines[0][:_SHOWN]}" if lines else type(error).__name__
    place = _place_in_user_code(error)
    if place is not None:
        return f"{place}: the network's own code fails with {summary}", SscDeployError.exit_code
    how = "" if verbose else ", and with the traceback that the option -v shows"
    sentence = (
        f"this is a defect of ssc-deploy, not of your input ({summary}); please report it to the authors with the "
        f"command and its input{how}"
    )
    return sentence, DefectError.exit_code


def _place_in_user_code(error: BaseException) -> str | None:
    """File and line of the user's code that the exception comes from; None if it comes from ours."""
    ours = Path(ssc_deploy.__file__).parent
    installed = [Path(folder) for name, folder in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(ours):
            return None
        if file.is_file() and not any(file.is_relative_to(folder) for folder in installed):
            return f"{file.name}, line {frame.lineno}"
    return None
