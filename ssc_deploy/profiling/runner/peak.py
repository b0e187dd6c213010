"""What the device reaches at most, in arithmetic and in moving memory: the roof over the operators."""

from __future__ import annotations

import functools
import itertools
import threading
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from .latency import timed

if TYPE_CHECKING:
    from .formats import Peak


def peak(threads: int) -> Peak:
    """The figures of this process, whose BLAS was told the number of threads before numpy was imported.

    Both are the best of many short pieces, so that what else runs on the device does not lower them.
    """
    size = 384
    a, b = np.full((size, size), 0.5, np.float32), np.full((size, size), 0.25, np.float32)
    c = np.empty((size, size), np.float32)
    product = _best_seconds(functools.partial(np.matmul, a, b, out=c))
    # A page is there only once it was written; those of zeros would all be the same.
    source, copy = np.ones(1 << 24, np.float32), np.ones(1 << 24, np.float32)
    piece = (1 << 21) * threads  # 8 MB a thread
    starts = itertools.cycle(range(0, len(source) - piece + 1, piece) if piece <= len(source) else [0])

    def copy_piece() -> None:
        here = slice(next(starts), None)
        own, *rest = zip(np.array_split(copy[here][:piece], threads), np.array_split(source[here][:piece], threads))
        others = [threading.Thread(target=np.copyto, args=part) for part in rest]
        for other in others:
            other.start()
        np.copyto(*own)
        for other in others:
            other.join()

    moved = _best_seconds(copy_piece)
    return {
        "threads": threads,
        "gmac_per_s": size**3 / product / 1e9,
        "gbyte_per_s": 2 * 4 * min(piece, len(source)) / moved / 1e9,
    }


def _best_seconds(call: Callable[[], Any]) -> float:
    """The shortest run within half a second, of at least twenty."""
    call()
    return min(timed(call, 20, 500_000_000)) / 1e9
