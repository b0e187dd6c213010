"""The canonical form: what every rule leaves behind, and what lowering may rely on.

- `shift`: depthwise ``Conv`` whose kernel is one-hot (1.0 in one tap of each channel), k odd,
  ``pads = k // 2``, stride 1, no bias; where edges wrap around or repeat it has no pads, and reads a
- `border`: ``Pad`` of mode ``wrap`` or ``edge`` by k // 2 pixels at each side, which shifts alone read;
- `shuffle`: ``Gather(axis=1)`` with constant indices;
- `rearrangement`: a step of any other movement, ``Slice``, ``Concat``, ``Pad``, ``Gather``, ``Clip`` to zero,
  ``DepthToSpace`` (DCR) or ``SpaceToDepth``;
- `strided shift`: the same ``Conv`` with zeros at its edges and a stride;
- `frames`: a step of a shift between frames, ``Slice``, ``Concat`` or ``Pad`` on [T, C, H, W];
- `group pointwise`: 1x1 ``Conv`` with ``group > 1``, no block of which could be split further;
- no ``BatchNormalization`` by constants alone;
- constants are initializers; shapes are static.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import defs

from ssc_deploy.errors import RewriteError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles, specification
from ssc_deploy.ir import movement as mv

if TYPE_CHECKING:
    import onnx_ir as ir


def shift_of(node: ir.Node) -> mv.Movement | None:
    """The shift that a Conv carries out, or None if it is none.

    Any depthwise Conv with a one-hot kernel that keeps the feature map's size counts, whatever its role says; with its
    `border`, if it reads one.
    """
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weight is None or weight.ndim != 4 or weight.shape[1] != 1 or weight.shape[2] != weight.shape[3]:
        return None
    channels, k = weight.shape[0], weight.shape[2]
    edge = _edge(node.inputs[0])
    keeps_size = (
        k % 2 == 1
        and g.ints(node, "pads", (0, 0, 0, 0)) == ((k // 2,) * 4 if edge is mv.Edge.ZERO else (0,) * 4)
        and (edge is mv.Edge.ZERO or _widths(known.producer(node.inputs[0])) == (0, 0, k // 2, k // 2) * 2)
        and g.ints(node, "strides", (1, 1)) == (1, 1)
        and g.ints(node, "dilations", (1, 1)) == (1, 1)
    )
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    offset = g.constant(bias)
    biased = bias is not None and (offset is None or offset.any())
    if not keeps_size or biased or g.integer(node, "group", 1) != channels or g.shape_of(node.inputs[0]) is None:
        return None
    if not mv.is_one_hot(weight):
        return None
    taps = weight.reshape(channels, -1).argmax(1)
    return mv.shift(tuple((int(t) // k - k // 2, int(t) % k - k // 2) for t in taps), edge)


def image_of(node: ir.Node) -> ir.Value:
    """The image that a shift or shuffle moves: what its border is put around, where it has one."""
    data = known.data(node)
    return data if _edge(data) is mv.Edge.ZERO else known.data(known.producer(data))


def _edge(value: ir.Value | None) -> mv.Edge:
    producer = None if value is None else value.producer()
    if producer is None or roles.role(producer) is not roles.Role.BORDER:
        return mv.Edge.ZERO
    return mv.Edge(producer.attributes.get_string("mode", "constant"))


def _widths(border: ir.Node) -> tuple[int, ...] | None:
    widths = g.constant(border.inputs[1])
    return None if widths is None else tuple(widths.tolist())


@specification.rule(roles.Role.SHIFT)
def _shift(node: ir.Node) -> str | None:
    """See `shift_of`; without an offset."""
    return "is marked as a shift but is none" if shift_of(node) is None or len(node.inputs) != 2 else None


@specification.rule(roles.Role.BORDER)
def _border(node: ir.Node) -> str | None:
    """``Pad`` of an image, of a mode that only shifts know."""
    repeats = node.op_type == "Pad" and node.attributes.get_string("mode", "constant") in set(mv.Edge) - {mv.Edge.ZERO}
    if not repeats or len(node.inputs) != 2 or g.constant(node.inputs[1]) is None:
        return "is marked as a border but is none"
    shifts = all(roles.role(user) is roles.Role.SHIFT for user, _ in node.outputs[0].uses())
    return None if shifts and not node.outputs[0].is_graph_output() else "is a border that something else reads"


@specification.rule(roles.Role.STRIDED_SHIFT)
def _strided_shift(node: ir.Node) -> str | None:
    """See `is_strided_shift`."""
    return None if is_strided_shift(node) else "is marked as a strided shift but is none"


def is_strided_shift(node: ir.Node) -> bool:
    """Whether the node displaces each channel by whole pixels and leaves out some, as a depthwise Conv."""
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weight is None or weight.ndim != 4 or weight.shape[1] != 1 or g.integer(node, "group", 1) != len(weight):
        return False
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    offset = g.constant(bias)
    strides = g.ints(node, "strides", (1, 1))
    return mv.is_one_hot(weight) and strides != (1, 1) and (bias is None or (offset is not None and not offset.any()))


def movement_of(node: ir.Node) -> mv.Movement | None:
    """The movement that a node with the role of a shift or shuffle carries out; None for any other node."""
    match roles.role(node):
        case roles.Role.SHIFT:
            return shift_of(node)
        case roles.Role.SHUFFLE:
            indices, shape = g.constant(node.inputs[1]), g.shape_of(node.inputs[0])
            if indices is None or shape is None:
                return None
            return mv.permutation(tuple(int(i) % shape[1] for i in indices), shape[1])
        case _:
            return None


def check_graph(model: ir.Model) -> None:
    """Checks what holds after every rule: each value is defined before it is read, each node as `specification` says.

    Raises:
        RewriteError: the first violation, with the node's name.
    """
    defined = set(model.graph.inputs) | set(model.graph.initializers.values())
    opset = model.graph.opset_imports.get("", defs.onnx_opset_version())
    for node in model.graph:
        for value in node.inputs:
            if value is not None and value not in defined:
                raise RewriteError(f"{roles.where(node)} reads {value.name}, which nothing before it defines")
        defined.update(node.outputs)
        reason = specification.violation(node, opset)
        if reason is not None:
            raise RewriteError(f"{roles.where(node)} {reason}")


def check(model: ir.Model) -> None:
    """Checks the canonical form as the last rule leaves it.

    Raises:
        RewriteError: the first violation, with the node's name.
    """
    check_graph(model)
    names: set[str | None] = set()
    for node in model.graph:
        if node.op_type == "Constant" or _is_affine(node):
            raise RewriteError(f"{roles.where(node)} should have been folded")
        for output in node.outputs:
            if g.shape_of(output) is None:
                raise RewriteError(f"{roles.where(node)} has an output without a static shape")
            if output.name in names:
                raise RewriteError(f"two values are named {output.name}")
            names.add(output.name)


def _is_affine(node: ir.Node) -> bool:
    """Whether the node is a BatchNormalization by constants, not by the statistics of what it is given."""
    constants = all(g.constant(value) is not None for value in node.inputs[1:5])
    return node.op_type == "BatchNormalization" and constants and not g.integer(node, "training_mode", 0)
