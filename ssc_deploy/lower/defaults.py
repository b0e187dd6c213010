"""Which lowering ``auto`` takes: what ``benchmarks/lowerings.py`` measured to be the fastest, for each target.

ONNX Runtime 1.32, x86-64, one thread, SSC-Net stages, time relative to ``depthwise``:

    channels x size     81x32  81x16  162x16  162x8  54x16  18x32  27x8    324x16  324x8  144x32  144x8  36x8
    slice               0.74   0.75   0.73    0.79   0.80   0.80   1.25    1.22    1.53   1.15    1.92   2.3
    gather              1.61          1.30                         1.13            2.02

Its depthwise kernel is fast only in the blocked layout (NCHWc), which takes channels in multiples of four; and nine
slices of a tiny picture cost more in calls than they save. The spread of the offsets (periodic, in runs, mixed up)
changes ``slice`` by 5 % at most. As for shuffles, ``gather`` takes 0.98 of the time of ``transpose``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower import transposition
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from ssc_deploy.lower.site import Site

_BLOCKED_CHANNELS = 4
# Between 27 channels of 8x8 (192 numbers a slice; depthwise wins) and 81 of 8x8 (576; slices win).
_NUMBERS_A_SLICE = 384


def shift(site: Site) -> str:
    """Name of the default lowering of a shift."""
    if site.target is Target.LITERT:
        return "depthwise"
    channels, slices = site.movement.in_channels, len(set(site.movement.offsets))
    blocked = channels % _BLOCKED_CHANNELS == 0
    tiny = channels * site.height * site.width < _NUMBERS_A_SLICE * slices
    return "depthwise" if blocked or tiny else "slice"


def shuffle(site: Site) -> str:
    """Name of the default lowering of a shuffle."""
    if site.target is Target.ONNXRUNTIME:
        return "gather"
    view = transposition.view_of(site.movement.source, site.movement.in_channels)
    return "gather" if view is None else "transpose"
