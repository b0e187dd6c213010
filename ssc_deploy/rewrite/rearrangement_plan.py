"""Finds the steps that carry out a rearrangement, given the index of each number.

Three forms are tried in this order:

1. channels in another order, then depth to space;
2. space to depth, then channels in another order;
3. channel by channel: channels that are zero are left out and padded in the end. If all others are displaced as a
   whole, they are shifted; with a stride, if rows and columns are left out at regular steps. Else channels of equal
   map are one group; each group is cut into windows, which are joined:

       out[c, y, x] = in[source[c], rows[y], columns[x]]        rows, columns: -1 for zeros

   A map that is no such product is cut into rectangles that are.

Every plan is carried out on the indices themselves before it is returned.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.rewrite.rearrangement_steps import (
    Joined,
    Padded,
    Pair,
    Selected,
    Shape,
    Shifted,
    Source,
    Step,
    Strided,
    ToDepth,
    ToSpace,
    Zeroed,
    all_of,
    progression,
    run,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


#: Along one axis, or of one plan: more pieces than this cost more than a Gather.
_PIECES = 16
_STEPS = 128

#: Bands of one map, and rectangles of a band: edges that stay make two or three.
_BANDS = 5

#: Channels of one map may stand apart in so many more places before they are brought together and back.
_APART = 4

#: Pixels: a shift with a stride is a kernel of at most 15 x 15.
_FARTHEST = 7

#: A backward run that is no longer than this is joined from single lines: runtimes cut backwards slowly.
_BACKWARD = 8


def plan(indices: npt.NDArray[np.int64], shape: Shape, *, shifts: bool = True) -> Step | None:
    """The steps from an image of ``shape`` (C, H, W) to ``out.flat[i] = in.flat[indices.flat[i]]``, zero at -1.

    Args:
        indices: [C', H', W'].
        shape: of the input.
        shifts: whether channels that are displaced as a whole may be shifted; otherwise they are cut into windows.

    Returns:
        the last step; None if the rearrangement has none of the forms above.
    """
    numbered = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    by_channels = functools.partial(_by_channels, shifts=shifts)
    for form in (_to_space, _to_depth, by_channels):
        step = form(Source(shape), indices)
        if step is not None and len(all_of(step)) <= _STEPS and np.array_equal(run(step, numbered), indices):
            return step
    return None


def _to_space(source: Source, indices: npt.NDArray[np.int64]) -> Step | None:
    _, h, w = source.shape
    _, height, width = indices.shape
    block = height // h
    if block < 2 or (height, width) != (h * block, w * block) or (indices < 0).any():
        return None
    corners = indices[:, :block, :block] // (h * w)
    return ToSpace(_channels(source, corners.transpose(1, 2, 0).reshape(-1).tolist()), block)


def _to_depth(source: Source, indices: npt.NDArray[np.int64]) -> Step | None:
    """Of the image, or of the image with rows and columns of zeros around it, or without some of its own."""
    c = source.shape[0]
    channels, height, width = indices.shape
    block = math.isqrt(channels // c)
    if block < 2 or channels != c * block**2 or not (indices >= 0).any((1, 2)).all():
        return None
    read = indices.reshape(channels, -1)
    first = (read >= 0).argmax(1)
    channel, row, column = np.unravel_index(read[np.arange(channels), first], source.shape)
    phases = row - first // width * block, column - first % width * block
    widths: list[Pair] = []
    for axis, (phase, size) in enumerate(zip(phases, (height, width), strict=True), 1):
        before = -int(phase.min())
        widths.append((before, size * block - source.shape[axis] - before))
    image = _padded(_padded(_cropped(source, widths), 1, _positive(widths[0])), 2, _positive(widths[1]))
    order = (((phases[0] + widths[0][0]) * block + phases[1] + widths[1][0]) * c + channel).tolist()
    return _channels(ToDepth(image, block), order) if sorted(order) == list(range(channels)) else None


def _cropped(of: Step, widths: Sequence[Pair]) -> Step:
    """Without what negative widths cut off."""
    c, h, w = of.shape
    rows, columns = (
        range(max(0, -before), size - max(0, -after)) for size, (before, after) in zip((h, w), widths, strict=True)
    )
    return window(of, (range(c), rows, columns))


def _positive(width: Pair) -> Pair:
    return (max(0, width[0]), max(0, width[1]))


def _by_channels(source: Source, indices: npt.NDArray[np.int64], *, shifts: bool) -> Step | None:
    _, h, w = source.shape
    read = indices >= 0
    channels = np.where(read, indices // (h * w), -1)
    sources = channels.reshape(len(channels), -1).max(1)
    alive = [c for c, channel in enumerate(sources) if channel >= 0]
    if not alive:
        return _zeros(source, indices.shape)
    if ((channels != sources[:, None, None]) & read).any():
        return None
    maps = np.where(read, indices % (h * w), -1)[alive]
    moved = _moved(source, [int(sources[c]) for c in alive], maps, shifts=shifts)
    return None if moved is None else _among_zeros(moved, alive, len(sources))


def _zeros(source: Source, shape: tuple[int, ...]) -> Step:
    """Zeros of that shape, made of the image's first number."""
    first = Zeroed(window(source, (range(1), range(1), range(1))))
    c, h, w = ((0, size - 1) for size in shape)
    return Padded(first, (c, h, w)) if max(shape) > 1 else first


def _moved(source: Source, sources: list[int], maps: npt.NDArray[np.int64], *, shifts: bool) -> Step | None:
    """The channels ``sources`` of the image, the pixels of each taken by its map."""
    strided = _strided(source, sources, maps) if shifts else None
    if strided is not None:
        return strided
    offsets = [_offset(each, source.shape) for each in maps]
    known = [offset for offset in offsets if offset is not None]
    if shifts and len(known) == len(offsets):
        return _shifted(source, sources, known)
    kinds = [each.tobytes() for each in maps]
    order = list(range(len(kinds)))
    of: Step = source
    if len(_runs(sources, kinds)) > len(set(kinds)) + _APART:
        order.sort(key=lambda c: kinds.index(kinds[c]))
        of = _channels(source, [sources[c] for c in order])
        sources, kinds = list(range(len(order))), [kinds[c] for c in order]
    parts = []
    _, h, w = of.shape
    for first, last in _runs(sources, kinds):
        channels = range(sources[first], sources[first] + last - first)
        part = _pixels(window(of, (channels, range(h), range(w))), maps[order[first]])
        if part is None:
            return None
        parts.append(part)
    back = np.argsort(order)
    return _channels(_joined(parts, 0), back.tolist())


def _runs(sources: Sequence[int], kinds: Sequence[object]) -> list[Pair]:
    """Runs (first, behind the last) of neighbours with one map that are read from neighbours."""
    breaks = [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1] or sources[i] != sources[i - 1] + 1]
    return list(itertools.pairwise([0, *breaks, len(kinds)]))


def _offset(pixels: npt.NDArray[np.int64], shape: Shape) -> Pair | None:
    """(dy, dx) of a channel that is displaced as a whole, zero outside."""
    _, h, w = shape
    if pixels.shape != (h, w):
        return None
    y, x = (int(i) for i in np.argwhere(pixels >= 0)[0])
    dy, dx = int(pixels[y, x]) // w - y, int(pixels[y, x]) % w - x
    rows, columns = np.arange(h)[:, None] + dy, np.arange(w)[None, :] + dx
    inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    return (dy, dx) if np.array_equal(pixels, np.where(inside, rows * w + columns, -1)) else None


def _shifted(source: Source, sources: list[int], offsets: list[Pair]) -> Step:
    """A shift and a selection; the shift stands first where it can keep the regular order of its offsets."""
    if not any(itertools.chain.from_iterable(offsets)):
        return _channels(source, sources)
    if sorted(sources) == list(range(source.shape[0])):
        by_source = dict(zip(sources, offsets, strict=True))
        return _channels(Shifted(source, tuple(by_source[c] for c in range(len(offsets)))), sources)
    return Shifted(_channels(source, sources), tuple(offsets))


def _strided(source: Source, sources: list[int], maps: npt.NDArray[np.int64]) -> Step | None:
    """Channels that are displaced, each by its own offset, and of which each s-th row and column is left."""
    _, h, w = source.shape
    rows, columns = np.where(maps < 0, -1, np.divmod(maps, w))
    lines = [rows.max(2), columns.max(1)]
    strides, moves = [], []
    for of_channels, size in zip(lines, (h, w), strict=True):
        pairs = (of_channels[:, :-1] >= 0) & (of_channels[:, 1:] >= 0)
        steps = np.diff(of_channels, axis=1)[pairs]
        stride = int(steps[0]) if len(steps) else size
        if stride < 1 or (size - 1) // stride + 1 != of_channels.shape[1]:
            return None
        first = (of_channels >= 0).argmax(1)
        strides.append(stride)
        moves.append((of_channels[np.arange(len(first)), first] - first * stride).tolist())
    offsets = list(zip(*moves, strict=True))
    # What all channels do alike, a slice does as well.
    if strides == [1, 1] or len(set(offsets)) == 1 or max(map(abs, itertools.chain(*offsets))) > _FARTHEST:
        return None
    if sorted(sources) == list(range(source.shape[0])):
        by_source = dict(zip(sources, offsets, strict=True))
        placed = tuple(by_source[c] for c in range(len(offsets)))
        step = _channels(Strided(source, placed, (strides[0], strides[1])), sources)
    else:
        step = Strided(_channels(source, sources), tuple(offsets), (strides[0], strides[1]))
    numbered = np.arange(np.prod(source.shape), dtype=np.int64).reshape(source.shape)
    wanted = np.where(maps < 0, -1, np.array(sources)[:, None, None] * h * w + maps)
    return step if np.array_equal(run(step, numbered), wanted) else None


def _among_zeros(step: Step, places: list[int], channels: int) -> Step:
    """Puts channel i of the step to ``places[i]`` of ``channels``; the others are zero."""
    if len(places) == channels:
        return step
    _, h, w = step.shape
    runs = _runs(places, [None] * len(places))
    if len(runs) > 4:
        padded = Padded(step, ((0, 1), (0, 0), (0, 0)))
        at = {place: i for i, place in enumerate(places)}
        return _channels(padded, [at.get(c, len(places)) for c in range(channels)])
    parts: list[Step | int] = []
    end = 0
    for first, last in runs:
        parts += [places[first] - end, window(step, (range(first, last), range(h), range(w)))]
        end = places[last - 1] + 1
    return _joined([*parts, channels - end], 0)


def _channels(of: Step, order: list[int]) -> Step:
    """The channels of a step in another order, some of them perhaps not or several times."""
    count, h, w = of.shape
    copies = len(order) // count
    if copies > 1 and order == list(range(count)) * copies:
        return Joined((of,) * copies, 0)
    if order == list(range(order[0], order[0] + len(order))):
        return window(of, (range(order[0], order[0] + len(order)), range(h), range(w)))
    return Selected(of, 0, tuple(order))


def _pixels(of: Step, pixels: npt.NDArray[np.int64]) -> Step | None:
    """The pixels of every channel taken by one map, margins of zeros as a Pad."""
    places = np.argwhere(pixels >= 0)
    (top, left), (bottom, right) = (int(i) for i in places.min(0)), (int(i) + 1 for i in places.max(0))
    step = _product(of, pixels[top:bottom, left:right])
    widths = ((0, 0), (top, len(pixels) - bottom), (left, pixels.shape[1] - right))
    return step if step is None or not any(itertools.chain(*widths)) else Padded(step, widths)


def _product(of: Step, pixels: npt.NDArray[np.int64]) -> Step | None:
    rows, columns = np.where(pixels < 0, -1, np.divmod(pixels, of.shape[2]))
    row, column = rows.max(1), columns.max(0)
    inside = (row >= 0)[:, None] & (column >= 0)[None, :]
    if np.array_equal(pixels, np.where(inside, row[:, None] * of.shape[2] + column, -1)):
        return _along(_along(of, 1, row.tolist()), 2, column.tolist())
    return _rectangles(of, rows, columns)


def _along(of: Step, axis: int, wanted: list[int]) -> Step:
    """Lines of one axis by their numbers, -1 for zeros; neither the first nor the last is -1."""
    pieces = _pieces(wanted)
    if len(pieces) > _PIECES:
        zero = of.shape[axis]
        if -1 in wanted:
            widths = [(0, int(a == axis)) for a in range(3)]
            of = Padded(of, (widths[0], widths[1], widths[2]))
        return Selected(of, axis, tuple(zero if i < 0 else i for i in wanted))
    return _joined([piece if isinstance(piece, int) else _lines(of, axis, piece) for piece in pieces], axis)


def _lines(of: Step, axis: int, span: range) -> Step:
    spans = [span if a == axis else range(size) for a, size in enumerate(of.shape)]
    return window(of, (spans[0], spans[1], spans[2]))


def _pieces(wanted: list[int]) -> list[range | int]:
    """Cuts a list of lines into progressions; a number stands for so many zeros."""
    pieces: list[range | int] = []
    at = 0
    while at < len(wanted):
        if wanted[at] < 0:
            count = next((i for i in range(at, len(wanted)) if wanted[i] >= 0), len(wanted)) - at
            pieces.append(count)
        else:
            count, step = _progression(wanted, at)
            pieces.append(progression(wanted[at], step, count))
        at += count
    return pieces


def _progression(wanted: list[int], at: int) -> Pair:
    """How many lines from ``at`` on are cut at once, and the step between them."""
    if at + 1 == len(wanted) or wanted[at + 1] < 0 or wanted[at + 1] == wanted[at]:
        return 1, 1
    step = wanted[at + 1] - wanted[at]
    count = 2
    while at + count < len(wanted) and wanted[at + count] == wanted[at] + count * step >= 0:
        count += 1
    whole = count == len(wanted)
    worth_it = step == 1 or (step > 1 and (count > 2 or whole)) or (step < 0 and (count > _BACKWARD or whole))
    return (count, step) if worth_it else (1, 1)


def _rectangles(of: Step, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Step | None:
    """A map that is not a product, cut where a row begins to be made otherwise than the one above, and then in each."""
    jumps = np.zeros(rows.shape, bool)
    jumps[:, 1:] = rows[:, 1:] != rows[:, :-1]
    new = np.ones(len(rows), bool)
    new[1:] = (jumps[1:] != jumps[:-1]).any(1) | (columns[1:] != columns[:-1]).any(1)
    bands: list[Step | int] = []
    tops = [*np.flatnonzero(new).tolist(), len(rows)]
    for top, bottom in itertools.pairwise(tops):
        edges = [0, *np.flatnonzero(jumps[top]).tolist(), rows.shape[1]]
        if len(tops) == len(edges) == 2 or max(len(tops), len(edges)) > _BANDS + 1:
            return None
        parts: list[Step | int] = []
        for left, right in itertools.pairwise(edges):
            block = np.s_[top:bottom, left:right]
            pixels = np.where(rows[block] < 0, -1, rows[block] * of.shape[2] + columns[block])
            if (pixels < 0).all():
                parts.append(right - left)
                continue
            part = _pixels(of, pixels)
            if part is None:
                return None
            parts.append(part)
        zero = all(isinstance(part, int) for part in parts)
        bands.append(bottom - top if zero else _joined(parts, 2))
    return _joined(bands, 1)


def _joined(parts: Sequence[Step | int], axis: int) -> Step:
    """Joins steps along an axis; a number stands for so many zeros, which its neighbour is padded with."""
    steps: list[Step] = []
    before = 0
    for part in parts:
        if not isinstance(part, int):
            steps.append(_padded(part, axis, (before, 0)))
            before = 0
        elif steps:
            steps[-1] = _padded(steps[-1], axis, (0, part))
        else:
            before = part
    return steps[0] if len(steps) == 1 else Joined(tuple(steps), axis)


def _padded(of: Step, axis: int, width: Pair) -> Step:
    if not any(width):
        return of
    inner, widths = (of.of, list(of.widths)) if isinstance(of, Padded) else (of, [(0, 0)] * 3)
    widths[axis] = (widths[axis][0] + width[0], widths[axis][1] + width[1])
    return Padded(inner, (widths[0], widths[1], widths[2]))
