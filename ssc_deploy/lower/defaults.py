"""Which lowering ``auto`` takes: what was measured to be fastest, by ``benchmarks/lowerings.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower import transposition
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from ssc_deploy.lower.site import Site


def shift(site: Site) -> str:
    """Name of the default lowering of a shift."""
    if site.target is Target.LITERT:
        return "depthwise"
    return "slice"


def shuffle(site: Site) -> str:
    """Name of the default lowering of a shuffle."""
    view = transposition.view_of(site.movement.source, site.movement.in_channels)
    return "gather" if view is None else "transpose"
