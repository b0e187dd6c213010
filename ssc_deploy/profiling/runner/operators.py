"""What each operator takes, as the runtime's own profiler has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from . import litert_operators, onnx_operators
from .runtimes import is_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Array, OperatorTime

#: Runs before those that are kept.
_WARM = 3


def operators(path: Path, threads: int, inputs: Sequence[Array], runs: int) -> list[OperatorTime]:
    """The time of each operator in one inference.

    Args:
        path: of the model.
        threads: of one inference.
        inputs: of one inference.
        runs: that are kept, at least 1.

    Raises:
        ModelError: the runtime has no profiler that can be reached.
    """
    profiled = onnx_operators.profiled if is_onnx(path) else litert_operators.profiled
    return [
        {"name": name, "operator": operator, "ns": round(1000 * _middle_mean(taken))}
        for name, operator, taken in profiled(path, threads, inputs, _WARM, runs)
    ]


def _middle_mean(values: Sequence[int]) -> float:
    """Mean of the middle half: as steady as a median, and finer where the values are few whole microseconds."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    middle = ordered[cut : len(ordered) - cut]
    return sum(middle) / len(middle) if middle else 0.0
