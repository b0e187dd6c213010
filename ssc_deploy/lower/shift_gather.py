"""Shift as one Gather on the padded, flattened feature map.

    NCHW:  out.flat[g, (p, y, x)] = padded.view(G, P * H' * W')[g, p * H' * W' + (y + row[p]) * W' + x + column[p]]
    NHWC:  out.flat[(y, x, c)]    = padded.view(H' * W' * C)[((y + row[c]) * W' + x + column[c]) * C + c]

where P is the period of the offsets over the channels, so that indices are needed for one period only. In NHWC the
groups are not contiguous, and all channels are indexed. Indices are int32, half the file of int64.

Refused: a padded feature map of 2**31 numbers or more, which int32 does not index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.lower.channels import period
from ssc_deploy.lower.padding import pad
from ssc_deploy.lower.registry import Lowering
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def _refusal(site: Site) -> str | None:
    if site.movement.in_channels * 9 * site.height * site.width >= 2**31:  # borders are at most a feature map wide
        return "its feature map is too large for 32-bit indices; use depthwise or auto"
    return None


def _build(site: Site) -> ir.Value:
    channels, h, w, n = site.movement.in_channels, site.height, site.width, site.batch
    padded = pad(site)
    y, x = np.indices((h, w), np.int32)
    rows, columns = np.array(padded.corners, np.int32).T[:, :, None, None]
    inside = (y + rows) * padded.width + x + columns  # [C, h, w], positions in one padded channel
    size = padded.height * padded.width
    if site.target is Target.ONNXRUNTIME:
        p = period(site.movement.offsets)
        indices = (inside[:p] + np.arange(p, dtype=np.int32)[:, None, None] * size).reshape(-1)
        value = site.reshape(padded.value, (0, channels // p, p * size), "flat_shape", label="flat")
        value = site.gather(value, site.constant("indices", indices), 2, label="gathered")
        return site.reshape(value, (0, channels, h, w), label="shifted")
    indices = (inside * channels + np.arange(channels, dtype=np.int32)[:, None, None]).transpose(1, 2, 0).reshape(-1)
    value = site.transpose(padded.value, 0, 2, 3, 1, label="last")
    value = site.reshape(value, (-1, size * channels), "flat_shape", label="flat", shape=(n, size * channels))
    value = site.gather(value, site.constant("indices", indices), 1, label="gathered")
    value = site.reshape(value, (-1, h, w, channels), label="merged", shape=(n, h, w, channels))
    return site.transpose(value, 0, 3, 1, 2, label="shifted")


LOWERING: Lowering[Site] = Lowering("gather", _refusal, _build)
