"""What the user's own code raised, and in which line, for messages."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

#: Where torch's exporter puts the Python frames that made a node.
_STACK_TRACE = "pkg.torch.onnx.stack_trace"
_TORCH = re.compile(r"[\\/](?:site|dist)-packages[\\/]torch[\\/]|^<")
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>.+)')


def user_line(error: BaseException | None = None) -> str:
    """`` (FILE, line N, in FUNCTION)``, or nothing where no such line is found.

    Args:
        error: whose traceback to look through; the stack of now where it is None.
    """
    frames = traceback.extract_stack() if error is None else traceback.extract_tb(error.__traceback__)
    paths = sysconfig.get_paths()
    others = (str(Path(__file__).parents[1]), paths["purelib"], paths["platlib"], paths["stdlib"], "<")
    return _innermost([(f.filename, f.lineno, f.name) for f in frames if not f.filename.startswith(others)])


def reason(error: BaseException) -> str:
    """What the user's own code raised, in one line: ``ValueError: no such size (net.py, line 7, in forward)``."""
    text = str(error).strip()
    kind = type(error).__name__
    return f"{f'{kind}: {text.splitlines()[0]}' if text else kind}{user_line(error)}"


def line_of(node: ir.Node) -> str:
    """The line that made a node of a captured graph, written likewise; nothing where the graph does not say.

    A file that was captured elsewhere names the paths of that machine, so that libraries are told by their names.
    """
    frames = _FRAME.findall(node.metadata_props.get(_STACK_TRACE, ""))
    return _innermost([frame for frame in frames if not _TORCH.search(frame[0])])


def _innermost(frames: Sequence[tuple[str, int | str | None, str]]) -> str:
    return " ({}, line {}, in {})".format(*frames[-1]) if frames else ""
