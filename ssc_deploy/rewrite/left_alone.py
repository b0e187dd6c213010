"""Movements that no rule has recognised, and how much of all that is moved they move.

A movement is what steps that only move numbers make of one value, all that hang together of them. It counts as left
alone where a rule has refused it, and where it does more than look at a tensor in another way: more than views, changes
of the order of axes, and cuts of whole runs. So do steps whose places are computed from the image. Joins of several
values, as of the branches of a network, are no movement of one. Bytes are those that are written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.capture.user_line import line_of
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import pixels, regions
from ssc_deploy.rewrite.report import MOVEMENT, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

#: A choice between two tensors moves numbers as well.
_MOVES = g.COPIES | {"Where"}

#: Of each operator, the operands that say where numbers go.
_PLACES = {
    "Gather": (1,),
    "GatherElements": (1,),
    "GatherND": (1,),
    "Pad": (1,),
    "ScatterElements": (1,),
    "ScatterND": (1,),
    "Slice": (1, 2),
}

_RECOGNISED = roles.MOVEMENTS | {roles.Role.FRAMES, roles.Role.STRIDED_SHIFT}


@dataclass(frozen=True)
class LeftAlone:
    """What no rule has recognised.

    Attributes:
        movements: each with its reason and the user's line.
        bytes: that they write.
        bytes_moved: that all movements write, those that are recognised as well.
    """

    movements: tuple[Refusal, ...]
    bytes: int
    bytes_moved: int


def find(graph: ir.Graph, reasons: Mapping[ir.Value, Refusal]) -> LeftAlone:
    """Looks through a canonical graph.

    Args:
        graph: with static shapes.
        reasons: why a rule has refused what ends in a value.
    """
    origin = regions.origins(graph, lambda node: roles.role(node) is None and pixels.moves_data(node))
    groups: dict[ir.Value, list[ir.Node]] = {}
    total = 0
    for node in graph:
        if roles.role(node) in _RECOGNISED:
            total += _bytes(node)
        elif node.op_type in _MOVES and (data := node.inputs[0]) is not None and origin.get(data) is not None:
            total += _bytes(node)
            groups.setdefault(_origin(node, origin), []).append(node)
    left, size = [], 0
    for nodes in groups.values():
        refusal = _refusal(nodes, reasons)
        if refusal is not None:
            left.append(refusal)
            size += sum(map(_bytes, nodes))
    return LeftAlone(tuple(left), size, total)


def _origin(node: ir.Node, origin: Mapping[ir.Value, ir.Value | None]) -> ir.Value:
    """What the node's movement begins with; its own output where it joins several values."""
    found = origin[node.outputs[0]]
    return node.outputs[0] if found is None else found


def _refusal(nodes: list[ir.Node], reasons: Mapping[ir.Value, Refusal]) -> Refusal | None:
    known = [reasons[value] for node in nodes for value in node.outputs if value in reasons]
    alone = len(nodes) == 1 and nodes[0].op_type in {"Concat", "Where"} and not known
    telling = [node for node in nodes if not _is_plain(node)]
    turned = known and any(node.op_type == "Transpose" for node in nodes)
    if alone or not (telling or turned):
        return None
    node = (telling or nodes)[0]
    if known:
        reason = known[0].reason
    elif any(_is_computed(node) for node in nodes):
        reason = "where it moves numbers is computed from the image"
    else:
        reason = "it is no shift, no shuffle, and no rearrangement of few steps"
    return Refusal(roles.block(node), MOVEMENT, len(nodes), f"{reason}{line_of(node)}")


def _is_computed(node: ir.Node) -> bool:
    return any(
        index < len(node.inputs) and node.inputs[index] is not None and g.constant(node.inputs[index]) is None
        for index in _PLACES.get(node.op_type, ())
    )


def _is_plain(node: ir.Node) -> bool:
    """Whether the node looks at what it reads in another way, and changes nothing about what is next to what."""
    match node.op_type:
        case "Transpose" | "Split" | "Expand":
            return True
        case "Slice":
            steps = g.constant(node.inputs[4]) if len(node.inputs) > 4 else None
            return not _is_computed(node) and (steps is None or bool((steps == 1).all()))
        case _:
            return False


def _bytes(node: ir.Node) -> int:
    return sum(
        math.prod(shape) * (1 if value.dtype is None else int(value.dtype.itemsize))
        for value in node.outputs
        if (shape := g.shape_of(value)) is not None
    )
