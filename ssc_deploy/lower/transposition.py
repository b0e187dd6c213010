"""Channel permutations that are a transposition of a (G, C) view, and how each target writes one.

    out[c * G + g] = in[g * C + c]

is the shuffle of G groups of C channels each: the view (G, C), transposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.site import Site


def view_of(source: tuple[int, ...], in_channels: int) -> tuple[int, int] | None:
    """(G, C) of the view whose transposition reads channel ``source[o]`` into channel o; None if there is none."""
    if len(source) != in_channels or in_channels < 2:
        return None
    # out[1] = in[C] for every transposition with G > 1, and out = in otherwise: one candidate is enough.
    columns = source[1]
    if columns < 1 or in_channels % columns:
        return None
    rows = in_channels // columns
    expected = np.arange(in_channels).reshape(rows, columns).T.reshape(-1)
    return (rows, columns) if source == tuple(expected.tolist()) else None


def transpose(site: Site, value: ir.Value, view: tuple[int, int], *, label: str) -> ir.Value:
    """Transposes the channels of ``value`` [N, G * C, H, W] seen as (G, C), in the target's own form."""
    rows, columns = view
    n, channels, h, w = known.image(value)
    if site.target is Target.ONNXRUNTIME:
        value = site.reshape(value, (0, rows, columns, h, w), f"{label}_view", label=f"{label}_split")
        value = site.transpose(value, 0, 2, 1, 3, 4, label=f"{label}_turned")
        return site.reshape(value, (0, channels, h, w), f"{label}_shape", label=label)
    # The outer transpositions are what turns NCHW into NHWC and back: in a TFLite file they vanish.
    pixels = n * h * w if isinstance(n, int) else None
    split, merged = (rows, columns), (h, w, channels)
    value = site.transpose(value, 0, 2, 3, 1, label=f"{label}_last")
    value = site.reshape(value, (-1, *split), f"{label}_view", label=f"{label}_split", shape=(pixels, *split))
    value = site.transpose(value, 0, 2, 1, label=f"{label}_turned")
    value = site.reshape(value, (-1, *merged), f"{label}_shape", label=f"{label}_merged", shape=(n, *merged))
    return site.transpose(value, 0, 3, 1, 2, label=label)
