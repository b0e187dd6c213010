"""Where each number of a tensor comes from, followed through the steps that only move numbers about.

A tensor is described by an array of its shape: 0 where it is zero, ``i + 1`` where it holds number i of the tensor that
all began with (in the order of memory), and -1 where it holds anything else. `move` makes the description of a node's
outputs from those of its inputs. So each node is looked at once, however many regions it may be a step of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Numbers = npt.NDArray[np.int32]
    Step = Callable[..., Numbers | list[Numbers] | None]

#: A tensor of more numbers than this is not described: the numbers would not fit into int32.
LARGEST = 2**31 - 2


def number(shape: tuple[int, ...]) -> Numbers:
    """The description of the tensor that all begins with."""
    return np.arange(1, int(np.prod(shape)) + 1, dtype=np.int32).reshape(shape)


def moves_data(node: ir.Node) -> bool:
    """Whether a node may be a step of a movement, going by its operator and its constants."""
    settled = roles.role(node) in {roles.Role.REARRANGEMENT, roles.Role.FRAMES, roles.Role.STRIDED_SHIFT}
    if node.domain or node.op_type not in _STEPS or settled:
        return False
    if node.op_type == "Mul":
        return any((array := g.constant(value)) is not None and np.isin(array, (0, 1)).all() for value in node.inputs)
    if node.op_type == "Conv":
        weight, bias = g.constant(node.inputs[1]), g.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        return weight is not None and mv.is_one_hot(weight) and (bias is None or not bias.any())
    return node.op_type != "Cast" or node.attributes["to"].as_int() == ir.DataType.FLOAT


def move(node: ir.Node, numbers: Mapping[ir.Value, Numbers]) -> list[Numbers] | None:
    """The descriptions of the node's outputs.

    Args:
        node: one that `moves_data`.
        numbers: the descriptions of all its inputs that are not constant.

    Returns:
        one description for each output, or None if the node does something else than move, or its shapes or
        parameters are unknown.
    """
    data_at, step = _STEPS[node.op_type]
    operands: list[Any] = []
    for at, value in enumerate(node.inputs):
        is_data = data_at is None or at in data_at
        if value is not None and is_data and value in numbers:
            operands.append(numbers[value])
            continue
        constant = g.constant(value)
        if value is not None and constant is None:
            return None
        operands.append(_content(constant) if is_data and node.op_type != "Mul" else constant)
    moved = step(node, *operands)
    if moved is None:
        return None
    outputs = moved if isinstance(moved, list) else [moved]
    shapes = [g.shape_of(output) for output in node.outputs]
    return outputs if shapes == [output.shape for output in outputs] else None


def _content(constant: npt.NDArray[Any] | None) -> Numbers | None:
    """The description of a constant: zero, or a number from elsewhere."""
    return None if constant is None else np.where(constant == 0, np.int32(0), np.int32(-1))


def _same(_: ir.Node, data: Numbers, *__: Any) -> Numbers:
    return data


def _view(node: ir.Node, data: Numbers, *_: Any) -> Numbers | None:
    shape = g.shape_of(node.outputs[0])
    return None if shape is None or np.prod(shape) != data.size else data.reshape(shape)


def _transpose(node: ir.Node, data: Numbers) -> Numbers:
    return data.transpose(g.ints(node, "perm", range(data.ndim)[::-1]))


def _expand(node: ir.Node, data: Numbers, *_: Any) -> Numbers | None:
    shape = g.shape_of(node.outputs[0])
    return None if shape is None else np.broadcast_to(data, shape)


def _tile(_: ir.Node, data: Numbers, repeats: npt.NDArray[np.int64]) -> Numbers:
    return np.tile(data, repeats)


def _concat(node: ir.Node, *pieces: Numbers) -> Numbers:
    return np.concatenate(pieces, g.integer(node, "axis", 0))


def _split(node: ir.Node, data: Numbers, *_: Any) -> list[Numbers] | None:
    axis, shapes = g.integer(node, "axis", 0), [g.shape_of(output) for output in node.outputs]
    if any(shape is None for shape in shapes):
        return None
    return np.split(data, np.cumsum([shape[axis] for shape in shapes if shape is not None])[:-1], axis)


def _slice(
    _: ir.Node,
    data: Numbers,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    axes: npt.NDArray[np.int64] | None = None,
    steps: npt.NDArray[np.int64] | None = None,
) -> Numbers:
    cut = [slice(None)] * data.ndim
    along = range(len(starts)) if axes is None else axes.tolist()
    by = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(along, starts.tolist(), ends.tolist(), by, strict=True):
        # Backwards, an end before the first number means all: -1 would mean the last one to Python.
        size = data.shape[axis]
        stop = None if step < 0 and end < -size else end
        cut[axis] = slice(start, stop, step)
    return data[tuple(cut)]


_REPEATS: tuple[Literal["edge", "reflect", "wrap"], ...] = ("edge", "reflect", "wrap")


def _pad(
    node: ir.Node,
    data: Numbers,
    pads: npt.NDArray[np.int64],
    value: Numbers | None = None,
    axes: npt.NDArray[np.int64] | None = None,
) -> Numbers | None:
    mode = node.attributes.get_string("mode", "constant")
    along = list(range(data.ndim)) if axes is None else [int(axis) % data.ndim for axis in axes]
    before, after = np.zeros(data.ndim, np.int64), np.zeros(data.ndim, np.int64)
    before[along], after[along] = pads[: len(along)], pads[len(along) :]
    # A negative margin cuts off.
    sizes = zip(data.shape, before, after, strict=True)
    data = data[tuple(slice(max(0, -b), size - max(0, -a)) for size, b, a in sizes)]
    margins = np.maximum(np.stack([before, after], 1), 0)
    if mode == "constant":
        fill = 0 if value is None else int(value.reshape(-1)[0])
        return np.pad(data, margins, constant_values=fill)
    for known in _REPEATS:
        if mode == known:
            return np.pad(data, margins, known)
    return None


def _gather(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64]) -> Numbers:
    return np.take(data, indices, g.integer(node, "axis", 0))


def _elements(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    axis = g.integer(node, "axis", 0)
    places: list[npt.NDArray[np.int64]] = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    return tuple(places)


def _gather_elements(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64]) -> Numbers:
    return data[_elements(node, data, indices)]


def _gather_nd(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64]) -> Numbers:
    batch = g.integer(node, "batch_dims", 0)
    places = np.indices(indices.shape[:batch] + (1,) * (indices.ndim - 1 - batch), sparse=True)[:batch]
    return np.asarray(data[(*places, *np.moveaxis(indices, -1, 0))])


def _scatter_elements(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64], updates: Numbers) -> Numbers | None:
    return _scattered(node, data, _elements(node, data, indices), updates)


def _scatter_nd(node: ir.Node, data: Numbers, indices: npt.NDArray[np.int64], updates: Numbers) -> Numbers | None:
    return _scattered(node, data, tuple(np.moveaxis(indices, -1, 0)), updates)


def _scattered(node: ir.Node, data: Numbers, places: tuple[Any, ...], updates: Numbers) -> Numbers | None:
    if node.attributes.get_string("reduction", "none") != "none":
        return None
    data = data.copy()
    data[places] = updates
    return data


def _where(_: ir.Node, condition: npt.NDArray[np.bool_], yes: Numbers, no: Numbers) -> Numbers:
    return np.where(condition, yes, no)


def _mask(node: ir.Node, first: Any, second: Any) -> Numbers:
    """A product with zeros and ones; the data stands on either side."""
    data, mask = (second, first) if g.is_constant(node.inputs[0]) else (first, second)
    return np.where(mask == 1, data, np.int32(0))


def _conv(
    node: ir.Node, data: Numbers, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32] | None = None
) -> Numbers | None:
    """A convolution that reads one number for each number that it makes; a line is an image of one row."""
    axes = weight.ndim - 2
    if axes not in {1, 2} or data.ndim != weight.ndim or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return None
    pads, ones = g.ints(node, "pads", (0,) * 2 * axes), (1,) * axes
    strides, dilations = (g.ints(node, name, ones) for name in ("strides", "dilations"))
    if axes == 1:
        data, weight = data[:, :, None], weight[:, :, None]
        pads, strides, dilations = (0, pads[0], 0, pads[1]), (1, *strides), (1, *dilations)
    group, (outputs, inputs, rows, columns) = g.integer(node, "group", 1), weight.shape
    top, left, bottom, right = pads
    (down, across), (dy, dx) = strides, dilations
    padded = np.pad(data, ((0, 0), (0, 0), (top, bottom), (left, right)))
    height = (padded.shape[2] - dy * (rows - 1) - 1) // down + 1
    width = (padded.shape[3] - dx * (columns - 1) - 1) // across + 1
    out = np.zeros((len(data), outputs, height, width), np.int32)
    tap = weight.reshape(outputs, -1).argmax(1)
    source = np.arange(outputs) // (outputs // group) * inputs + tap // (rows * columns)
    for place in np.unique(tap % (rows * columns)):
        to = np.flatnonzero(tap % (rows * columns) == place)
        y, x = dy * (int(place) // columns), dx * (int(place) % columns)
        seen = padded[:, source[to], y : y + down * height : down, x : x + across * width : across]
        out[:, to] = seen[:, :, :height, :width]
    return out if axes == 2 else out[:, :, 0]


def _depth_to_space(node: ir.Node, data: Numbers) -> Numbers:
    (n, c, h, w), b = data.shape, g.integer(node, "blocksize", 1)
    if node.attributes.get_string("mode", "DCR") == "DCR":
        blocks = data.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        blocks = data.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, c // b**2, h * b, w * b)


def _space_to_depth(node: ir.Node, data: Numbers) -> Numbers:
    (n, c, h, w), b = data.shape, g.integer(node, "blocksize", 1)
    return data.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)


#: By operator, which inputs are data (None: all), the others being parameters; and what becomes of the data.
_STEPS: dict[str, tuple[frozenset[int] | None, Step]] = {
    "Cast": (frozenset({0}), _same),
    "CastLike": (frozenset({0}), _same),
    "Concat": (None, _concat),
    "Conv": (frozenset({0}), _conv),
    "DepthToSpace": (frozenset({0}), _depth_to_space),
    "Expand": (frozenset({0}), _expand),
    "Flatten": (frozenset({0}), _view),
    "Gather": (frozenset({0}), _gather),
    "GatherElements": (frozenset({0}), _gather_elements),
    "GatherND": (frozenset({0}), _gather_nd),
    "Identity": (frozenset({0}), _same),
    "Mul": (None, _mask),
    "Pad": (frozenset({0, 2}), _pad),
    "Reshape": (frozenset({0}), _view),
    "ScatterElements": (frozenset({0, 2}), _scatter_elements),
    "ScatterND": (frozenset({0, 2}), _scatter_nd),
    "Slice": (frozenset({0}), _slice),
    "SpaceToDepth": (frozenset({0}), _space_to_depth),
    "Split": (frozenset({0}), _split),
    "Squeeze": (frozenset({0}), _view),
    "Tile": (frozenset({0}), _tile),
    "Transpose": (frozenset({0}), _transpose),
    "Unsqueeze": (frozenset({0}), _view),
    "Where": (frozenset({1, 2}), _where),
}
