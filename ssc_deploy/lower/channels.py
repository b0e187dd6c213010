"""How offsets are spread over the channels: periods and runs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Offset = tuple[int, int]


def period(offsets: Sequence[Offset]) -> int:
    """The smallest P that divides the number of channels with ``offsets[c] == offsets[c % P]``."""
    n = len(offsets)
    return next(p for p in range(1, n + 1) if n % p == 0 and all(offsets[c] == offsets[c % p] for c in range(p, n)))


def runs(offsets: Sequence[Offset]) -> list[tuple[int, int]]:
    """(first, past the last) channel of each longest run of equal offsets, in order."""
    spans, start = [], 0
    for _, group in itertools.groupby(offsets):
        stop = start + len(list(group))
        spans.append((start, stop))
        start = stop
    return spans
