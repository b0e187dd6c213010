"""The steps of a plan while it is made, and their words once the arena is laid out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.lower.native.held import Ref, Storage
from ssc_deploy.native.words import ARENA, MAGIC, VERSION, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Table:
    """Words that a step reads: integers as they are."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Offsets:
    """A table of places. They count from the place that `base` gives."""

    refs: tuple[Ref, ...]

    @property
    def base(self) -> Ref:
        """The storage that holds them all; else the beginning of the arena."""
        storages = {storage for storage, _ in self.refs}
        return (storages.pop(), 0) if len(storages) == 1 else (Storage(ARENA, 0), 0)

    def numbers(self) -> tuple[int, ...]:
        """The offsets, when the arena is laid out."""
        if self.base[0].floats:
            return tuple(offset for _, offset in self.refs)
        return tuple(storage.offset + offset for storage, offset in self.refs)


#: What a step consists of; a place of None is one that is not there.
Word = int | float | Ref | Table | Offsets | None


@dataclass(frozen=True)
class Draft:
    """A step before places are known."""

    kind: Kind
    words: tuple[Word, ...]
    name: str
    block: str


def words_of(
    drafts: Sequence[Draft], arena: int, weights: int, inputs: Sequence[int], outputs: Sequence[int]
) -> npt.NDArray[np.int32]:
    """The plan of these steps.

    Args:
        drafts: the steps; all storages have their offsets.
        arena: floats.
        weights: floats.
        inputs: floats of each.
        outputs: likewise.
    """
    first = 9 + len(inputs) + len(outputs)
    tables: dict[tuple[int, ...], int] = {}
    sizes = [2 + sum(2 if isinstance(word, tuple) else 1 for word in draft.words) for draft in drafts]
    behind = first + sum(sizes)
    for draft in drafts:
        for word in draft.words:
            numbers = _numbers(word)
            if numbers is not None and numbers not in tables:
                tables[numbers] = behind
                behind += len(numbers)
    steps: list[int] = []
    for draft, size in zip(drafts, sizes, strict=True):
        steps += [draft.kind, size]
        for word in draft.words:
            steps += _word(word, tables)
    header = [MAGIC, VERSION, behind, arena, weights, len(inputs), len(outputs), len(drafts), first]
    return np.array([*header, *inputs, *outputs, *steps, *itertools.chain.from_iterable(tables)], np.int64).astype(
        np.int32
    )


def _numbers(word: Word) -> tuple[int, ...] | None:
    if isinstance(word, Table):
        return word.numbers
    return word.numbers() if isinstance(word, Offsets) else None


def _word(word: Word, tables: dict[tuple[int, ...], int]) -> Iterable[int]:
    if word is None:
        return (-1,)
    if isinstance(word, tuple):
        storage, offset = word
        return storage.buffer, storage.offset + offset
    if isinstance(word, float | np.floating):
        return (int(np.float32(word).view(np.int32)),)
    numbers = _numbers(word)
    if numbers is not None:
        return (tables[numbers],)
    assert isinstance(word, int | np.integer)
    return (int(word),)
