"""Shuffle as a transposition of a view.

    out = in.view(N, G, C, H, W).transpose(1, 2).view(N, C * G, H, W)

Refused: permutations that are not a transposition, and selections of channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower import transposition
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(site: Site) -> str | None:
    if transposition.view_of(site.movement.source, site.movement.in_channels) is None:
        return "its channels are not a transposition of (groups, channels of a group); use gather or auto"
    return None


def _build(site: Site) -> ir.Value:
    view = transposition.view_of(site.movement.source, site.movement.in_channels)
    assert view is not None  # refused otherwise
    return transposition.transpose(site, site.input, view, label="shuffled")


LOWERING: Lowering[Site] = Lowering("transpose", _refusal, _build)
