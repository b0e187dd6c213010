"""Sampling an image where the places do not depend on it, and are those of the output displaced as a whole.

    GridSample    y[c, i] = x[c, i + d]                                             one d for each image
    DeformConv    y[o, i] = sum over c, k of W[o, c, k] x[c, s i + place(k) + d[c, k]]    one d for each channel, tap

Between pixels both interpolate: x[i + d] = sum over the four pixels around of their shares. So either is a convolution
whose kernel holds the shares, and with whole displacements each channel has one tap in it: a shift, as Active Shift
and CycleMLP write it. What has other places from pixel to pixel stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = npt.NDArray[np.float64]

#: Displacements that differ by no more are one: places are float32 numbers between -1 and 1, times half the image.
_ALIKE = 1e-4

#: So near to a whole number a displacement is one.
_WHOLE = 1e-5

#: Larger kernels bring no gain.
_REACH = 16


class ConstantSampling(ir.passes.InPlacePass):
    """Rewrites GridSample and DeformConv by constants; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        rules = {"GridSample": _grid_sample, "DeformConv": _deform_conv}
        modified = False
        for node in list(model.graph):
            rule = rules.get(node.op_type)
            modified |= rule is not None and rule(node)
        return ir.passes.PassResult(model, modified)


def _grid_sample(node: ir.Node) -> bool:
    shape, grid = g.shape_of(node.inputs[0]), g.constant(node.inputs[1])
    if shape is None or len(shape) != 4 or grid is None or grid.shape[1:3] != shape[2:]:
        return False
    mode = node.attributes.get_string("mode", "linear")
    if mode not in {"linear", "bilinear", "nearest"} or node.attributes.get_string("padding_mode", "zeros") != "zeros":
        return False
    places = grid[..., ::-1].astype(np.float64)
    sizes = np.array(shape[2:])
    aligned = g.integer(node, "align_corners", 0)
    places = (places + 1) / 2 * (sizes - 1) if aligned else ((places + 1) * sizes - 1) / 2
    own = np.stack(np.meshgrid(*(np.arange(size) for size in shape[2:]), indexing="ij"), axis=-1)
    displaced = _alike(places - own, axes=(1, 2))
    if displaced is None or len(displaced) != shape[0]:
        return False
    displaced = np.rint(displaced) if mode == "nearest" else displaced
    channels = np.repeat(displaced, shape[1], axis=0)
    taps = _Taps(channels[:, None])
    if taps.reach > _REACH:
        return False
    n, c, *size = shape
    builder = Builder(node)
    data = known.data(node)
    rows = data if n == 1 else builder.reshape(data, (1, n * c, *size), "as_channels")
    weight = builder.constant("shares", taps.kernel(np.ones((n * c, 1, 1)), 1, n * c))
    result = builder.conv(rows, weight, group=n * c, pads=taps.reach)
    builder.replace(result if n == 1 else builder.reshape(result, shape, "as_images"))
    return True


def _deform_conv(node: ir.Node) -> bool:
    shape, out = g.shape_of(node.inputs[0]), g.shape_of(node.outputs[0])
    weight, offset = g.constant(node.inputs[1]), g.constant(node.inputs[2])
    mask = node.inputs[4] if len(node.inputs) > 4 else None
    if shape is None or out is None or len(shape) != 4 or weight is None or offset is None:
        return False
    factors = None if mask is None else g.constant(mask)
    if mask is not None and (factors is None or (factors != factors.reshape(-1)[0]).any()):
        return False
    taps = weight.shape[2] * weight.shape[3]
    offset_groups, group = g.integer(node, "offset_group", 1), g.integer(node, "group", 1)
    moved = _alike(offset.astype(np.float64), axes=(0, 2, 3))
    strides, dilations = g.ints(node, "strides", (1, 1)), g.ints(node, "dilations", (1, 1))
    pads = g.ints(node, "pads", (0, 0, 0, 0))
    if moved is None:
        return False
    places = np.stack(np.meshgrid(*(np.arange(k) for k in weight.shape[2:]), indexing="ij"), axis=-1).reshape(taps, 2)
    places = places * dilations - pads[:2]
    displaced = places + moved.reshape(offset_groups, taps, 2)
    channels = np.repeat(displaced, shape[1] // offset_groups, axis=0)
    kernel_taps = _Taps(channels)
    reach = kernel_taps.reach
    # How far the window of the last output line goes beyond the image.
    after = [(o - 1) * s + reach + 1 - n for o, s, n in zip(out[2:], strides, shape[2:], strict=True)]
    if reach > _REACH or min(after) < 0:
        return False
    factor = 1.0 if factors is None else float(factors.reshape(-1)[0])
    full = weight.reshape(*weight.shape[:2], taps).astype(np.float64) * factor
    kernel = kernel_taps.kernel(full, shape[1] // group, group)
    builder = Builder(node)
    inputs = [known.data(node), builder.constant("weight", kernel), *node.inputs[3:4]]
    attributes: Mapping[str, object] = {
        "group": group,
        "kernel_shape": kernel.shape[2:],
        "pads": (reach, reach, *after),
        "strides": strides,
        "dilations": (1, 1),
    }
    builder.replace(builder.op("Conv", inputs, attributes))
    return True


def _alike(values: Array, axes: tuple[int, ...]) -> Array | None:
    """What is the same along axes, without them, whole where it nearly is; None where it is not the same."""
    lowest, highest = values.min(axis=axes), values.max(axis=axes)
    if (highest - lowest > _ALIKE).any():
        return None
    middle = np.asarray(values.mean(axis=axes))
    return np.where(np.abs(middle - np.rint(middle)) < _WHOLE, np.rint(middle), middle)


@dataclass(frozen=True)
class _Taps:
    """Where each channel is read.

    Attributes:
        places: [channels, taps, 2], lines and columns from the output's own place; fractions are interpolated.
    """

    places: Array

    @property
    def reach(self) -> int:
        """Of the smallest kernel around the own place that holds them all."""
        return int(max(np.abs(np.floor(self.places)).max(), np.abs(np.ceil(self.places)).max(), 0))

    def kernel(self, weights: Array, per_group: int, groups: int = 1) -> npt.NDArray[np.float32]:
        """The kernel of a convolution [outputs, inputs of a group, k, k] with k = 2 * reach + 1.

        Args:
            weights: [outputs, inputs of a group, taps].
            per_group: inputs of a group.
            groups: of the convolution.
        """
        size = 2 * self.reach + 1
        kernel = np.zeros((*weights.shape[:2], size, size))
        outputs = len(weights) // groups
        for channel, taps in enumerate(self.places):
            group, inside = divmod(channel, per_group)
            rows = slice(group * outputs, (group + 1) * outputs)
            for tap, place in enumerate(taps):
                first = np.floor(place).astype(int)
                share = place - first
                for dy, dx in np.ndindex(2, 2):
                    part = abs(1 - dy - share[0]) * abs(1 - dx - share[1])
                    if part:
                        at = first + self.reach + np.array((dy, dx))
                        kernel[rows, inside, at[0], at[1]] += part * weights[rows, inside, tap]
        return kernel.astype(np.float32)
