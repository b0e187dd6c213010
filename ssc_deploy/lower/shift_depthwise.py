"""Shift as the depthwise convolution that the canonical form has already.

    out[c, y, x] = sum_{i, j} w[c, i, j] * in[c, y + i - r, x + j - r],    w[c, i, j] = [i - r = dy[c], j - r = dx[c]]

One product is by 1.0, the others by 0.0: exact for every finite number. Nothing is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(_site: Site) -> None:
    return None


def _build(site: Site) -> ir.Value:
    return site.node.outputs[0]


LOWERING: Lowering[Site] = Lowering("depthwise", _refusal, _build)
