"""Shift as one Slice for each run of channels that move together, and a Concat.

    out[a:b] = padded[a:b, row : row + H, column : column + W]        for each run a..b of equal offsets

If the feature map wraps around and its channels are in runs, each run is cut in two along each axis instead, and the
pieces are joined the other way round: on LiteRT if it is one run, since joining more takes several steps there.

    rows[a:b] = [x[a:b, row:]; x[a:b, :row]]        out[a:b] = [rows[a:b, :, column:], rows[a:b, :, :column]]

Otherwise the channels are first brought into runs, in the cheapest way that fits:

1. they are in runs already: slices of rank 4;
2. offsets repeat with a period P (ONNX Runtime): view (N, C / P, P, H', W'), a slice for each run of the period;
   (LiteRT): rank 4 is all there is, so the view (C / P, P) is transposed, sliced, and transposed back;
3. otherwise: channels are gathered in the order of their offsets, sliced, and gathered back.

Nothing is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.ir.movement import Edge
from ssc_deploy.lower import transposition
from ssc_deploy.lower.channels import period, runs
from ssc_deploy.lower.joining import cut, join
from ssc_deploy.lower.padding import Padded, pad
from ssc_deploy.lower.registry import Lowering
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(_site: Site) -> None:
    return None


def _build(site: Site) -> ir.Value:
    offsets = site.movement.offsets
    channels, h, w, n = len(offsets), site.height, site.width, site.batch
    if site.movement.is_identity:
        return site.op("Identity", [site.input], label="shifted", shape=(n, channels, h, w))
    if site.movement.rolls or (
        site.target is Target.ONNXRUNTIME and site.movement.edge is Edge.WRAP and _in_runs(offsets)
    ):
        return _rolled(site)
    padded = pad(site)
    corners, distinct = padded.corners, len(set(padded.corners))
    if len(runs(corners)) == distinct:
        return _windows(site, padded.value, corners, (n, channels), axis=1)
    p = period(corners)
    if p < channels and site.target is Target.ONNXRUNTIME:
        return _periodic(site, padded, p)
    if p < channels and len(runs(corners[:p])) == distinct:
        view = (channels // p, p)
        value = transposition.transpose(site, padded.value, view, label="sorted")
        turned = [corners[c] for c in np.arange(channels).reshape(view).T.reshape(-1)]
        value = _windows(site, value, turned, (n, channels), axis=1)
        return transposition.transpose(site, value, view[::-1], label="shifted")
    by_corner = sorted(range(channels), key=corners.__getitem__)
    value = _gather(site, padded.value, by_corner, label="sorted")
    value = _windows(site, value, [corners[c] for c in by_corner], (n, channels), axis=1)
    return _gather(site, value, [int(c) for c in np.argsort(by_corner)], label="shifted")


def _periodic(site: Site, padded: Padded, p: int) -> ir.Value:
    n, channels = site.batch, site.movement.in_channels
    groups = channels // p
    value = site.reshape(padded.value, (0, groups, p, padded.height, padded.width), "view", label="split")
    value = _windows(site, value, padded.corners[:p], (n, groups, p), axis=2)
    return site.reshape(value, (0, channels, site.height, site.width), label="shifted")


def _windows(
    site: Site,
    value: ir.Value,
    corners: Sequence[tuple[int, int]],
    lead: tuple[int | ir.SymbolicDim, ...],
    *,
    axis: int,
) -> ir.Value:
    """Slices every run of channels out of ``value`` [*lead, H', W'] and joins the slices along ``axis``."""
    h, w = site.height, site.width
    axes = site.integers("axes", axis, axis + 1, axis + 2)
    pieces = []
    for first, last in runs(corners):
        row, column = corners[first]
        starts = site.integers(f"starts_{first}", first, row, column)
        ends = site.integers(f"ends_{first}", last, row + h, column + w)
        shape = (*lead[:-1], last - first, h, w)
        pieces.append(site.op("Slice", [value, starts, ends, axes], label=f"window_{first}", shape=shape))
    return join(site, pieces, axis=axis, label="joined")


def _in_runs(offsets: Sequence[tuple[int, int]]) -> bool:
    """Whether channels that move alike stand side by side."""
    return len(runs(offsets)) == len(set(offsets))


def _rolled(site: Site) -> ir.Value:
    rolled = []
    for first, last in runs(site.movement.offsets):
        row, column = (
            d % size for d, size in zip(site.movement.offsets[first], (site.height, site.width), strict=True)
        )
        rows = []
        for top, bottom in _turned(row, site.height):
            label, shape = f"rows_{first}_{top}", (site.batch, last - first, bottom - top, site.width)
            starts, ends = site.integers(f"{label}_starts", first, top), site.integers(f"{label}_ends", last, bottom)
            rows.append(
                site.op("Slice", [site.input, starts, ends, site.integers("axes", 1, 2)], label=label, shape=shape)
            )
        value = join(site, rows, axis=2, label=f"rolled_rows_{first}")
        if column:
            value = join(site, _columns(site, value, column, str(first))[::-1], axis=3, label=f"rolled_{first}")
        rolled.append(value)
    return join(site, rolled, axis=1, label="shifted")


def _columns(site: Site, value: ir.Value, column: int, label: str) -> Sequence[ir.Value]:
    """The columns before and behind ``column``."""
    spans = (range(column), range(column, site.width))
    if site.target is Target.LITERT:
        return [cut(site, value, span, axis=3, label=f"columns_{label}_{span.start}") for span in spans]
    # ONNX Runtime cuts along the last axis by one Split in half of the time of two Slices.
    lead = known.dims(value)[:3]
    sizes = site.integers(f"columns_{label}", *map(len, spans))
    shapes = [(*lead, len(span)) for span in spans]
    return site.ops("Split", [value, sizes], {"axis": 3}, label=f"columns_{label}", shapes=shapes)


def _turned(start: int, size: int) -> list[tuple[int, int]]:
    """The spans of an axis that begins at ``start`` and wraps around."""
    return [(start, size), (0, start)] if start else [(0, size)]


def _gather(site: Site, value: ir.Value, order: Sequence[int], *, label: str) -> ir.Value:
    return site.gather(value, site.integers(f"{label}_order", *order), 1, label=label)


LOWERING: Lowering[Site] = Lowering("slice", _refusal, _build)
