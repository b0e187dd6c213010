"""How many rows and columns of zeros a feature map needs around its planes, and from that the pitch of its rows.

A shift, or a window over pixels, then reads beyond the edge without a test. Maps of one size have one pitch, so that a
step goes through the pixels of all of them as through one row.

Where a shift alone reads a map, a convolution computes it, and nothing else of its size has a margin, its rows follow
one another without one. What a plane's shift reads beyond the left or right edge is then a column of the next row that
the same shift reads nowhere else; the convolution stores zeros there. Zeros are left above and below the planes alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g

if TYPE_CHECKING:
    import onnx_ir as ir

#: Operators whose planes are those of what they read, so that the margin has to be there already.
_PASSED = frozenset({"Gather", "Concat", "Split", "Slice", "Identity"})


class Margins:
    """The margins of all feature maps of a graph.

    Args:
        model: shapes are static.
    """

    def __init__(self, model: ir.Model) -> None:
        self._of: dict[ir.Value, int] = {}
        self._displaced: dict[ir.Value, list[tuple[int, int]]] = {}
        self._widest: dict[tuple[int, ...], int] = {}
        for node in reversed(list(model.graph)):
            if node.op_type == "Conv" or averages_by_weights(node):
                self._need(node.inputs[0], reach(node))
            elif node.op_type in _PASSED:
                needed = max((self._of.get(value, 0) for value in node.outputs), default=0)
                for value in node.inputs:
                    self._need(value, needed)
        alone = {value: shift for value in self._of if (shift := _only_shift(value)) is not None}
        for value, margin in self._of.items():
            size = known.shape(value)[2:]
            if value not in alone and value not in model.graph.inputs:  # an input is copied in any case
                self._widest[size] = max(self._widest.get(size, 0), margin)
        for value, shift in alone.items():
            size = known.shape(value)[2:]
            if self._widest.get(size, 0) == 0:
                self._displaced[value] = displacements(shift)
                del self._of[value]
        for value in alone.keys() & self._of.keys():
            size = known.shape(value)[2:]
            self._widest[size] = max(self._widest[size], self._of[value])

    def of(self, value: ir.Value) -> int:
        """Of a value."""
        return self._of.get(value, 0)

    def displaced(self, value: ir.Value) -> list[tuple[int, int]] | None:
        """Rows and columns by which each channel of a map is read, where it is to have no margin at its sides."""
        return self._displaced.get(value)

    def pitch(self, height: int, width: int) -> int:
        """From a row to the next of every map of that size, in floats."""
        return width + self._widest.get((height, width), 0)

    def _need(self, value: ir.Value | None, margin: int) -> None:
        if value is not None and margin and not g.is_constant(value) and len(known.shape(value)) == 4:
            self._of[value] = max(self._of.get(value, 0), margin)


def reach(node: ir.Node) -> int:
    """Rows and columns beyond the edge that a Conv or a pool reads in place; 0 where its input is copied before.

    In place are convolutions that keep the size of the map, and depthwise ones and pools of any stride.
    """
    shape = known.shape(node.inputs[0])
    pooled = node.op_type == "AveragePool"
    weight = (shape[1], 1, *g.ints(node, "kernel_shape", (1, 1))) if pooled else known.shape(node.inputs[1])
    if len(shape) != 4 or roles.role(node) is roles.Role.BORDER:
        return 0
    pads = g.ints(node, "pads", (0,) * 4)
    strides, dilations = g.ints(node, "strides", (1, 1)), g.ints(node, "dilations", (1, 1))
    depthwise = pooled or (weight[1] == 1 and weight[0] == shape[1] == g.integer(node, "group", 1))
    same = strides == (1, 1) and known.shape(node.outputs[0])[2:] == shape[2:]
    if not (same or depthwise):
        return 0
    spans = [dilation * (k - 1) for dilation, k in zip(dilations, weight[2:], strict=True)]
    behind = []
    for axis in range(2):
        outputs = known.shape(node.outputs[0])[2 + axis]
        behind.append((outputs - 1) * strides[axis] + spans[axis] - pads[axis] - (shape[2 + axis] - 1))
    return max(0, *pads[:2], *behind)


def displacements(node: ir.Node) -> list[tuple[int, int]]:
    """Rows down and columns to the right, from a result of a shift to what it reads, for each channel."""
    weights, pads = known.constant(node.inputs[1]), g.ints(node, "pads", (0,) * 4)
    taps = weights.reshape(len(weights), -1).argmax(1)
    return [(int(tap) // weights.shape[3] - pads[0], int(tap) % weights.shape[3] - pads[1]) for tap in taps]


def _only_shift(value: ir.Value) -> ir.Node | None:
    """The shift that alone reads what a convolution computes; None for other values."""
    users = [user.node for user in value.uses()] if g.used_once(value) else []
    if not users or roles.role(users[0]) is not roles.Role.SHIFT or canonical.movement_of(users[0]) is None:
        return None
    producer = value.producer()
    while producer is not None and producer.op_type in {"Relu", "Clip"}:  # what `epilogue` takes
        before = producer.inputs[0]
        producer = before.producer() if before is not None and g.used_once(before) else None
    if producer is None or producer.op_type != "Conv" or roles.role(producer) in {roles.Role.SHIFT, roles.Role.BORDER}:
        return None
    return users[0] if known.shape(producer.inputs[1])[1] > 1 else None


def averages_by_weights(node: ir.Node) -> bool:
    """Whether a node averages windows of one size each, as a depthwise convolution of equal weights does."""
    if (
        node.op_type != "AveragePool"
        or len(known.shape(node.inputs[0])) != 4
        or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET"
    ):
        return False
    strides, pads = g.ints(node, "strides", (1, 1)), g.ints(node, "pads", (0,) * 4)
    counted = g.integer(node, "count_include_pad", 0) == 1 or not any(pads)
    return counted and not g.integer(node, "ceil_mode", 0) and strides[0] == strides[1]
