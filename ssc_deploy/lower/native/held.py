"""Where values lie while a plan is made: storages, and how a value's numbers stand in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(eq=False)
class Storage:
    """Floats that belong together: a part of the arena, an input, an output, or all weights.

    Attributes:
        buffer: number of its buffer; see `words`.
        floats: its size.
        offset: in its buffer; of the arena it is known when all steps are.
        first: the first step that writes it, -1 before there is one.
        last: the last step that reads or writes it.
    """

    buffer: int
    floats: int
    offset: int = 0
    first: int = -1
    last: int = -1


#: A place in a storage, in floats.
Ref = tuple[Storage, int]


@dataclass(frozen=True)
class View:
    """A value whose numbers stand at regular distances.

    Attributes:
        storage: that holds it.
        offset: of its first number.
        shape: of the value.
        strides: in floats, one for each axis.
        margin: of a feature map: rows and columns of zeros around each plane, which shifts may read.
        displaced: of a feature map: by how many rows and columns a shift reads each channel; there are zeros above and
            below, and in the columns that it does not read.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    margin: int = 0
    displaced: tuple[tuple[int, int], ...] = ()

    @property
    def is_dense(self) -> bool:
        """Whether the numbers follow one another in the order of the axes."""
        wanted = dense_strides(self.shape)
        return all(size == 1 or have == want for size, have, want in zip(self.shape, self.strides, wanted, strict=True))

    def reshaped(self, shape: tuple[int, ...]) -> View:
        """The numbers of a dense view in another shape."""
        return View(self.storage, self.offset, shape, dense_strides(shape))


@dataclass(frozen=True)
class Planes:
    """A feature map whose planes may lie anywhere, as those of a shift or a shuffle do: nothing is copied for these.

    Attributes:
        shape: (N, C, H, W).
        refs: where each plane begins, N * C of them.
        pitch: from a row to the next, in floats.
        margin: see `View`.
        shifted: whether planes are read displaced: then what stands around them is not zero.
    """

    shape: tuple[int, ...]
    refs: tuple[Ref, ...]
    pitch: int
    margin: int = 0
    shifted: bool = False


Held = View | Planes


def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of numbers that follow one another."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def planes_of(held: Held) -> Planes | None:
    """A value of rank 4 as planes; None where its rows are not rows of numbers."""
    if isinstance(held, Planes):
        return held
    if len(held.shape) != 4 or (held.strides[3] != 1 and held.shape[3] != 1):
        return None
    starts = np.add.outer(
        np.arange(held.shape[0]) * held.strides[0], np.arange(held.shape[1]) * held.strides[1]
    ).ravel()
    refs = tuple((held.storage, held.offset + int(start)) for start in starts)
    return Planes(held.shape, refs, held.strides[2], held.margin)


def view_of(held: Held) -> View | None:
    """A value as a view; None where its planes lie anywhere."""
    if isinstance(held, View):
        return held
    n, c, _, _ = held.shape
    storages = {storage for storage, _ in held.refs}
    offsets = np.array([offset for _, offset in held.refs]).reshape(n, c)
    by = (
        int(offsets[1, 0] - offsets[0, 0]) if n > 1 else 0,
        int(offsets[0, 1] - offsets[0, 0]) if c > 1 else 0,
    )
    regular = offsets[0, 0] + np.add.outer(np.arange(n) * by[0], np.arange(c) * by[1])
    if len(storages) != 1 or not np.array_equal(regular, offsets):
        return None
    margin = 0 if held.shifted else held.margin
    return View(storages.pop(), int(offsets[0, 0]), held.shape, (*by, held.pitch, 1), margin)
