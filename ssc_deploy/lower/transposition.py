"""Channel permutations that are a transposition of a (G, C) view or of a part of it, and how each target writes one.

    out[c * G + g] = in[g * C + c]

is the shuffle of G groups of C channels each: the view (G, C), transposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def view_of(source: tuple[int, ...], in_channels: int) -> tuple[int, int] | None:
    """(G, C) of the view whose transposition reads channel ``source[o]`` into channel o; None if there is none."""
    if len(source) != in_channels or in_channels < 2:
        return None
    # out[1] = in[C] for every transposition with G > 1, and out = in otherwise: one candidate is enough.
    columns = source[1]
    if columns < 1 or in_channels % columns:
        return None
    rows = in_channels // columns
    expected = np.arange(in_channels).reshape(rows, columns).T.reshape(-1)
    return (rows, columns) if source == tuple(expected.tolist()) else None


@dataclass(frozen=True)
class Part:
    """Some rows and columns of a view of the channels, whose transposition a selection of channels is.

    Attributes:
        view: (G, C), of all channels.
        rows: that are taken, of the G.
        columns: that are taken, of the C.
    """

    view: tuple[int, int]
    rows: range
    columns: range


def part_of(source: tuple[int, ...], in_channels: int) -> Part | None:
    """The part whose transposition reads channel ``source[o]`` into channel o; None if there is none.

    A single row or column is none: it needs no transposition.
    """
    # out[1] is one row below out[0], and out[m] begins the next column.
    size = source[1] - source[0] if len(source) > 1 else 0
    if size < 2 or in_channels % size:
        return None
    row, column = divmod(source[0], size)
    count = next((o for o in range(1, len(source)) if source[o] != source[0] + o * size), len(source))
    if len(source) % count or count == len(source):
        return None
    part = Part((in_channels // size, size), range(row, row + count), range(column, column + len(source) // count))
    numbers = np.arange(in_channels).reshape(part.view)
    taken = numbers[part.rows.start : part.rows.stop, part.columns.start : part.columns.stop].T.reshape(-1)
    return part if source == tuple(taken.tolist()) else None


def transpose(site: Site, value: ir.Value, view: tuple[int, int], *, label: str) -> ir.Value:
    """Transposes the channels of ``value`` [N, G * C, H, W] seen as (G, C), in the target's own form."""
    rows, columns = view
    n, channels, h, w = known.image(value)
    if site.target is Target.ONNXRUNTIME:
        value = site.reshape(value, (0, rows, columns, h, w), f"{label}_view", label=f"{label}_split")
        value = site.transpose(value, 0, 2, 1, 3, 4, label=f"{label}_turned")
        return site.reshape(value, (0, channels, h, w), f"{label}_shape", label=label)
    # The outer transpositions are what turns NCHW into NHWC and back: in a TFLite file they vanish.
    pixels = n * h * w if isinstance(n, int) else None
    split, merged = (rows, columns), (h, w, channels)
    value = site.transpose(value, 0, 2, 3, 1, label=f"{label}_last")
    value = site.reshape(value, (-1, *split), f"{label}_view", label=f"{label}_split", shape=(pixels, *split))
    value = site.transpose(value, 0, 2, 1, label=f"{label}_turned")
    value = site.reshape(value, (-1, *merged), f"{label}_shape", label=f"{label}_merged", shape=(n, *merged))
    return site.transpose(value, 0, 3, 1, 2, label=label)
