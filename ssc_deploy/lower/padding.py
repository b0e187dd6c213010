"""Zero borders around a feature map, just wide enough that every displaced window lies inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    A displacement by the feature map's whole size or more shows nothing but zeros, so it is cut there: borders are
    never wider than the feature map.
    """
    h, w = site.height, site.width
    rows = [min(max(dy, -h), h) for dy, _ in site.movement.offsets]
    columns = [min(max(dx, -w), w) for _, dx in site.movement.offsets]
    top, bottom = max(0, -min(rows)), max(0, *rows)
    left, right = max(0, -min(columns)), max(0, *columns)
    value, height, width = site.input, top + h + bottom, left + w + right
    if (height, width) != (h, w):
        borders = site.integers("borders", 0, 0, top, left, 0, 0, bottom, right)
        shape = (site.batch, site.movement.in_channels, height, width)
        value = site.op("Pad", [value, borders], {"mode": "constant"}, label="padded", shape=shape)
    corners = tuple((top + y, left + x) for y, x in zip(rows, columns, strict=True))
    return Padded(value, height, width, corners)
