"""Shuffle as the Gather that the canonical form has already.

    out[o] = in[source[o]]

Nothing is refused: any permutation or selection of channels can be gathered.
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


LOWERING: Lowering[Site] = Lowering("gather", _refusal, _build)
