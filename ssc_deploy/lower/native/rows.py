"""Linear rows: the step that nearly all of a network's time goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.lower.native import packing
from ssc_deploy.lower.native.held import Ref, View, planes_of
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.writing import Offsets
from ssc_deploy.native.words import STRIP, Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.lower.native.epilogue import Epilogue


@dataclass(frozen=True)
class Rows:
    """Rows of one image.

    Attributes:
        sources: for each group its k planes, one list behind the other.
        pitch: of the sources.
    """

    sources: tuple[Ref, ...]
    pitch: int


def emit(
    planner: Planner,
    images: list[Rows],
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    tail: Epilogue,
) -> None:
    """Adds the steps that compute rows of every image, and sets the value.

    Args:
        planner: the plan.
        images: one for each image of the batch.
        weights: [groups, m, k].
        bias: [groups, m].
        tail: what follows.
    """
    groups, m, k = weights.shape
    packed = planner.constant(packing.rows(weights, bias))
    addend = None if tail.addend is None else planner.planes(tail.addend)
    result = _result(planner, tail)
    replaced = None if tail.addend is None else planner.in_place(tail.addend, result)
    result = result if replaced is None else replaced
    _, channels, height, width = result.shape
    pitch = result.strides[2]
    flat = all(rows.pitch == pitch for rows in images) and (addend is None or addend.pitch == pitch)
    if result.margin or any(map(any, result.displaced)):
        if flat or result.displaced:
            planner.clear_bands(result)
        else:
            planner.clear(result)
    targets = planes_of(result)
    assert targets is not None
    for image, rows in enumerate(images):
        mine = slice(image * channels, (image + 1) * channels)
        outs = targets.refs[mine]
        adds = None if addend is None else addend.refs[mine]
        piece = _Piece(rows, (groups, m, k), packed, outs, adds, 0 if addend is None else addend.pitch, result)
        masks = _masks(result, flat=flat)
        kinds = len(set(masks))
        _step(planner, piece, tail, _tiles(height, width, pitch, flat=flat, masks=kinds), masks)
    planner.set(tail.value, result)


def _result(planner: Planner, tail: Epilogue) -> View:
    from ssc_deploy.ir import known

    shape = known.shape(tail.value)
    displaced = planner.margins.displaced(tail.value)
    if displaced is not None:
        return planner.new_map(shape, displaced=displaced)
    return planner.new_map(shape, planner.margins.of(tail.value))


def _masks(result: View, *, flat: bool) -> list[tuple[int, ...]]:
    """For each channel the words that say which floats of a row are stored, the others being zero; [] for all."""
    width, pitch = result.shape[3], result.strides[2] if flat else result.shape[3]
    by = result.displaced or ((0, 0),) * result.shape[1]
    if not (flat and result.margin) and not any(across for _, across in by):
        return []
    return [tuple(-1 if 0 <= s - across < width and s < width else 0 for s in range(pitch)) for _, across in by]


#: Words of a mask, at most: a plane with more repeats one for some of its lines, so that the plan stays small.
_MASK = 8192


def _tiles(height: int, width: int, pitch: int, *, flat: bool, masks: int) -> tuple[int, int, int]:
    """Number of tiles, floats and lines of each: a whole plane where its lines follow one another.

    The kernels cut a plane into strips that stay in the nearest cache. Cut here, each piece would end in floats that do
    not fill a register tile. Where there are masks and a few lines fill whole strips, these are a tile: the masks of
    one will do for all.
    """
    if not flat:
        return height, width, 1
    whole = [lines for lines in range(1, height + 1) if height % lines == 0]
    if masks:
        strips = [lines for lines in whole if lines * pitch % STRIP == 0]
        whole = strips[:1] or [lines for lines in whole if lines * pitch * masks <= _MASK] or whole[:1]
    lines = whole[-1]
    return height // lines, lines * pitch, lines


@dataclass(frozen=True)
class _Piece:
    """The rows of one image: sources, sizes, weights, and where they go."""

    rows: Rows
    sizes: tuple[int, int, int]
    packed: View
    outs: tuple[Ref, ...]
    adds: tuple[Ref, ...] | None
    add_pitch: int
    result: View


def _step(
    planner: Planner, piece: _Piece, tail: Epilogue, tiles: tuple[int, int, int], masks: list[tuple[int, ...]]
) -> None:
    rows, result, outs, adds = piece.rows, piece.result, piece.outs, piece.adds
    count, n, lines = tiles
    packed, sizes = piece.packed, piece.sizes
    pitch = result.strides[2]
    sources, results = Offsets(rows.sources), Offsets(outs)
    mask: tuple[object, ...] = (None, None, 0, 0)
    if masks:
        kinds = list(dict.fromkeys(masks))
        words = [word for kind in kinds for word in kind * lines]
        mask = (table([kinds.index(kind) * n for kind in masks]), table(words), 0, len(words))
    added: tuple[object, ...] = (-1, 0, 0)
    offsets = None
    if adds is not None:
        offsets = Offsets(adds)
        added = (offsets.base, lines * piece.add_pitch)
    planner.step(
        Kind.ROWS,
        *(sizes[0], sizes[1], sizes[2], n, count),
        sources.base,
        lines * rows.pitch,
        *added,  # type: ignore[arg-type]
        results.base,
        lines * pitch,
        at(packed),
        sources,
        results,
        offsets,
        *mask,  # type: ignore[arg-type]
        tail.low,
        tail.high,
    )
