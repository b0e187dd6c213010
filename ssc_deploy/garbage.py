"""Python's garbage collector, while an export runs.

A capture makes a million objects that live until the export ends, and most collections look at all of them again and
find nothing: 7 to 9 % of the CPU time of an export. With rarer collections it is 2 %, at the same peak of memory.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: New objects between two collections of the youngest, and how many of each generation come before one of the next.
RARELY = (50_000, 20, 20)

_lock = threading.Lock()
#: How many calls are in progress, in all threads, and the thresholds before the first of them.
_running = 0
_before = (0, 0, 0)


@contextlib.contextmanager
def collected_rarely() -> Iterator[None]:
    """Raises the thresholds of the garbage collector, and gives the caller's own back in the end.

    A collector that is switched off, or collects as rarely already, is left alone. Thresholds that somebody else sets
    meanwhile stay.
    """
    global _running, _before  # noqa: PLW0603  # the collector is one for the whole process
    with _lock:
        _running += 1
        if _running == 1:
            _before = gc.get_threshold()
            if 0 < _before[0] < RARELY[0]:
                gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0 and gc.get_threshold() == RARELY:
                gc.set_threshold(*_before)
