"""Which channels of a graph can be multiplied by a factor that the kernels around them undo.

With a factor f > 0 for each channel of each value, a node lets the factors through if it is positively homogeneous:

    node(f x) = f node(x)

Then its inputs and outputs have to have the same factor in each channel: they are one class. Movements, pools, sums
of values, Relu, LeakyRelu and PRelu are such nodes. A kernel takes any factor out of what it reads, and puts any into
what it writes, so that it ends a class on both sides. All other nodes (Sigmoid, a Clip at 6, a product) fix the factor
of what they read and write to 1, and so do the graph's inputs and outputs. A value that several nodes read is in one
class with all of them: it has a factor only if all of them can take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.quantize import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    Indices = npt.NDArray[np.int64]

#: Nodes that leave each channel where it is, and let its factor through.
_KEEPS = frozenset(
    {
        *("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Identity", "LeakyRelu", "MaxPool", "PRelu", "Relu"),
        *("Add", "Max", "Min", "Sub"),
    }
)

#: Nodes that write numbers in other places; which, is found out by running them on the numbers of the channels.
_REARRANGES = frozenset(
    {
        *("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Pad", "Reshape", "Slice", "SpaceToDepth"),
        *("Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)

#: Stands for a zero, which any factor leaves as it is.
_ZERO = -1


@dataclass(frozen=True)
class Kernel:
    """A kernel of any operator, as the factors of what it reads and writes see it.

    Attributes:
        node: of `places.WEIGHTED`.
        groups: of channels.
        reads: class of each channel that it reads.
        writes: class of each channel that it writes.
    """

    node: ir.Node
    groups: int
    reads: Indices
    writes: Indices

    def grouped(self, weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The numbers as [groups, written channels of a group, read channels of a group, taps]."""
        if places.kernel_axis(self.node) == 1:
            weight = weight.swapaxes(0, 1)
        found: npt.NDArray[Any] = weight.reshape(self.groups, len(weight) // self.groups, weight.shape[1], -1)
        return found

    def scaled(self, weight: npt.NDArray[Any], read: npt.NDArray[Any], written: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The kernel with each read channel multiplied by one number, and each written channel by another."""
        swapped = places.kernel_axis(self.node) == 1
        shape = weight.swapaxes(0, 1).shape if swapped else weight.shape
        made: npt.NDArray[Any] = (
            self.grouped(weight) * read.reshape(self.groups, 1, -1, 1) * written.reshape(self.groups, -1, 1, 1)
        )
        made = made.reshape(shape)
        return made.swapaxes(0, 1) if swapped else made


@dataclass(frozen=True)
class Classes:
    """Channels that share a factor.

    Attributes:
        kernels: in the order of the graph.
        free: bool [classes]: whether a class may have any factor.
    """

    kernels: tuple[Kernel, ...]
    free: npt.NDArray[np.bool_]


def classes(model: ir.Model) -> Classes:
    """The classes of a canonical graph."""
    found = _Found(model)
    for node in model.graph:
        found.follow(node)
    return found.classes()


class _Found:
    """Channels, numbered through all values, and which of them share a factor (disjoint sets)."""

    def __init__(self, model: ir.Model) -> None:
        self._first: dict[ir.Value, int] = {}
        self._parent: list[int] = []
        self._fixed: list[Indices] = []
        self._kernels: list[tuple[ir.Node, int, Indices, Indices]] = []
        for value in (*model.graph.inputs, *model.graph.outputs):
            self._fix(value)

    def follow(self, node: ir.Node) -> None:
        """Says what a node does with factors."""
        read = [value for value in node.inputs if value is not None and not g.is_constant(value)]
        if any(value.dtype != ir.DataType.FLOAT for value in (*read, *node.outputs)) or not self._through(node, read):
            for value in (*read, *node.outputs):
                self._fix(value)

    def classes(self) -> Classes:
        """What was found."""
        roots = np.array([self._root(at) for at in range(len(self._parent))], np.int64)
        _, index = np.unique(roots, return_inverse=True)
        free = np.ones(index.max(initial=-1) + 1, np.bool_)
        for channels in self._fixed:
            free[index[channels]] = False
        kernels = (Kernel(node, groups, index[read], index[written]) for node, groups, read, written in self._kernels)
        return Classes(tuple(kernels), free)

    def _through(self, node: ir.Node, read: Sequence[ir.Value]) -> bool:
        """Lets factors through a node; False if they cannot."""
        if not read or node.domain not in ("", "ai.onnx") or any(g.shape_of(v) is None for v in (*read, *node.outputs)):
            return False
        moves = places.kind(node) is places.Kind.MOVES
        if node.op_type in places.WEIGHTED and not moves:
            return self._kernel(node)
        if node.op_type in _REARRANGES:
            return self._rearranged(node)
        if not (node.op_type in _KEEPS or (moves and node.op_type == "Conv")) or len(node.outputs) != 1:
            return False
        slope = node.op_type == "PRelu"
        constants = [v for v in node.inputs[: 1 if slope else None] if v is not None and g.is_constant(v)]
        if constants and node.op_type != "Conv":
            return False
        if slope and len(read) > 1:  # the slope is computed: what is written would have the product of two factors
            return False
        written, channels = known.shape(node.outputs[0]), self._channels(node.outputs[0])
        for value in read:
            shape = known.shape(value)
            if len(shape) != len(written) or len(shape) < 2 or shape[1] != written[1]:
                return False
        for value in read:
            self._join(channels, self._channels(value))
        return True

    def _kernel(self, node: ir.Node) -> bool:
        """A kernel ends a class on both sides."""
        is_matrix = node.op_type in {"Gemm", "MatMul"}
        data, written = known.data(node), node.outputs[0]
        if places.kind(node) is not places.Kind.COMPUTES or (is_matrix and len(known.shape(data)) != 2):
            return False
        bias = g.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        if bias is not None and bias.size != known.shape(written)[1]:
            return False
        groups = 1 if is_matrix else g.integer(node, "group", 1)
        self._kernels.append((node, groups, self._channels(data), self._channels(written)))
        return True

    def _rearranged(self, node: ir.Node) -> bool:
        """Runs a node on the numbers of the channels that it reads."""
        given: dict[str, npt.NDArray[Any]] = {}
        for value in node.inputs:
            if value is not None:
                labels = self._labels(value)
                if labels is None:
                    return False
                given[known.name(value)] = labels
        proto = ir.serde.serialize_node(node)
        if node.op_type == "Pad" and (len(node.inputs) < 3 or node.inputs[2] is None):
            proto.input[:] = [*proto.input[:2], "zero", *proto.input[3:]]
            given["zero"] = np.array(_ZERO, np.float64)
        ran = ReferenceEvaluator(proto).run(None, given)
        for value, labels in zip(node.outputs, ran, strict=True):
            if labels.ndim < 2:
                return False
            by_channel = labels.astype(np.int64).swapaxes(0, 1).reshape(labels.shape[1], -1)
            for channel, row in zip(self._channels(value).tolist(), by_channel, strict=True):
                one = int(row[0])
                seen = [one] if (row == one).all() else np.unique(row).tolist()
                for other in seen:
                    if other != _ZERO:
                        self._unite(channel, other)
        return True

    def _labels(self, value: ir.Value) -> npt.NDArray[Any] | None:
        """What a node is given in the place of a value; None if that cannot have factors."""
        constant, shape = g.constant(value), g.shape_of(value) or ()
        if constant is None:
            labels = self._channels(value).reshape(1, -1, *[1] * max(len(shape) - 2, 0))
            return np.broadcast_to(labels, shape).astype(np.float64) if len(shape) > 1 else None
        if constant.dtype.kind != "f":
            return constant
        return None if constant.any() else np.full(constant.shape, _ZERO, np.float64)

    def _channels(self, value: ir.Value) -> Indices:
        """The numbers of a value's channels."""
        shape = g.shape_of(value)
        count = shape[1] if shape is not None and len(shape) > 1 else 1
        if value not in self._first:
            self._first[value] = len(self._parent)
            self._parent.extend(range(len(self._parent), len(self._parent) + count))
        return self._first[value] + np.arange(count)

    def _fix(self, value: ir.Value) -> None:
        self._fixed.append(self._channels(value))

    def _join(self, some: Indices, others: Indices) -> None:
        for one, other in zip(some.tolist(), others.tolist(), strict=True):
            self._unite(one, other)

    def _unite(self, one: int, other: int) -> None:
        self._parent[self._root(other)] = self._root(one)

    def _root(self, at: int) -> int:
        while self._parent[at] != at:
            self._parent[at] = self._parent[self._parent[at]]
            at = self._parent[at]
        return at
