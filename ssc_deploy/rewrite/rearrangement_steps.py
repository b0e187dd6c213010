"""The steps of which a rearrangement is made: each is one standard ONNX operator on images.

A step knows its shape (C, H, W) and how it works on an array, so that a whole plan can be checked before any node is
built. Equal steps are one: steps are compared by value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Shape = tuple[int, int, int]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Source:
    """The image that is rearranged."""

    shape: Shape


@dataclass(frozen=True)
class Window:
    """A Slice: the numbers at ``spans``, one range for each axis."""

    of: Step
    spans: tuple[range, range, range]

    @property
    def shape(self) -> Shape:
        """Of the result."""
        return (len(self.spans[0]), len(self.spans[1]), len(self.spans[2]))


@dataclass(frozen=True)
class Joined:
    """A Concat of several steps along an axis."""

    parts: tuple[Step, ...]
    axis: int

    @property
    def shape(self) -> Shape:
        """Of the result."""
        sizes = list(self.parts[0].shape)
        sizes[self.axis] = sum(part.shape[self.axis] for part in self.parts)
        return (sizes[0], sizes[1], sizes[2])


@dataclass(frozen=True)
class Padded:
    """A Pad with zeros: ``widths`` (before, after) for each axis."""

    of: Step
    widths: tuple[Pair, Pair, Pair]

    @property
    def shape(self) -> Shape:
        """Of the result."""
        c, h, w = (size + sum(width) for size, width in zip(self.of.shape, self.widths, strict=True))
        return (c, h, w)


@dataclass(frozen=True)
class Zeroed:
    """A Clip to 0 and 0: where nothing of the image is left, its zeros still have to be made of it."""

    of: Step

    @property
    def shape(self) -> Shape:
        """Of the result."""
        return self.of.shape


@dataclass(frozen=True)
class Selected:
    """A Gather with constant indices along an axis."""

    of: Step
    axis: int
    indices: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """Of the result."""
        sizes = list(self.of.shape)
        sizes[self.axis] = len(self.indices)
        return (sizes[0], sizes[1], sizes[2])


@dataclass(frozen=True)
class Shifted:
    """The canonical shift: each channel displaced by its (dy, dx), zero outside."""

    of: Step
    offsets: tuple[Pair, ...]

    @property
    def shape(self) -> Shape:
        """Of the result."""
        return self.of.shape


@dataclass(frozen=True)
class Strided:
    """Each channel displaced by its (dy, dx), zero outside; then only each ``strides``-th row and column."""

    of: Step
    offsets: tuple[Pair, ...]
    strides: Pair

    @property
    def shape(self) -> Shape:
        """Of the result."""
        c, h, w = self.of.shape
        return (c, (h - 1) // self.strides[0] + 1, (w - 1) // self.strides[1] + 1)


@dataclass(frozen=True)
class ToSpace:
    """DepthToSpace of mode DCR: ``out[c, y * b + i, x * b + j] = in[(i * b + j) * C + c, y, x]``."""

    of: Step
    block: int

    @property
    def shape(self) -> Shape:
        """Of the result."""
        c, h, w = self.of.shape
        return (c // self.block**2, h * self.block, w * self.block)


@dataclass(frozen=True)
class ToDepth:
    """SpaceToDepth: ``out[(i * b + j) * C + c, y, x] = in[c, y * b + i, x * b + j]``."""

    of: Step
    block: int

    @property
    def shape(self) -> Shape:
        """Of the result."""
        c, h, w = self.of.shape
        return (c * self.block**2, h // self.block, w // self.block)


Step = Source | Window | Joined | Padded | Zeroed | Selected | Shifted | Strided | ToSpace | ToDepth


def inputs(step: Step) -> tuple[Step, ...]:
    """What the step reads."""
    match step:
        case Source():
            return ()
        case Joined():
            return step.parts
        case _:
            return (step.of,)


def all_of(step: Step) -> list[Step]:
    """The step and all that it needs, each once, those that are needed first; without the source."""
    found: dict[Step, None] = {}

    def visit(one: Step) -> None:
        if one not in found and not isinstance(one, Source):
            for needed in inputs(one):
                visit(needed)
            found[one] = None

    visit(step)
    return list(found)


def window(of: Step, spans: tuple[range, range, range]) -> Step:
    """A `Window`; of a window, one of what that reads; none if it would leave everything in its place."""
    if isinstance(of, Window):
        inner = of.spans
        spans = (_within(inner[0], spans[0]), _within(inner[1], spans[1]), _within(inner[2], spans[2]))
        of = of.of
    whole = all(span == range(size) for span, size in zip(spans, of.shape, strict=True))
    return of if whole else Window(of, spans)


def progression(first: int, step: int, count: int) -> range:
    """``count`` numbers from ``first`` on."""
    return range(first, first + step * count, step)


def _within(outer: range, inner: range) -> range:
    return progression(outer[inner[0]], outer.step * inner.step, len(inner))


def run(step: Step, image: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Carries out the steps on an image [C, H, W] of indices; what a Pad or a shift brings in is -1."""
    values: dict[Step, npt.NDArray[np.int64]] = {Source((image.shape[0], image.shape[1], image.shape[2])): image}
    for one in all_of(step):
        values[one] = _run(one, [values[needed] for needed in inputs(one)])
    return values[step]


def _run(step: Step, given: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    x = given[0]
    match step:
        case Window():
            return x[np.ix_(*step.spans)]
        case Joined():
            return np.concatenate(given, step.axis)
        case Padded():
            return np.pad(x, step.widths, constant_values=-1)
        case Zeroed():
            return np.full_like(x, -1)
        case Selected():
            return x.take(step.indices, step.axis)
        case Shifted():
            return np.stack([_displaced(plane, *offset) for plane, offset in zip(x, step.offsets, strict=True)])
        case Strided():
            moved = np.stack([_displaced(plane, *offset) for plane, offset in zip(x, step.offsets, strict=True)])
            return moved[:, :: step.strides[0], :: step.strides[1]]
        case ToSpace():
            c, h, w = step.shape
            b = step.block
            return x.reshape(b, b, c, h // b, w // b).transpose(2, 3, 0, 4, 1).reshape(c, h, w)
        case ToDepth():
            c, h, w = step.of.shape
            b = step.block
            return x.reshape(c, h // b, b, w // b, b).transpose(2, 4, 0, 1, 3).reshape(step.shape)
        case Source():
            return x


def _displaced(plane: npt.NDArray[np.int64], dy: int, dx: int) -> npt.NDArray[np.int64]:
    rows, columns = (np.arange(size) + d for size, d in zip(plane.shape, (dy, dx), strict=True))
    inside = ((rows >= 0) & (rows < plane.shape[0]))[:, None] & ((columns >= 0) & (columns < plane.shape[1]))[None, :]
    moved = plane[np.ix_(rows.clip(0, plane.shape[0] - 1), columns.clip(0, plane.shape[1] - 1))]
    return np.where(inside, moved, -1)
