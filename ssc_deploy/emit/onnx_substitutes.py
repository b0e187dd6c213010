"""Operators that an older opset does not have yet, by those that it has: one function an operator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Place

if TYPE_CHECKING:
    from collections.abc import Callable


class _Formula:
    """A replacement whose operators are of the node's own shape and take numbers as well as values."""

    def __init__(self, node: ir.Node) -> None:
        self.x, self._place = known.data(node), Place(node)

    def op(self, op_type: str, *operands: ir.Value | float, **attributes: Any) -> ir.Value:
        """An operator on values and numbers."""
        label = f"{op_type.lower()}_{len(self._place.nodes)}"
        values = [v if isinstance(v, ir.Value) else self._number(f"{label}_{i}", v) for i, v in enumerate(operands)]
        return self._place.op(op_type, values, attributes, label=label)

    def stand_in(self) -> None:
        """Puts the last operator's output in the place of the node's; it takes its name."""
        self._place.finish(self._place.result)

    def _number(self, label: str, number: float) -> ir.Value:
        dtype = self.x.dtype.numpy() if self.x.dtype is not None else np.float32
        return self._place.constant(label, np.array(number, dtype))


def _gelu(node: ir.Node) -> None:
    """Gives x / 2 * (1 + erf(x / sqrt(2))), or with tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)) for the erf."""
    f = _Formula(node)
    if node.attributes.get_string("approximate", "none") == "tanh":
        cube = f.op("Mul", f.op("Mul", f.op("Mul", f.x, f.x), f.x), 0.044715)
        gate = f.op("Tanh", f.op("Mul", f.op("Add", f.x, cube), math.sqrt(2 / math.pi)))
    else:
        gate = f.op("Erf", f.op("Div", f.x, math.sqrt(2)))
    f.op("Mul", f.op("Mul", f.x, f.op("Add", gate, 1.0)), 0.5)
    f.stand_in()


def _hard_swish(node: ir.Node) -> None:
    """Gives x * max(0, min(1, x / 6 + 1 / 2))."""
    f = _Formula(node)
    f.op("Mul", f.x, f.op("HardSigmoid", f.x, alpha=1 / 6, beta=0.5))
    f.stand_in()


def _mish(node: ir.Node) -> None:
    """Gives x * tanh(log(1 + e^x))."""
    f = _Formula(node)
    f.op("Mul", f.x, f.op("Tanh", f.op("Softplus", f.x)))
    f.stand_in()


def _group_normalization(node: ir.Node) -> None:
    """Gives InstanceNormalization of [N, groups, the rest] in the old shape, times scale plus bias of each channel."""
    place, groups = Place(node), g.integer(node, "num_groups", 1)
    x, output = known.data(node), node.outputs[0]
    batch = (output.shape or (1,))[0]
    channels, *size = (n for n in (output.shape or (1, 1))[1:] if isinstance(n, int))
    dtype = np.float32 if x.dtype is None else x.dtype.numpy()
    one, zero = (place.constant(name, np.full(groups, n, dtype)) for name, n in (("one", 1), ("zero", 0)))
    rows = math.prod((channels, *size)) // groups
    shapes = [(0, groups, rows), (0, channels, *size)]
    there, back = (place.integers(f"shape_{i}", *shape) for i, shape in enumerate(shapes))
    value = place.op("Reshape", [x, there], label="rows", shape=(batch, groups, rows))
    epsilon = {"epsilon": node.attributes.get_float("epsilon", 1e-5)}
    value = place.op("InstanceNormalization", [value, one, zero], epsilon, label="normal", shape=(batch, groups, rows))
    value = place.op("Reshape", [value, back], label="image")
    for op_type, parameter in zip(("Mul", "Add"), node.inputs[1:], strict=True):
        value = place.op(op_type, [value, _of_channels(place, parameter, len(size))], label=op_type.lower())
    place.finish(value)


def _columns_to_image(node: ir.Node) -> None:
    """Gives ConvTranspose in groups, each tap of which puts one number of a column in its place and adds it there."""
    place, x = Place(node), known.data(node)
    size, block = (known.constant(node.inputs[i]).tolist() for i in (1, 2))
    axes, taps = len(size), math.prod(block)
    ones = (1,) * axes
    dilations, strides = (g.ints(node, name, ones) for name in ("dilations", "strides"))
    pads = g.ints(node, "pads", (0,) * 2 * axes)
    reach = [(k - 1) * d + 1 for k, d in zip(block, dilations, strict=True)]
    padded = [n + a + b for n, a, b in zip(size, pads[:axes], pads[axes:], strict=True)]
    lines = [(n - r) // s + 1 for n, r, s in zip(padded, reach, strides, strict=True)]
    # What lies behind the last column's reach, and no column fills.
    more = [n - r - (count - 1) * s for n, r, count, s in zip(padded, reach, lines, strides, strict=True)]
    channels = known.size(x, 1) // taps
    dtype = np.float32 if x.dtype is None else x.dtype.numpy()
    kernel = np.tile(np.eye(taps, dtype=dtype).reshape(taps, 1, *block), (channels, 1, *ones))
    target = place.integers("columns/shape", 0, channels * taps, *lines)
    shape = (known.dims(x)[0], channels * taps, *lines)
    value = place.op("Reshape", [x, target], label="columns", shape=shape)
    attributes = {"pads": pads, "strides": strides, "dilations": dilations, "output_padding": more}
    attributes |= {"group": channels, "kernel_shape": block}
    place.finish(place.op("ConvTranspose", [value, place.constant("taps", kernel)], attributes, label="sums"))


def _of_channels(place: Place, parameter: ir.Value | None, axes: int) -> ir.Value:
    """A parameter [C] as [C, 1, ...], with so many axes behind the channels."""
    assert parameter is not None  # scale and bias are not optional
    array, name = g.constant(parameter), parameter.name or ""
    if array is not None:
        return place.constant(name.rpartition("/")[2], array.reshape(-1, *(1,) * axes))
    shape = place.integers(f"{name}_shape", -1, *(1,) * axes)
    return place.op(
        "Reshape", [parameter, shape], label=f"{name}_column", shape=(*known.shape(parameter), *(1,) * axes)
    )


#: By the operator that they stand in for; all exist since opset 13 or earlier.
SUBSTITUTES: dict[str, Callable[[ir.Node], None]] = {
    "Col2Im": _columns_to_image,
    "Gelu": _gelu,
    "GroupNormalization": _group_normalization,
    "HardSwish": _hard_swish,
    "Mish": _mish,
}
