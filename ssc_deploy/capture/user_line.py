"""What the user's own code raised, and in which line, for messages."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path


def user_line(error: BaseException | None = None) -> str:
    """`` (FILE, line N, in FUNCTION)``, or nothing where no such line is found.

    Args:
        error: whose traceback to look through; the stack of now where it is None.
    """
    frames = traceback.extract_stack() if error is None else traceback.extract_tb(error.__traceback__)
    paths = sysconfig.get_paths()
    others = (str(Path(__file__).parents[1]), paths["purelib"], paths["platlib"], paths["stdlib"], "<")
    own = [frame for frame in frames if not frame.filename.startswith(others)]
    return f" ({own[-1].filename}, line {own[-1].lineno}, in {own[-1].name})" if own else ""


def reason(error: BaseException) -> str:
    """What the user's own code raised, in one line: ``ValueError: no such size (net.py, line 7, in forward)``."""
    text = str(error).strip()
    kind = type(error).__name__
    return f"{f'{kind}: {text.splitlines()[0]}' if text else kind}{user_line(error)}"
