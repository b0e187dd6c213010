"""Data movement between feature maps: what a shift, a shuffle, or any mixture of the two does.

A movement reads each output channel from one input channel, displaced by whole pixels:

    out[n, c, y, x] = in[n, source[c], y + dy[c], x + dx[c]]

Where that pixel is outside of the feature map, `Edge` says what stands there: zero, the pixel at the other side (a
shift that wraps around), or the nearest pixel of the edge. A shift has ``source[c] = c``; a channel permutation
(shuffle) has ``dy = dx = 0``. `read` finds the movement that a function performs by running it on numbered pixels,
however the function is written.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Array = npt.NDArray[np.float32]


class Edge(enum.StrEnum):
    """What is read outside of the feature map; the values are the modes of ONNX's ``Pad``."""

    ZERO = "constant"  #: zeros
    WRAP = "wrap"  #: the feature map begins again: row H is row 0
    REPEAT = "edge"  #: the nearest pixel of the feature map

    def lines(self, wanted: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
        """The rows or columns that stand at places ``wanted`` of an axis of ``size``; -1 for zeros."""
        match self:
            case Edge.WRAP:
                return wanted % size
            case Edge.REPEAT:
                return wanted.clip(0, size - 1)
            case Edge.ZERO:
                return np.where((wanted >= 0) & (wanted < size), wanted, -1)


@dataclass(frozen=True)
class Movement:
    """``out[n, c, y, x] = in[n, source[c], y + offsets[c][0], x + offsets[c][1]]``.

    Attributes:
        source: the input channel that each output channel reads.
        offsets: (dy, dx) of each output channel, in pixels.
        in_channels: channels of the input feature map (an output may leave some of them unread).
        edge: what stands outside of the feature map.
    """

    source: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    in_channels: int
    edge: Edge = Edge.ZERO

    @property
    def out_channels(self) -> int:
        """Channels of the output feature map."""
        return len(self.source)

    @property
    def is_shift(self) -> bool:
        """Whether every channel stays in its place (an identity is a shift as well)."""
        return self.source == tuple(range(self.in_channels))

    @property
    def is_permutation(self) -> bool:
        """Whether no pixel leaves its place; true for channel selections, too."""
        return not any(itertools.chain.from_iterable(self.offsets))

    @property
    def is_identity(self) -> bool:
        """Whether output and input are the same."""
        return self.is_shift and self.is_permutation

    @property
    def rolls(self) -> bool:
        """Whether the feature map wraps around as a whole, all channels alike."""
        return self.edge is Edge.WRAP and len(set(self.offsets)) == 1

    @property
    def radius(self) -> int:
        """The largest displacement in either direction, in pixels."""
        return max((abs(d) for d in itertools.chain.from_iterable(self.offsets)), default=0)

    def kernel(self) -> Array:
        """The offsets as a one-hot depthwise kernel, float32 [out_channels, 1, k, k] with k = 2 * radius + 1."""
        r = self.radius
        weight = np.zeros((self.out_channels, 1, 2 * r + 1, 2 * r + 1), np.float32)
        for c, (dy, dx) in enumerate(self.offsets):
            weight[c, 0, r + dy, r + dx] = 1.0
        return weight

    def origin(self, channel: int, _row: int, _column: int) -> str:
        """What stands at a place of the output, in words."""
        dy, dx = self.offsets[channel]
        return f"channel {self.source[channel]} displaced by ({dy}, {dx})"

    def __call__(self, x: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Moves the pixels of ``x`` [N, in_channels, H, W]; returns [N, out_channels, H, W] of the same dtype."""
        n, _, h, w = x.shape
        out = np.zeros((n, self.out_channels, h, w), x.dtype)
        for dy, dx in set(self.offsets):
            to = [c for c, offset in enumerate(self.offsets) if offset == (dy, dx)]
            rows, columns = self.edge.lines(np.arange(h) + dy, h), self.edge.lines(np.arange(w) + dx, w)
            inside = np.ix_(np.array(to), np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0))
            read = np.ix_(np.array(self.source)[to], rows[rows >= 0], columns[columns >= 0])
            for image, moved in zip(x, out, strict=True):
                moved[inside] = image[read]
        return out


def shift(offsets: tuple[tuple[int, int], ...], edge: Edge = Edge.ZERO) -> Movement:
    """The shift by ``offsets`` (dy, dx), one for each channel."""
    return Movement(tuple(range(len(offsets))), offsets, len(offsets), edge)


def permutation(source: tuple[int, ...], in_channels: int | None = None) -> Movement:
    """The movement that reads channel ``source[c]`` into channel c."""
    return Movement(source, ((0, 0),) * len(source), len(source) if in_channels is None else in_channels)


def is_one_hot(kernels: npt.NDArray[np.generic]) -> bool:
    """Whether each kernel holds a single 1 and else zeros; kernels: [channels, ...]."""
    return bool(np.isin(kernels, (0, 1)).all() and (kernels.reshape(len(kernels), -1).sum(1) == 1).all())


def read(run: Callable[[Array], Array], shape: tuple[int, int, int]) -> Movement | str:
    """Reads off what ``run`` does to a feature map, by running it on numbered pixels.

    Each pixel carries its own channel, row and column, in three feature maps, so that every number is small enough to
    be exact in float32. What is read off so is then checked on all pixels, and on random signed data.

    Args:
        run: takes float32 [1, C, H, W], returns the same rank.
        shape: (C, H, W).

    Returns:
        the movement, or a sentence that says why ``run`` is none at this size.
    """
    digits = np.indices(shape, np.float32)[:, None] + 1
    outputs = [np.asarray(run(digit)) for digit in digits]
    out_shape = outputs[0].shape
    if len(out_shape) != 4 or out_shape[0] != 1 or out_shape[2:] != shape[1:]:
        return f"turns a feature map of {list(shape)} into {list(out_shape)}"
    movement = of_numbers(_numbers([output[0] for output in outputs], shape), shape)
    if isinstance(movement, str):
        return movement
    if not performs(run, movement, shape):
        return "moves some numbers only; others are changed on the way"
    return movement


def _numbers(digits: list[Array], shape: tuple[int, int, int]) -> npt.NDArray[np.int32]:
    """The numbers of `of_numbers`, from the channel, row and column (from 1) that each pixel shows."""
    number = np.zeros(digits[0].shape, np.int64)
    known, zero = np.ones(number.shape, bool), np.ones(number.shape, bool)
    for digit, size in zip(digits, shape, strict=True):
        whole = (digit >= 1) & (digit <= size) & (digit == np.floor(digit))
        number = number * size + np.where(whole, digit - 1, 0).astype(np.int64)
        known &= whole
        zero &= digit == 0
    return np.where(known, number + 1, np.where(zero, 0, -1)).astype(np.int32)


def of_numbers(numbers: npt.NDArray[np.int32], shape: tuple[int, int, int]) -> Movement | str:
    """The movement that made ``numbers`` of a feature map whose pixels are numbered in the order of memory.

    Args:
        numbers: [C', H, W]; for each output pixel 1 + the number of the pixel that it shows, 0 where it is zero, -1
            where it shows anything else.
        shape: (C, H, W) of the numbered feature map.

    Returns:
        the movement, or a sentence that says why it is none.
    """
    channels, height, width = shape
    flat, middle = numbers.reshape(len(numbers), -1), height // 2 * width + width // 2
    at = np.full(len(flat), middle)
    # From the middle, where no edge can interfere; from what is nearest to it where the middle is zero.
    for c in np.flatnonzero(flat[:, middle] == 0).tolist():
        seen = np.flatnonzero(flat[c])
        if not len(seen):
            return f"output channel {c} is zero everywhere"
        distance = np.abs(seen // width - height // 2) + np.abs(seen % width - width // 2)
        at[c] = seen[distance.argmin()]
    shown = flat[np.arange(len(flat)), at]
    if (shown < 0).any():
        return f"output channel {int((shown < 0).argmax())} computes new values instead of moving pixels"
    source, place = np.divmod(shown - 1, height * width)
    dy, dx = place // width - at // width, place % width - at % width
    offsets = tuple(zip(dy.tolist(), dx.tolist(), strict=True))
    corners = np.array([0, width - 1, (height - 1) * width, height * width - 1])
    given: npt.NDArray[np.int32] | None = None
    reasons = []
    for edge in Edge:
        row = edge.lines(corners // width + dy[:, None], height)
        column = edge.lines(corners % width + dx[:, None], width)
        inside = (row >= 0) & (column >= 0)
        expected = np.where(inside, source[:, None] * height * width + row * width + column + 1, 0)
        # Most of what is no movement shows itself in a corner.
        wrong = np.argwhere(expected != flat[:, corners])
        movement = Movement(tuple(source.tolist()), offsets, channels, edge)
        if not len(wrong):
            if given is None:
                given = np.arange(1, channels * height * width + 1, dtype=np.int32).reshape(1, *shape)
            expected = movement(given)[0].reshape(flat.shape)
            wrong = np.argwhere(expected != flat)
        if not len(wrong):
            return movement
        c = int(wrong[0][0])
        at_edge = not expected[tuple(wrong.T)].any()
        how = ", but not every edge is zero, wraps around or repeats" if at_edge else " in some places only"
        reasons.append(f"output channel {c} is displaced by {offsets[c]}{how}")
    return reasons[0]


def performs(run: Callable[[Array], Array], movement: Movement, shape: tuple[int, int, int]) -> bool:
    """Whether ``run`` carries out the movement on a feature map [1, C, H, W] of `random` numbers."""
    feature_map = random(1, *shape)
    return np.array_equal(movement(feature_map), run(feature_map))


def random(*shape: int) -> Array:
    """Random float32 numbers of either sign and every magnitude, so that a bound or a threshold shows itself."""
    generator = np.random.default_rng(0)
    exponents = generator.integers(-100, 101, shape, np.int32)
    return np.asarray(np.ldexp(generator.standard_normal(shape, np.float32), exponents))
