"""Reading an image at constant places, the same for all pixels, is a convolution.

A ``GridSample`` whose grid moves each image by one displacement d, and a ``DeformConv`` whose offsets o are the same
everywhere, read beside each pixel p at whole places or between four of them:

    v[n, c, p]  =  s[n, c, p + d[n]]                             sum over q of  b(d[n] - q) * s[n, c, p + q]
    v[n, o, p]  =  sum over (i, k) of W[o, i, k] * s[n, i, a * p + k + o[i, k]]

with b(x, y) = max(0, 1 - |x|) * max(0, 1 - |y|), the weights of bilinear sampling. Where displacements are whole, b is
1 at one place: so the first is a shift (Active Shift, once its offsets are rounded), and the second, of one tap for
each channel, a shift and a pointwise convolution (CycleMLP), which `split_merged_shift` takes apart.

Left alone: what is computed from the image or differs from pixel to pixel; edges that are reflected; cubic sampling;
places further away than `_FARTHEST`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: How exact a place in float32 is, relative to the size of the image that it lies in.
_EXACT = 1e-6

#: Pixels: a kernel of more than 31 x 31 costs more than it saves.
_FARTHEST = 15

_EDGES = {"zeros": mv.Edge.ZERO, "border": mv.Edge.REPEAT}


class ConstantSampling(ir.passes.InPlacePass):
    """Makes convolutions of sampling at constant places; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            if node.op_type == "GridSample":
                modified |= _grid_sample(node)
            elif node.op_type == "DeformConv":
                modified |= _deform_conv(node)
        return ir.passes.PassResult(model, modified)


def _grid_sample(node: ir.Node) -> bool:
    shape, grid = g.shape_of(node.inputs[0]), g.constant(node.inputs[1])
    edge = _EDGES.get(node.attributes.get_string("padding_mode", "zeros"))
    mode = node.attributes.get_string("mode", "linear").removeprefix("bi")
    if shape is None or grid is None or edge is None or grid.shape != (shape[0], *shape[2:], 2):
        return False
    n, channels, *size = shape
    aligned = g.integer(node, "align_corners", 0)
    displaced = []
    for axis, length in enumerate(size):
        place = (grid[..., 1 - axis].astype(np.float64) + 1) / 2
        place = place * (length - 1) if aligned else place * length - 0.5
        lines = np.arange(length).reshape(-1, 1) if axis == 0 else np.arange(length)
        one = _everywhere((place - lines).reshape(n, -1), _EXACT * length)
        if one is None or (mode == "nearest" and (np.abs(one % 1 - 0.5) <= _EXACT * length).any()):
            return False
        displaced.append(np.rint(one) if mode == "nearest" else one)
    offsets = np.stack(displaced, 1)
    radius = _radius(offsets)
    if mode not in {"linear", "nearest"} or radius is None:
        return False
    builder, value = Builder(node), known.data(node)
    alone = bool((offsets == offsets[:1]).all())
    offsets = np.repeat(offsets[:1], channels, 0) if alone else np.repeat(offsets, channels, 0)
    if not alone:
        value = builder.reshape(value, (1, n * channels, *size))
    if (offsets == np.rint(offsets)).all():
        value = builder.shift(value, mv.shift(tuple((int(dy), int(dx)) for dy, dx in offsets), edge))
    else:
        weight = builder.constant("weight", _taps(offsets, radius)[:, None].astype(np.float32))
        pads = radius
        if edge is not mv.Edge.ZERO:
            images, maps = known.shape(value)[:2]
            widths = builder.integers("border", *(0, 0, radius, radius) * 2)
            bordered = (images, maps, *(length + 2 * radius for length in size))
            value, pads = builder.op("Pad", [value, widths], {"mode": edge.value}, shape=bordered), 0
        value = builder.conv(value, weight, group=len(offsets), pads=pads)
    builder.replace(value if alone else builder.reshape(value, shape))
    return True


def _deform_conv(node: ir.Node) -> bool:
    shape, after = g.shape_of(node.inputs[0]), g.shape_of(node.outputs[0])
    weight, offset = g.constant(node.inputs[1]), g.constant(node.inputs[2])
    mask = g.constant(node.inputs[4]) if len(node.inputs) > 4 else None
    if shape is None or after is None or weight is None or offset is None or len(shape) != 4:
        return False
    if mask is None and len(node.inputs) > 4 and node.inputs[4] is not None:
        return False
    rows, columns = weight.shape[2:]
    parts, taps = g.integer(node, "offset_group", 1), rows * columns
    strides, dilations = g.ints(node, "strides", (1, 1)), g.ints(node, "dilations", (1, 1))
    pads = g.ints(node, "pads", (0, 0, 0, 0))
    moved = _everywhere(offset.transpose(1, 0, 2, 3).reshape(parts * taps * 2, -1), _EXACT)
    scaled: Array | None = np.ones(parts * taps)
    if mask is not None:
        scaled = _everywhere(mask.transpose(1, 0, 2, 3).reshape(parts * taps, -1), _EXACT)
    if moved is None or scaled is None:
        return False
    regular = np.indices((rows, columns)).reshape(2, -1).T * dilations - np.array(pads[:2])
    places = moved.reshape(parts, taps, 2) + regular
    radius = _radius(places.reshape(-1, 2))
    if radius is None or any(
        (length - 1) // stride + 1 != out for length, stride, out in zip(shape[2:], strides, after[2:], strict=True)
    ):
        return False
    group, per_group = g.integer(node, "group", 1), weight.shape[1]
    kernel = np.zeros((*weight.shape[:2], 2 * radius + 1, 2 * radius + 1))
    spread = _taps(places.reshape(-1, 2), radius).reshape(parts, taps, *kernel.shape[2:])
    spread = spread * scaled.reshape(parts, taps, 1, 1)
    for output in range(len(weight)):
        first = output // (len(weight) // group) * per_group
        part = (first + np.arange(per_group)) // (shape[1] // parts)
        kernel[output] = np.einsum("ik,ikyx->iyx", weight[output].reshape(per_group, taps), spread[part])
    builder = Builder(node)
    attributes = {
        "group": group,
        "kernel_shape": kernel.shape[2:],
        "pads": (radius,) * 4,
        "strides": strides,
        "dilations": (1, 1),
    }
    bias = [node.inputs[3]] if len(node.inputs) > 3 and node.inputs[3] is not None else []
    constant = builder.constant("weight", kernel.astype(weight.dtype))
    builder.replace(builder.op("Conv", [known.data(node), constant, *bias], attributes))
    return True


def _everywhere(numbers: npt.NDArray[Any], noise: float) -> Array | None:
    """The number that each row holds everywhere, whole if it is but for the noise; None where it changes in a row."""
    if not np.isfinite(numbers).all():
        return None
    first = np.median(numbers.astype(np.float64), 1)
    if (np.abs(numbers - first[:, None]) > noise).any():
        return None
    whole = np.rint(first)
    return np.where(np.abs(first - whole) <= noise, whole, first)


def _radius(places: Array) -> int | None:
    """The farthest pixel, in rows or columns, that is read at these places [n, 2]; None where it is too far away."""
    farthest = int(np.ceil(np.abs(places)).max(initial=0))
    return farthest if farthest <= _FARTHEST else None


def _taps(places: Array, radius: int) -> Array:
    """The weight of each pixel [n, k, k] around one, k = 2 * radius + 1, where it is read at places [n, 2]."""
    lines = np.arange(-radius, radius + 1)
    rows, columns = (np.maximum(0, 1 - np.abs(places[:, axis, None] - lines)) for axis in range(2))
    return np.asarray(rows[:, :, None] * columns[:, None, :])
