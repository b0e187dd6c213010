"""Shuffle, or a part of one, as a transposition of whole planes.

    out = in.view(N, G, C, H * W)[:, g : g + m, c : c + n].transpose(1, 2).view(N, n * m, H, W)

Planes lie one after the other, so each is copied in one piece. The half of a shuffle that ShuffleNetV2 keeps, or gives
to its next convolution, is cut out first. A TFLite file holds pixels with all their channels, and turns to planes and
back around this; XNNPACK takes all of it.

Refused: any other permutation or selection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.ir import known
from ssc_deploy.lower import transposition
from ssc_deploy.lower.joining import cut
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(site: Site) -> str | None:
    if transposition.part_of(site.movement.source, site.movement.in_channels) is None:
        return "its channels are no part of a transposition of (groups, channels of a group); use gather or auto"
    return None


def _build(site: Site) -> ir.Value:
    part = transposition.part_of(site.movement.source, site.movement.in_channels)
    assert part is not None  # refused otherwise
    *_, h, w = known.image(site.input)
    rows, columns = len(part.rows), len(part.columns)
    value = site.reshape(site.input, (0, part.view[0], part.view[1], h * w), "planes_view", label="planes")
    value = cut(site, value, part.rows, axis=1, label="rows")
    value = cut(site, value, part.columns, axis=2, label="columns")
    value = site.transpose(value, 0, 2, 1, 3, label="planes_turned")
    return site.reshape(value, (0, rows * columns, h, w), "planes_shape", label="shuffled")


LOWERING: Lowering[Site] = Lowering("planes", _refusal, _build)
