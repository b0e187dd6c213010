"""Shift as one Slice for each run of channels that move together, and a Concat.

    out[a:b] = padded[a:b, row : row + H, column : column + W]        for each run a..b of equal offsets

If all channels move alike and wrap around, each axis is cut in two instead, and joined the other way round. Otherwise

the channels are first brought into runs, in the cheapest way that fits:

1. they are in runs already: slices of rank 4;
2. offsets repeat with a period P (ONNX Runtime): view (N, C / P, P, H', W'), a slice for each run of the period;
   (LiteRT): rank 4 is all there is, so the view (C / P, P) is transposed, sliced, and transposed back;
3. otherwise: channels are gathered in the order of their offsets, sliced, and gathered back.

Nothing is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    if site.movement.rolls:
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


def _rolled(site: Site) -> ir.Value:
    value = site.input
    for axis, (offset, size) in enumerate(zip(site.movement.offsets[0], (site.height, site.width), strict=True), 2):
        start = offset % size
        spans = [range(start, size), range(start)] if start else [range(size)]
        cuts = [cut(site, value, span, axis=axis, label=f"piece_{axis}_{i}") for i, span in enumerate(spans)]
        value = join(site, cuts, axis=axis, label=f"rolled_{axis}")
    return value


def _gather(site: Site, value: ir.Value, order: Sequence[int], *, label: str) -> ir.Value:
    return site.gather(value, site.integers(f"{label}_order", *order), 1, label=label)


LOWERING: Lowering[Site] = Lowering("slice", _refusal, _build)
