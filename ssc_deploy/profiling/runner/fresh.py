"""What a process pays that does nothing but load a model and run it once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Sequence

from .memory import peak_bytes
from .runtimes import import_for, load

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Array, Fresh


def fresh(path: Path, threads: int, inputs: Sequence[Array]) -> Fresh:
    """The figures of this process, which must not have done anything else.

    Raises:
        ModelError: the runtime is missing or refuses the file.
    """
    import_for(path)  # before the clock starts, so that the figures are the model's share
    baseline = peak_bytes()
    start = time.perf_counter_ns()
    model = load(path, threads)
    loaded = time.perf_counter_ns()
    model.feed(inputs)()
    done = time.perf_counter_ns()
    return {
        "load_ns": loaded - start,
        "first_ns": done - loaded,
        "peak_bytes": peak_bytes(),
        "baseline_bytes": baseline,
    }
