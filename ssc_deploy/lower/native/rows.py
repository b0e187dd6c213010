"""Linear rows: the step that nearly all of a network's time goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.lower.native import packing
from ssc_deploy.lower.native.held import Ref, View, planes_of
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.writing import Offsets
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.lower.native.epilogue import Epilogue

#: Floats of a tile: of the best tiles of a row of pixels the smallest of at least so many.
_TILE = 128
#: Floats that a kernel computes at once; others are lost at the end of a tile.
_WIDTH = 16


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
    _, channels, height, width = result.shape
    pitch = result.strides[2]
    flat = all(rows.pitch == pitch for rows in images) and (addend is None or addend.pitch == pitch)
    if result.margin:
        if flat:
            planner.clear_bands(result)
        else:
            planner.clear(result)
    targets = planes_of(result)
    assert targets is not None
    for image, rows in enumerate(images):
        mine = slice(image * channels, (image + 1) * channels)
        outs = targets.refs[mine]
        adds = None if addend is None else addend.refs[mine]
        for first, count, n, lines in _tiles(height, width, pitch, flat=flat):
            piece = _Piece(rows, (groups, m, k), packed, outs, adds, 0 if addend is None else addend.pitch, result)
            _step(planner, piece, tail, tile=_Tile(first, count, n, lines), flat=flat)
    planner.set(tail.value, result)


def _result(planner: Planner, tail: Epilogue) -> View:
    from ssc_deploy.ir import known

    return planner.new_map(known.shape(tail.value), planner.margins.of(tail.value))


def _tiles(height: int, width: int, pitch: int, *, flat: bool) -> list[tuple[int, int, int, int]]:
    """First line, number of tiles, floats and lines of each tile; together they cover the plane."""
    if not flat:
        return [(0, height, width, 1)]
    lines = _best(height, pitch)
    count = height // lines
    tiles = [(0, count, lines * pitch, lines)]
    if height % lines:
        tiles.append((count * lines, 1, height % lines * pitch, height % lines))
    return tiles


def _best(height: int, pitch: int) -> int:
    """Lines of a tile: few floats are lost, and the tile stays in the nearest cache."""

    def lost(lines: int) -> tuple[int, int]:
        whole, rest = divmod(height, lines)
        computed = whole * -(-lines * pitch // _WIDTH) + -(-rest * pitch // _WIDTH)
        return computed, lines

    fitting = [lines for lines in range(1, height + 1) if lines * pitch <= 4 * _TILE] or [1]
    return min(fitting, key=lost)


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


@dataclass(frozen=True)
class _Tile:
    """Tiles of one size: the line where the first begins, how many, floats and lines of each."""

    first: int
    count: int
    floats: int
    lines: int


def _step(planner: Planner, piece: _Piece, tail: Epilogue, *, tile: _Tile, flat: bool) -> None:
    rows, result, outs, adds = piece.rows, piece.result, piece.outs, piece.adds
    first, count, n, lines = tile.first, tile.count, tile.floats, tile.lines
    packed, sizes = piece.packed, piece.sizes
    pitch = result.strides[2]
    sources, results = Offsets(rows.sources), Offsets(outs)
    masked = flat and result.margin > 0
    mask: tuple[object, ...] = (None, None, 0, 0)
    if masked:
        word = [-1] * result.shape[3] + [0] * (pitch - result.shape[3])
        mask = (table([0] * len(outs)), table(word * lines), 0, n)
    added: tuple[object, ...] = (-1, 0, 0)
    offsets = None
    if adds is not None:
        offsets = Offsets(adds)
        added = (_moved(offsets.base, first * piece.add_pitch), lines * piece.add_pitch)
    planner.step(
        Kind.ROWS,
        *(sizes[0], sizes[1], sizes[2], n, count),
        _moved(sources.base, first * rows.pitch),
        lines * rows.pitch,
        *added,  # type: ignore[arg-type]
        _moved(results.base, first * pitch),
        lines * pitch,
        at(packed),
        sources,
        results,
        offsets,
        *mask,  # type: ignore[arg-type]
        tail.low,
        tail.high,
    )


def _moved(base: Ref, floats: int) -> Ref:
    return base[0], base[1] + floats
