"""Shift as the depthwise convolution that the canonical form has already.

    out[c, y, x] = sum_{i, j} w[c, i, j] * padded[c, y + i, x + j],    w[c, i, j] = [i - top = dy[c], j - left = dx[c]]

One product is by 1.0, the others by 0.0: exact for every finite number. The kernel is as high and as wide as the
offsets need, which matters where a shift goes along one axis only. Nothing is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.ir.movement import Edge
from ssc_deploy.lower.padding import pad
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(_site: Site) -> None:
    return None


def _build(site: Site) -> ir.Value:
    if site.movement.edge is Edge.ZERO:
        return _same(site)
    padded = pad(site)
    kernel = (padded.height - site.height + 1, padded.width - site.width + 1)
    weight = np.zeros((site.movement.out_channels, 1, *kernel), np.float32)
    for channel, corner in enumerate(padded.corners):
        weight[(channel, 0, *corner)] = 1
    return _conv(site, padded.value, weight, (0, 0))


def _same(site: Site) -> ir.Value:
    """On zeros that the convolution brings in itself, as wide above as below, and left as right."""
    weight = known.constant(site.node.inputs[1])
    middle = weight.shape[2] // 2
    radius = [max(abs(d) for d in offsets) for offsets in zip(*site.movement.offsets, strict=True)]
    rows, columns = (slice(middle - r, middle + r + 1) for r in radius)
    if min(radius) == middle:
        return site.node.outputs[0]
    return _conv(site, site.input, weight[:, :, rows, columns], (radius[0], radius[1]))


def _conv(site: Site, value: ir.Value, weight: npt.NDArray[np.float32], pads: tuple[int, int]) -> ir.Value:
    channels, _, *kernel = weight.shape
    attributes = {
        "group": channels,
        "kernel_shape": kernel,
        "pads": pads * 2,
        "strides": (1, 1),
        "dilations": (1, 1),
    }
    shape = (site.batch, channels, site.height, site.width)
    return site.op("Conv", [value, site.constant("kernel", weight)], attributes, label="shifted", shape=shape)


LOWERING: Lowering[Site] = Lowering("depthwise", _refusal, _build)
