"""Keeps a runtime's notes to itself off the user's screen.

LiteRT's native code writes "INFO: Created TensorFlow Lite XNNPACK delegate for CPU." to file descriptor 2. It reads no
environment variable for it, and its Python package offers no switch (google-ai-edge/LiteRT issue 7420), so the
descriptor itself is led aside while an interpreter is made. All that is not such a note is passed on afterwards.

The descriptor belongs to the whole process, so one thread at a time leads it aside: a second one would keep the first
one's temporary file for the user's screen, and put it there for good.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDERR = 2
_NOTE = b"INFO: "
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def withheld() -> Iterator[None]:
    """Drops lines that open with ``INFO:`` from what is written to file descriptor 2 meanwhile; not to be nested."""
    with _one_at_a_time, contextlib.ExitStack() as stack:
        with contextlib.suppress(AttributeError, ValueError):  # no stderr at all (pythonw), or a closed one
            sys.stderr.flush()
        try:
            aside = stack.enter_context(tempfile.TemporaryFile())
            screen = os.dup(_STDERR)
        except OSError:  # no file descriptor 2, or no room for a file: then the notes are shown
            yield
            return
        stack.callback(os.close, screen)
        os.dup2(aside.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(screen, _STDERR)
            aside.seek(0)
            for line in aside:
                if not line.startswith(_NOTE):
                    os.write(_STDERR, line)
