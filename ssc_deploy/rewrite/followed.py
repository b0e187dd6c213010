"""Finds for each value computed from a source whether it is a movement of an image, and if not, why.

The steps that only move numbers are walked once, in the graph's order; `pixels` says where each number comes from, and
`layout` how a tensor may hold an image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import known
from ssc_deploy.ir import movement as mv
from ssc_deploy.rewrite import pixels
from ssc_deploy.rewrite.layout import Channels, Layout, channels_of_line, layouts
from ssc_deploy.rewrite.reach import Order, Reach, Walk

#: Regions of these alone change how a feature map is seen, not where its pixels are: nothing worth a report.
_VIEWS = frozenset(
    ["Cast", "CastLike", "Constant", "Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]
)


@dataclass(frozen=True)
class Found:
    """A value is a movement of the source, seen as an image in one layout and given as an image in another."""

    movement: mv.Movement
    before: Layout
    after: Layout

    @property
    def is_same(self) -> bool:
        """Whether the value is the source."""
        return self.movement.is_identity and self.before == self.after

    @property
    def stays(self) -> bool:
        """Whether nothing is gained by writing it again: another layout of the source, or some of its channels."""
        if self.before.is_canonical and self.after.is_canonical:
            return False
        some = sorted(self.movement.source) != list(range(self.movement.in_channels))
        return not self.is_same and self.movement.is_permutation and (some or self.movement.is_identity)


@dataclass(frozen=True)
class Refused:
    """Why a value is not a movement; ``compared``: as an image of the source's size that it might have been."""

    reason: str
    compared: bool


class Followed:
    """The steps behind one source, and what each value that they make is of it.

    Attributes:
        reach: the steps.
        readings: by value; None if the value is not an image, or none of the source's size.

    Args:
        source: a tensor of known shape, of at most `pixels.LARGEST` numbers.
        order: of the graph.
        channels: where images in four axes have their channels, as far as it is known.
        window: how many steps behind the last movement found are followed.
    """

    def __init__(self, source: ir.Value, order: Order, channels: dict[ir.Value, Channels], window: float) -> None:
        self.reach = Reach(source)
        self.readings: dict[ir.Value, Found | Refused | None] = {}
        self._channels, self._window = channels, window
        #: Where a source of rank 3 has its channels.
        self._told = channels_of_line(source) if len(known.shape(source)) == 3 else None
        self._sizes: dict[tuple[int, int], None] = {}
        self._moved: set[ir.Value] = set()
        self._since = {source: 0}
        self._numbers = {source: pixels.number(known.shape(source))}
        self._unread = {source: len(source.uses())}
        self._follow(order)

    def _follow(self, order: Order) -> None:
        walk = Walk(order)
        walk.reach(self.reach.source)
        for node in walk:
            outputs = pixels.move(node, self._numbers) if pixels.moves_data(node) else None
            if outputs is None:
                continue
            self.reach.add(node)
            moved = node.op_type not in _VIEWS or any(v in self._moved for v in node.inputs)
            for value, numbers in zip(node.outputs, outputs, strict=True):
                self._numbers[value], self._unread[value] = numbers, len(value.uses())
                if moved:
                    self._moved.add(value)
                self.readings[value] = self._read(value, numbers)
                found = isinstance(self.readings[value], Found)
                self._since[value] = 0 if found else self._since[self.reach.before(value)] + 1
                if self._since[value] <= self._window:
                    walk.reach(value)
            # What no step will read any more is not kept.
            for value in (value for value in node.inputs if value is not None and value in self._unread):
                self._unread[value] -= 1
                if not self._unread[value]:
                    self._numbers.pop(value, None)

    def _read(self, value: ir.Value, numbers: pixels.Numbers) -> Found | Refused | None:
        source, before = self.reach.source, known.shape(self.reach.source)
        shape = numbers.shape
        if value.dtype != ir.DataType.FLOAT or not numbers.size or not shape:
            return None
        if before[0] != shape[0]:
            return None
        if not _alike(numbers, math.prod(before[1:])):
            same = len(before) == len(shape) == 4 and before[2:] == shape[2:]
            reason = f"moves numbers from one of its {before[0]} images to another, or moves each in another way"
            return Refused(reason, compared=True) if same else None
        if len(shape) > 3:
            # The size of an image whose pixels stand in one axis is known from where they stood in two.
            self._sizes.update(dict.fromkeys([(shape[-2], shape[-1]), (shape[1], shape[2])]))
        refused: Refused | None = None
        sizes = self._sizes if len(before) < 4 else ()
        possible = layouts(before, sizes, self._channels.get(source))
        # A tensor of rank 3 may be read in several ways; the one that the operators before it tell of comes first.
        for seen in sorted(possible, key=lambda layout: self._told not in {None, layout.kind}):
            for given in layouts(shape, (seen.size,), self._channels.get(value)):
                if given.size != seen.size:
                    continue
                result = _movement(numbers, seen, given)
                if isinstance(result, mv.Movement):
                    return Found(result, seen, given)
                refused = refused or Refused(result, compared=True)
        line = self._along_a_line(value, numbers, before)
        if line is not None:
            return line
        if refused is None and len(before) == len(shape) == 4 and value in self._moved and source is not value:
            reason = f"turns a feature map of {list(before[1:])} into {list(shape[1:])}"
            return Refused(reason, compared=False)
        return refused

    def _along_a_line(self, value: ir.Value, numbers: pixels.Numbers, before: tuple[int, ...]) -> Found | None:
        """A movement along one axis of tensors of rank 3, [N, C, L] or [N, L, C].

        Which axis has the channels does not matter to a shift. A shuffle of channels and one of places look alike, so
        that the operators before it have to tell.
        """
        if not len(before) == numbers.ndim == 3:
            return None
        for length in dict.fromkeys([before[2], before[1]]):
            for seen in layouts(before, ((1, length),), None):
                for given in layouts(numbers.shape, ((1, length),), None):
                    movement = _movement(numbers, seen, given)
                    if not isinstance(movement, mv.Movement):
                        continue
                    sure = seen.kind is given.kind is self._told
                    if sure or (value in self._moved and not movement.is_permutation):
                        return Found(movement, seen, given)
        return None


def _alike(numbers: pixels.Numbers, size: int) -> bool:
    """Whether all images, of ``size`` numbers each, are made of the image at their own place, and in the same way."""
    first = numbers[:1]
    place = np.arange(len(numbers), dtype=np.int32).reshape(-1, *(1,) * (numbers.ndim - 1))
    return len(numbers) == 1 or np.array_equal(numbers, np.where(first > 0, first + place * np.int32(size), first))


def _movement(numbers: pixels.Numbers, seen: Layout, given: Layout) -> mv.Movement | str:
    image = given.image(numbers)
    if seen.channels_last:
        image = np.where(image > 0, seen.place(np.maximum(image, 1) - 1) + 1, image)
    return mv.of_numbers(np.ascontiguousarray(image), seen.image_shape[1:])
