"""The cores that this process may run on."""

from __future__ import annotations

import os
from typing import Sequence

from .errors import JobError, first_line


def affinity() -> list[int]:
    """Their numbers; empty if the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(cores: Sequence[int] | None) -> None:
    """Keeps this process to some of them, or leaves the choice to the system where None are given.

    Raises:
        JobError: it may not run there.
    """
    if cores is None:
        return
    try:
        os.sched_setaffinity(0, cores)
    except (AttributeError, OSError, ValueError) as error:
        there = ", ".join(map(str, affinity())) or "none that can be chosen"
        raise JobError(
            "the process cannot be pinned to the cores {}: {}; the cores here are {}".format(
                ", ".join(map(str, cores)), first_line(error), there
            )
        ) from error
