"""Shift as a rotation of each channel's flat plane, once the pixels that fall out of the feature map are zero.

    f[c]                = dy[c] * W + dx[c]                                           the offset in the flat plane
    keep[c, y, x]       = [0 <= y - dy[c] < H] * [0 <= x - dx[c] < W]                 pixels that an output reads
    out.flat[c, s]      = (keep * in).flat[c, (s + f[c]) mod (H * W)]

Of the H * W outputs of a channel, those that read inside the feature map read ``keep``; every other reads a pixel that
``keep`` leaves out, whether it wraps to the next row or from the plane's end to its beginning: so it is zero. A run of
channels that move alike is one plane. A rotation is a Split and a Concat in another order, along the last axis of the
view (N, C / P, P * H * W), P being the period of the offsets: nothing is computed, and nothing depends on the batch.

The mask costs nothing where a ReLU feeds the shift from a convolution (z = convolution, bias included):

    keep * max(z, 0)    = max(z + Z, 0),      Z = 0 where keep is 1, else the lowest float32

is exact for every finite z, and ONNX Runtime runs Conv, Add and ReLU as one FusedConv, if the batch is fixed. Z is
written as the minimum of its rows and its columns, C * (H + W) numbers instead of C * H * W, which the runtime
multiplies out when it loads the file. Anywhere else the mask is a ``Where``.

Refused: feature maps that are stored NHWC, where a channel has no flat plane; edges that wrap around or repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.movement import Edge
from ssc_deploy.lower.channels import period, runs
from ssc_deploy.lower.registry import Lowering
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.lower.channels import Offset
    from ssc_deploy.lower.site import Site

_LOWEST = np.finfo(np.float32).min


def _refusal(site: Site) -> str | None:
    if site.target is Target.LITERT:
        return "its feature maps are stored channels last, where a channel has no flat plane; use depthwise or auto"
    if site.movement.edge is not Edge.ZERO:
        return "what falls out of its feature map does not become zero; use slice or auto"
    return None


def _build(site: Site) -> ir.Value:
    channels, h, w, n = site.movement.in_channels, site.height, site.width, site.batch
    offsets = _offsets(site)
    p = period(offsets)
    lengths, order = rotation(offsets[:p], h, w)
    masked = _masked(site, offsets)
    if len(lengths) == 1:
        return site.op("Identity", [masked], label="shifted", shape=(n, channels, h, w))
    value = site.reshape(masked, (0, channels // p, p * h * w), "view", label="flat")
    sizes = site.integers("sizes", *lengths)
    shapes = [(n, channels // p, length) for length in lengths]
    cut = site.ops("Split", [value, sizes], {"axis": 2}, label="piece", shapes=shapes)
    value = site.concat([cut[i] for i in order], 2, label="rotated")
    return site.reshape(value, (0, channels, h, w), label="shifted")


def folds(site: Site) -> bool:
    """Whether the mask goes into the convolution before the shift, where it costs next to nothing."""
    return _rectified(site) is not None


def pieces(site: Site) -> int:
    """How many pieces the planes of one period are cut into."""
    offsets = _offsets(site)
    return len(rotation(offsets[: period(offsets)], site.height, site.width)[0])


def rotation(offsets: Sequence[Offset], height: int, width: int) -> tuple[list[int], list[int]]:
    """How flat planes in a row are rotated, each by its own offset.

    Returns:
        the lengths of the pieces that they are cut into, and which piece stands at each place afterwards.
    """
    lengths: list[int] = []
    order: list[int] = []
    for first, last in runs(offsets):
        size, (dy, dx) = (last - first) * height * width, offsets[first]
        start = (dy * width + dx) % size
        planes = [start, size - start] if start else [size]
        order += [len(lengths) + i for i in reversed(range(len(planes)))]
        lengths += planes
    return lengths, order


def kept(offsets: Sequence[Offset], height: int, width: int) -> tuple[npt.NDArray[np.bool], npt.NDArray[np.bool]]:
    """The rows [C, H, 1] and the columns [C, 1, W] of each channel that an output reads; a pixel needs both."""
    dy, dx = np.array(offsets).T[:, :, None]
    rows, columns = np.arange(height) - dy, np.arange(width) - dx
    return ((rows >= 0) & (rows < height))[:, :, None], ((columns >= 0) & (columns < width))[:, None, :]


def _offsets(site: Site) -> list[Offset]:
    """A displacement by the feature map's whole size or more shows nothing but zeros, and so does one by that size."""
    h, w = site.height, site.width
    return [(min(max(dy, -h), h), min(max(dx, -w), w)) for dy, dx in site.movement.offsets]


def _masked(site: Site, offsets: Sequence[Offset]) -> ir.Value:
    """The feature map with zeros in place of all that no output reads."""
    channels, h, w, n = len(offsets), site.height, site.width, site.batch
    rows, columns = kept(offsets, h, w)
    if rows.all() and columns.all():
        return site.input
    shape = (n, channels, h, w)
    conv = _rectified(site)
    if conv is None:
        keep = site.constant("keep", (rows & columns)[None])
        zero = site.constant("zero", np.zeros((), np.float32))
        return site.op("Where", [keep, site.input, zero], label="masked", shape=shape)
    if len(conv.inputs) < 3 or conv.inputs[2] is None:
        # Without a bias ONNX Runtime does not fuse.
        conv.resize_inputs(3)
        conv.replace_input_with(2, site.constant("no_bias", np.zeros(channels, np.float32)))
    # The Add is fused only where its sides have one shape, which a dynamic batch cannot give.
    images = n if isinstance(n, int) else 1
    low_rows = np.tile(np.where(rows, np.float32(0), _LOWEST)[None], (images, 1, 1, 1))
    low_columns = np.where(columns, np.float32(0), _LOWEST)[None]
    sides = [site.constant("low_rows", low_rows), site.constant("low_columns", low_columns)]
    low = site.op("Min", sides, label="low", shape=(images, channels, h, w))
    value = site.op("Add", [conv.outputs[0], low], label="lowered", shape=shape)
    return site.op("Relu", [value], label="masked", shape=shape, like=site.input.producer())


def _rectified(site: Site) -> ir.Node | None:
    """The convolution whose output a ReLU makes the site's feature map of, where nothing else reads either."""
    relu = site.input.producer()
    if relu is None or relu.op_type != "Relu" or not g.used_once(site.input):
        return None
    linear = relu.inputs[0]
    conv = None if linear is None else linear.producer()
    if linear is None or conv is None or conv.op_type != "Conv" or not g.used_once(linear):
        return None
    return conv


LOWERING: Lowering[Site] = Lowering("flat", _refusal, _build)
