"""How a tensor holds an image: channels before or after the pixels, in any number of axes.

    [1, C, H, W]  [1, G, C / G, H, W]  [1, C, H * W]       channels first
    [1, H, W, C]  [1, H, W, G, C / G]  [1, H * W, C]       channels last

There may be several images, one behind the other in the first axis. Only the first of the layouts is canonical. The
others become it, and are made from it, by a Reshape and a Transpose that move nothing in memory but whole pixels.
"""

from __future__ import annotations

import enum
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.batch_rules import ELEMENTWISE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.ir.builder import Builder


@dataclass(frozen=True)
class Layout:
    """A tensor of ``shape`` that is an image of ``size`` (height, width)."""

    shape: tuple[int, ...]
    size: tuple[int, int]
    channels_last: bool

    @property
    def kind(self) -> Channels:
        """Where its channels are."""
        return Channels.LAST if self.channels_last else Channels.FIRST

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return math.prod(self.shape[1:]) // math.prod(self.size)

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """[N, C, H, W]."""
        return (self.shape[0], self.channels, *self.size)

    @property
    def is_canonical(self) -> bool:
        """Whether the tensor is [N, C, H, W] as it is."""
        return not self.channels_last and self.shape == self.image_shape

    def image(self, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The image [C, H, W] that a tensor in this layout holds, the first of several."""
        tensor = tensor[0]
        if self.channels_last:
            return tensor.reshape(*self.size, self.channels).transpose(2, 0, 1)
        return tensor.reshape(self.channels, *self.size)

    def place(self, numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Where in the memory of [1, C, H, W] the numbers at these places of the first image's memory are."""
        if not self.channels_last:
            return numbers
        pixel, channel = np.divmod(numbers, np.int32(self.channels))
        return np.asarray(channel * np.int32(math.prod(self.size)) + pixel)

    def to_image(self, builder: Builder, value: ir.Value) -> ir.Value:
        """Adds what makes [N, C, H, W] of a value in this layout; nothing where it is that."""
        steps = [((self.shape[0], *self.size, self.channels), None), (self.image_shape, (0, 3, 1, 2))]
        return _view(builder, value, steps if self.channels_last else [(self.image_shape, None)])

    def from_image(self, builder: Builder, value: ir.Value) -> ir.Value:
        """Adds what makes a value in this layout of [N, C, H, W]."""
        steps = [((self.shape[0], *self.size, self.channels), (0, 2, 3, 1))] if self.channels_last else []
        return _view(builder, value, [*steps, (self.shape, None)])


def layouts(shape: tuple[int, ...], sizes: Iterable[tuple[int, int]], known: Channels | None) -> Iterator[Layout]:
    """The layouts that a tensor of this shape may have, channels first before channels last.

    Args:
        shape: of the tensor.
        sizes: (height, width) of images that it may be, beside those that its own shape tells.
        known: where its channels are.
    """
    if len(shape) < 3:
        return
    for channels in Channels if known is None else (known,):
        last = channels is Channels.LAST
        pixels, own = shape[1] if last else shape[-1], shape[1:3] if last else shape[-2:]
        for height, width in dict.fromkeys(itertools.chain([own] if len(shape) > 3 else [], sizes)):
            if (len(shape) > 3 and own == (height, width)) or pixels == height * width:
                yield Layout(shape, (height, width), last)


def known_channels(graph: ir.Graph) -> dict[ir.Value, Channels]:
    """Where the channels of images in four axes are, as far as the operators before them tell."""
    found = {value: Channels.FIRST for value in graph.inputs if _rank(value) == 4}
    for node in graph:
        inputs = [found[value] for value in node.inputs if value in found]
        for output in node.outputs:
            if _rank(output) != 4:
                continue
            if node.op_type in _CHANNELS_FIRST:
                found[output] = Channels.FIRST
            elif node.op_type == "Transpose":
                turned = _TURNED.get(g.ints(node, "perm", ()))
                if inputs and turned is not None and inputs[0] is not turned:
                    found[output] = turned
            elif inputs and node.op_type not in _REARRANGE:
                found[output] = inputs[0]
            elif inputs == [Channels.LAST] and node.op_type == "MatMul" and node.inputs[0] in found:
                found[output] = Channels.LAST
    return found


def channels_of_line(value: ir.Value) -> Channels | None:
    """Where a tensor of rank 3 has its channels, as far as the operators that compute it tell."""
    for _ in range(_FAR):
        node = value.producer()
        if node is None:
            return None
        if node.op_type in _CHANNELS_FIRST:
            return Channels.FIRST
        if node.op_type == "MatMul" and len(g.shape_of(node.inputs[1]) or ()) == 2:
            return Channels.LAST
        alike = [v for v in node.inputs if v is not None and g.shape_of(v) == g.shape_of(value)]
        if node.op_type not in ELEMENTWISE or not alike:
            return None
        value = alike[0]
    return None


class Channels(enum.Enum):
    """Where an image has its channels."""

    FIRST = "first"  #: before the pixels
    LAST = "last"  #: behind them


#: Through so many operators `channels_of_line` looks back.
_FAR = 16

_TURNED: dict[tuple[int, ...], Channels] = {(0, 2, 3, 1): Channels.LAST, (0, 3, 1, 2): Channels.FIRST}

#: Operators whose output has its channels first by what ONNX says of them.
_CHANNELS_FIRST = frozenset(
    [
        "AveragePool",
        "BatchNormalization",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "GroupNormalization",
        "InstanceNormalization",
        "MaxPool",
        "SpaceToDepth",
    ]
)

#: Operators whose output may have the axes of their input in another order, or others.
_REARRANGE = frozenset(
    ["Einsum", "Expand", "Flatten", "Gather", "GatherND", "MatMul", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]
)


def _rank(value: ir.Value) -> int | None:
    shape = g.shape_of(value)
    return None if shape is None else len(shape)


def _view(
    builder: Builder, value: ir.Value, steps: Iterable[tuple[tuple[int, ...], tuple[int, ...] | None]]
) -> ir.Value:
    """A Transpose where there is an order of axes, a Reshape where there is none and the shape is another."""
    for shape, perm in steps:
        if perm is not None:
            value = builder.transpose(value, *perm)
        elif g.shape_of(value) != shape:
            value = builder.reshape(value, shape, "view")
    return value
