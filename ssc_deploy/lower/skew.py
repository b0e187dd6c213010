"""A shift of flat planes in rows: bit-exact, and of operators alone that XNNPACK takes.

Offsets that run through a raster, channel p = i * b + j (mod P) of P = a * b being displaced by

    dy = dy0 + i * ey,   dx = dx0 + j * ex,   so   f[p] = f0 + i * ey * W + j * ex,   f0 = dy0 * W + dx0

in the flat plane of S = H * W pixels, read ``in.flat[p * S + f[p] + s]`` for output pixel s, once every pixel is zero
that no output reads (as in `shift_flat`): what a window takes from the planes before and behind its own is zero then,
and so is what stands outside the period. Now

    p * S + f[p] + s  =  f0 + i * (b * S + ey * W) + j * (S + ex) + s

so with -f0 zeros in front the planes are rows of b * S + ey * W numbers, and each row b rows of S + ex, one window at
the front of each: a Pad, and two times a Reshape and a Slice.

Refused: offsets that are no such raster (those of an SSC-Net are, for any k), or whose first is not up or left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.lower.channels import period
from ssc_deploy.lower.shift_flat import kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.ir.builder import Place
    from ssc_deploy.lower.channels import Offset


@dataclass(frozen=True)
class Raster:
    """Offsets (first[0] + i * step[0], first[1] + j * step[1]) of channel i * columns + j, repeated over all channels.

    Attributes:
        rows: a.
        columns: b.
        first: (dy0, dx0).
        step: (ey, ex), neither negative.
    """

    rows: int
    columns: int
    first: Offset
    step: Offset

    @property
    def period(self) -> int:
        """Channels until the offsets begin again."""
        return self.rows * self.columns

    def offsets(self) -> list[Offset]:
        """(dy, dx) of each channel of a period."""
        (dy, dx), (ey, ex) = self.first, self.step
        return [(dy + i * ey, dx + j * ex) for i in range(self.rows) for j in range(self.columns)]


def raster(offsets: Sequence[Offset], height: int, width: int) -> Raster | None:
    """The raster that the offsets run through, if planes of that size can be skewed by it; None otherwise."""
    p = period(offsets)
    for columns in (b for b in range(1, p + 1) if p % b == 0):
        first, rows = offsets[0], p // columns
        ey = offsets[columns][0] - first[0] if rows > 1 else 0
        ex = offsets[1][1] - first[1] if columns > 1 else 0
        found = Raster(rows, columns, first, (ey, ex))
        start = first[0] * width + first[1]
        inside = all(abs(dy) < height and abs(dx) < width for dy, dx in offsets)
        # A row's windows end before the next row, and the zeros in front push nothing out behind.
        fits = rows == 1 or (columns * ex <= ey * width and -start <= rows * ey * width)
        if found.offsets() == list(offsets[:p]) and min(ey, ex) >= 0 and start <= 0 and inside and fits:
            return found
    return None


def skew(place: Place, planes: ir.Value, found: Raster, height: int, width: int) -> ir.Value:
    """Moves ``planes`` [C / P, P, H * W]; returns the same shape."""
    groups, size, (ey, ex) = known.shape(planes)[0], height * width, found.step
    rows, columns = kept(found.offsets(), height, width)
    window = size + ex
    lead = -(found.first[0] * width + found.first[1])
    row = found.columns * size + ey * width
    if found.rows == 1:
        row = max(found.columns * window, found.columns * size + lead)
    trail = found.rows * row - found.period * size - lead
    value = planes
    if not (rows.all() and columns.all()):
        mask = (rows & columns).reshape(1, found.period, size).astype(np.float32)
        value = place.op("Mul", [value, place.constant("keep", mask)], label="masked", shape=(groups, *mask.shape[1:]))
    value = place.reshape(value, (groups, found.period * size), "flat_shape", label="flat")
    if lead or trail:
        borders = place.integers("borders", 0, lead, 0, trail)
        shape = (groups, found.rows * row)
        value = place.op("Pad", [value, borders], {"mode": "constant"}, label="padded", shape=shape)
    value = place.reshape(value, (found.rows * groups, row), "rows_shape", label="rows")
    value = _front(place, value, found.columns * window, label="windows")
    value = place.reshape(value, (found.period * groups, window), "skewed_shape", label="skewed")
    value = _front(place, value, size, label="moved")
    return place.reshape(value, (groups, found.period, size), "shifted_shape", label="shifted")


def _front(place: Place, value: ir.Value, size: int, *, label: str) -> ir.Value:
    """The first ``size`` numbers of each row."""
    count, length = known.shape(value)
    if length == size:
        return value
    bounds = [place.integers(f"{label}_{name}", n) for name, n in (("starts", 0), ("ends", size), ("axes", 1))]
    return place.op("Slice", [value, *bounds], label=label, shape=(count, size))
