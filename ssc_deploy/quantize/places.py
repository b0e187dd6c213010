"""Which values of a canonical graph are held on grids, and which of them share one.

A node computes in integers (`computes`), moves them (`moves`: all its values share one grid), or stays in float32. A
value has a grid if a node that computes in integers writes or reads it, but not between a node and the one activation
that follows it: runtimes carry both out at once.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize.grid import SIGNED_UNIT, UNIT, Grid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Operators with a kernel: sums of products.
WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})

#: Outputs on a grid that follows from the operator.
FIXED = {"Sigmoid": UNIT, "Softmax": UNIT, "Tanh": SIGNED_UNIT}

_COMPUTES = frozenset(
    {"Add", "Sub", "Mul", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "LeakyRelu", "HardSwish", *FIXED}
)
_MOVES = frozenset(
    {
        *("DepthToSpace", "Expand", "Flatten", "Gather", "GlobalMaxPool", "Identity", "MaxPool", "Pad", "Reshape"),
        *("Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)
_MOVING_ROLES = frozenset({roles.Role.SHIFT, roles.Role.STRIDED_SHIFT})


class Kind(enum.Enum):
    """What a node does with integers."""

    COMPUTES = enum.auto()
    MOVES = enum.auto()
    JOINS = enum.auto()  #: Concat: moves those of its inputs that share its output's grid
    FLOAT = enum.auto()


def kind(node: ir.Node) -> Kind:
    """What a node does with integers, whatever it is given."""
    if node.domain not in ("", "ai.onnx"):
        return Kind.FLOAT
    if roles.role(node) in _MOVING_ROLES or canonical.shift_of(node) is not None:
        return Kind.MOVES
    if node.op_type in WEIGHTED:
        weight = g.constant(node.inputs[1])
        bias = node.inputs[2] if len(node.inputs) > 2 else None
        constants = weight is not None and (bias is None or g.constant(bias) is not None)
        plain = node.op_type != "Gemm" or (
            node.attributes.get_float("alpha", 1.0) == 1.0 == node.attributes.get_float("beta", 1.0)
            and not g.integer(node, "transA", 0)
        )
        fits = weight is not None and (weight.ndim == 2 if node.op_type == "MatMul" else _has_own_scales(node))
        return Kind.COMPUTES if constants and plain and fits and g.constant(node.inputs[0]) is None else Kind.FLOAT
    if node.op_type == "Concat":
        return Kind.JOINS
    if node.op_type == "Pad":
        return Kind.MOVES if _pads_zeros(node) else Kind.FLOAT
    if node.op_type in _MOVES:
        return Kind.MOVES
    return Kind.COMPUTES if node.op_type in _COMPUTES else Kind.FLOAT


def _has_own_scales(node: ir.Node) -> bool:
    """Whether each output channel has its own scale: a grouped ConvTranspose shares them between its groups."""
    return node.op_type != "ConvTranspose" or g.integer(node, "group", 1) == 1


def _pads_zeros(node: ir.Node) -> bool:
    if node.attributes.get_string("mode", "constant") != "constant":
        return True
    value = node.inputs[2] if len(node.inputs) > 2 else None
    filling = g.constant(value)
    return value is None or (filling is not None and not np.any(filling))


@dataclass(frozen=True)
class Places:
    """Where grids are needed.

    Attributes:
        groups: names of values that share one grid, in the order of the graph.
        fixed: grids that follow from the operator, by the index of the group.
        joins: for each Concat, the group of its output and those of its inputs; they may become one.
        in_float: the nodes that stay in float32 though others around them do not, in words.
    """

    groups: tuple[tuple[str, ...], ...]
    fixed: dict[int, Grid]
    joins: tuple[tuple[int, tuple[int, ...]], ...]
    in_float: tuple[str, ...]


def places(model: ir.Model, exclude: Collection[str] = ()) -> Places:
    """Where a canonical graph needs grids.

    Args:
        model: canonical form.
        exclude: paths of blocks whose nodes stay in float32.

    Raises:
        QuantizationError: there is no such block.
    """
    check_blocks(model, exclude)
    shared = _Shared()
    wanted: set[ir.Value] = set()
    fixed: dict[ir.Value, Grid] = {}
    in_float = []
    for node in model.graph:
        data, written = list(numbers_read(node)), [value for value in node.outputs if value.dtype == ir.DataType.FLOAT]
        found = Kind.FLOAT if is_in(node, exclude) else kind(node)
        if found is Kind.MOVES and data:
            for value in [*data[1:], *written]:
                shared.join(data[0], value)
        elif found is Kind.COMPUTES:
            wanted.update(data)
            wanted.update(value for value in written if fused_into(value) is None)
            if node.op_type in FIXED:
                fixed[written[0]] = FIXED[node.op_type]
        elif found is Kind.FLOAT and data and written:
            in_float.append(roles.where(node))
    representatives = {shared.of(value) for value in wanted}
    groups: dict[ir.Value, list[str]] = {}
    for value in _values(model):
        root = shared.of(value)
        if root in representatives and value.name and fused_into(value) is None:
            groups.setdefault(root, []).append(value.name)
    index = {root: i for i, root in enumerate(groups)}
    joins = []
    for node in model.graph:
        if kind(node) is Kind.JOINS and not is_in(node, exclude):
            ends = [shared.of(value) for value in (node.outputs[0], *numbers_read(node))]
            if all(root in index for root in ends):
                joins.append((index[ends[0]], tuple(index[root] for root in ends[1:])))
    return Places(
        tuple(tuple(names) for names in groups.values()),
        {index[shared.of(value)]: grid for value, grid in fixed.items()},
        tuple(joins),
        tuple(in_float),
    )


def kernels(model: ir.Model, exclude: Collection[str] = ()) -> frozenset[str]:
    """Names of what the nodes with integer kernels write, behind the activation that follows (see `fused_into`).

    Args:
        model: canonical form.
        exclude: see `places`.
    """
    nodes = (node for node in model.graph if node.op_type in WEIGHTED and not is_in(node, exclude))
    return frozenset(known.name(written(node)) for node in nodes if kind(node) is Kind.COMPUTES)


def written(node: ir.Node) -> ir.Value:
    """What a node writes, behind the activation that is carried out with it."""
    activation = fused_into(node.outputs[0])
    return node.outputs[0] if activation is None else activation.outputs[0]


def kernel_axis(node: ir.Node) -> int:
    """The axis of the output channels in the kernel of a node of `WEIGHTED`."""
    if node.op_type == "Gemm":
        return 0 if g.integer(node, "transB", 0) else 1
    return 0 if node.op_type == "Conv" else 1


def check_blocks(model: ir.Model, exclude: Collection[str]) -> None:
    """Checks that blocks exist.

    Raises:
        QuantizationError: one does not; the sentence names some that do.
    """
    known = {roles.block(node) for node in model.graph}
    for block in exclude:
        if not any(_inside(path, block) for path in known):
            first = ", ".join(sorted({path.split(".")[0] for path in known if path})[:8])
            raise QuantizationError(f"the network has no block {block!r}; its first are {first}")


def is_in(node: ir.Node, blocks: Collection[str]) -> bool:
    """Whether a node comes from one of the blocks, or from what is inside of it."""
    return any(_inside(roles.block(node), block) for block in blocks)


def _inside(path: str, block: str) -> bool:
    return path == block or path.startswith(f"{block}.")


def numbers_read(node: ir.Node) -> Iterator[ir.Value]:
    """The float32 values that a node reads and the graph computes or is given: no constants."""
    for value in node.inputs:
        if value is not None and value.dtype == ir.DataType.FLOAT and not g.is_constant(value):
            yield value


def fused_into(value: ir.Value) -> ir.Node | None:
    """The activation that alone reads what a sum has written: both are carried out at once.

    These are the activations that cut off at bounds of a grid: Relu, and Clip from 0.
    """
    producer = value.producer()
    if producer is None or not g.used_once(value) or kind(producer) is not Kind.COMPUTES:
        return None
    if producer.op_type not in WEIGHTED | {"Add", "Sub", "Mul"}:
        return None
    (reader,) = value.consumers()
    return reader if cuts_off(reader) else None


def cuts_off(node: ir.Node) -> bool:
    """Whether a node is Relu, or Clip from 0 to a constant."""
    if node.op_type == "Relu":
        return True
    if node.op_type != "Clip" or len(node.inputs) < 2:
        return False
    low = g.constant(node.inputs[1])
    high = g.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else np.float32(np.inf)
    return low is not None and float(low) == 0.0 and high is not None and float(high) > 0


def _values(model: ir.Model) -> Iterator[ir.Value]:
    """The graph's inputs and all computed values, float32 only."""
    for value in (*model.graph.inputs, *(output for node in model.graph for output in node.outputs)):
        if value.dtype == ir.DataType.FLOAT and not value.is_initializer():
            yield value


class _Shared:
    """Values that share a grid (disjoint sets)."""

    def __init__(self) -> None:
        self._parent: dict[ir.Value, ir.Value] = {}

    def of(self, value: ir.Value) -> ir.Value:
        """The one that stands for all that share the value's grid."""
        path = []
        while (parent := self._parent.get(value, value)) is not value:
            path.append(value)
            value = parent
        for passed in path:
            self._parent[passed] = value
        return value

    def join(self, one: ir.Value, other: ir.Value) -> None:
        """Says that two share a grid."""
        self._parent[self.of(other)] = self.of(one)
