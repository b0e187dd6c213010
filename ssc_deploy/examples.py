"""Inputs of a network, several examples of them. Imports numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = npt.NDArray[Any]

#: Examples that go through a file of dynamic batch at once.
AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Examples:
    """What a network is given, one array for each of its inputs, with the examples along the first axis.

    Attributes:
        arrays: [N, ...] each, of the same N. Where examples lie side by side in a batch, the other axes of an array are
            those of the input without its batch, e.g. [N, C, H, W]. Otherwise each ``array[i]`` is the whole input.
        rows: which of the two; see `signature.Signature.rows`.
    """

    arrays: tuple[Array, ...]
    rows: bool = True

    @classmethod
    def of(cls, given: Examples | Array) -> Examples:
        """As they are, or those of one array [N, ...] of examples that may lie side by side."""
        return given if isinstance(given, Examples) else cls((given,))

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, part: slice) -> Examples:
        """Some of the examples, without a copy."""
        return Examples(tuple(array[part] for array in self.arrays), self.rows)

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return sum(array[0].size for array in self.arrays)

    @property
    def shapes(self) -> str:
        """Of all arrays, for a message: ``[2, 3, 32, 32]``."""
        return " and ".join(str(list(array.shape)) for array in self.arrays)

    def beside(self, others: Examples) -> Examples:
        """These, followed by the others."""
        both = zip(self.arrays, others.arrays, strict=True)
        return Examples(tuple(np.concatenate(pair) for pair in both), self.rows)

    def floats(self, change: Callable[[Array], Array]) -> Examples:
        """The same with arrays of floating-point numbers changed; whole numbers stay as they are."""
        return Examples(tuple(change(array) if array.dtype.kind == "f" else array for array in self.arrays), self.rows)

    @property
    def together(self) -> list[Array]:
        """What one run on all of them is given; of wholes there must be one alone."""
        return [np.ascontiguousarray(array if self.rows else array[0]) for array in self.arrays]

    def result(self, value: Array) -> Array:
        """What such a run returns, as [N, ...]."""
        return value if self.rows else value[None]

    def runs(self, batch: int | None, at_once: int = AT_ONCE) -> Iterator[tuple[list[Array], int]]:
        """What the network is given, run by run.

        Args:
            batch: examples that a run takes; None for any number. Wholes are run one by one.
            at_once: examples of a run that takes any number.

        Yields:
            an array for each input, and how many of the run's examples are ours: the last run of a fixed batch is
            filled up with copies of its last example.
        """
        size = (batch or at_once) if self.rows else 1
        for start in range(0, len(self), size):
            chunk = self[start : start + size]
            used = len(chunk)
            if self.rows and batch is not None and used < batch:
                filling = Examples(tuple(np.repeat(array[-1:], batch - used, axis=0) for array in chunk.arrays))
                chunk = chunk.beside(filling)
            yield chunk.together, used
