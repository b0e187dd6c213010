"""Borders around a feature map, just wide enough that every displaced window lies inside.

What stands in them is what a movement reads outside: zeros, or rows and columns of the feature map itself. No version
of TFLite has a Pad of these that XNNPACK takes, and ONNX has one that wraps around from opset 19 on only. So they are
cut out and joined, except for edges that repeat on ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir.movement import Edge
from ssc_deploy.lower.joining import cut, join
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


@dataclass(frozen=True)
class Padded:
    """A padded feature map, and where each channel's window starts in it.

    Attributes:
        value: float32 [N, C, height, width].
        height: with the borders, in pixels.
        width: likewise.
        corners: (row, column) of each channel's window, which is as large as the feature map was.
    """

    value: ir.Value
    height: int
    width: int
    corners: tuple[tuple[int, int], ...]


def pad(site: Site) -> Padded:
    """Adds the borders that the site's offsets need.

    Borders are never wider than the feature map: a displacement by its whole size or more shows nothing but zeros or
    one edge, or comes round to where a smaller one would be.
    """
    edge, size = site.movement.edge, (site.height, site.width)
    displaced = [
        [_within(offset, length, edge) for offset in offsets]
        for offsets, length in zip(zip(*site.movement.offsets, strict=True), size, strict=True)
    ]
    widths = [(max(0, -min(offsets)), max(0, *offsets)) for offsets in displaced]
    height, width = (length + before + after for length, (before, after) in zip(size, widths, strict=True))
    value = site.input
    if edge is Edge.ZERO or (edge is Edge.REPEAT and site.target is Target.ONNXRUNTIME):
        (top, bottom), (left, right) = widths
        if (height, width) != size:
            borders = site.integers("borders", 0, 0, top, left, 0, 0, bottom, right)
            shape = (site.batch, site.movement.in_channels, height, width)
            value = site.op("Pad", [value, borders], {"mode": edge.value}, label="padded", shape=shape)
    else:
        for axis, (length, (before, after)) in enumerate(zip(size, widths, strict=True), 2):
            value = _bordered(site, value, axis, edge.lines(np.arange(-before, length + after), length).tolist())
    (top, _), (left, _) = widths
    corners = tuple((top + y, left + x) for y, x in zip(*displaced, strict=True))
    return Padded(value, height, width, corners)


def _within(offset: int, length: int, edge: Edge) -> int:
    """An offset of at most the feature map's size that does the same."""
    match edge:
        case Edge.WRAP:
            return (offset + length // 2) % length - length // 2
        case Edge.REPEAT:
            return min(max(offset, 1 - length), length - 1)
        case Edge.ZERO:
            return min(max(offset, -length), length)


def _bordered(site: Site, value: ir.Value, axis: int, lines: list[int]) -> ir.Value:
    """These rows (axis 2) or columns of the feature map, joined from runs of neighbours."""
    breaks = [i for i in range(1, len(lines)) if lines[i] != lines[i - 1] + 1]
    pieces: dict[range, ir.Value] = {}
    row = []
    for first, last in zip([0, *breaks], [*breaks, len(lines)], strict=True):
        span = range(lines[first], lines[last - 1] + 1)
        if span not in pieces:
            pieces[span] = cut(site, value, span, axis=axis, label=f"border_{axis}_{first}")
        row.append(pieces[span])
    return join(site, row, axis=axis, label=f"bordered_{axis}")
