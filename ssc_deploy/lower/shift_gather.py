"""Shift as one Gather on the padded, flattened picture.

    NCHW:  out.flat[g, (p, y, x)] = padded.view(G, P * H' * W')[g, p * H' * W' + (y + row[p]) * W' + x + column[p]]
    NHWC:  out.flat[(y, x, c)]    = padded.view(H' * W' * C)[((y + row[c]) * W' + x + column[c]) * C + c]

where P is the period of the offsets over the channels, so that indices are needed for one period only. In NHWC the
groups are not contiguous, and all channels are indexed. Indices are int32, half the file of int64.

Refused: a padded picture of 2**31 numbers or more, which int32 does not index.
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
    if site.movement.in_channels * 9 * site.height * site.width >= 2**31:  # borders are at most a picture wide
        return "its picture is too large for 32-bit indices; use depthwise or auto"
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
        flat = site.integers("flat_shape", 0, channels // p, p * size)
        value = site.op("Reshape", [padded.value, flat], label="flat", shape=(n, channels // p, p * size))
        value = site.op(
            "Gather",
            [value, site.constant("indices", indices)],
            {"axis": 2},
            label="gathered",
            shape=(n, channels // p, p * h * w),
        )
        back = site.integers("shape", 0, channels, h, w)
        return site.op("Reshape", [value, back], label="shifted", shape=(n, channels, h, w))
    indices = (inside * channels + np.arange(channels, dtype=np.int32)[:, None, None]).transpose(1, 2, 0).reshape(-1)
    last = site.op(
        "Transpose",
        [padded.value],
        {"perm": (0, 2, 3, 1)},
        label="last",
        shape=(n, padded.height, padded.width, channels),
    )
    flat = site.integers("flat_shape", -1, size * channels)
    value = site.op("Reshape", [last, flat], label="flat", shape=(n, size * channels))
    value = site.op(
        "Gather",
        [value, site.constant("indices", indices)],
        {"axis": 1},
        label="gathered",
        shape=(n, h * w * channels),
    )
    back = site.integers("shape", -1, h, w, channels)
    value = site.op("Reshape", [value, back], label="merged", shape=(n, h, w, channels))
    return site.op("Transpose", [value], {"perm": (0, 3, 1, 2)}, label="shifted", shape=(n, channels, h, w))


LOWERING: Lowering[Site] = Lowering("gather", _refusal, _build)
