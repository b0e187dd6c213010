"""What a node of the intermediate form means to us beyond its operator: metadata set by the rule that found it out."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

#: Metadata key of the role.
KEY = "ssc_deploy.role"
_BLOCK = "ssc_deploy.block"
_OUTPUT_OF = "ssc_deploy.output_of"


class Role(enum.StrEnum):
    """Roles of nodes in the canonical form."""

    SHIFT = "shift"  #: depthwise Conv with a one-hot kernel
    STRIDED_SHIFT = "strided shift"  #: depthwise Conv with a one-hot kernel and a stride
    BORDER = "border"  #: Pad whose edges wrap around or repeat, in front of a shift that reads them
    SHUFFLE = "shuffle"  #: Gather(axis=1) with constant indices: a permutation (or selection) of channels
    REARRANGEMENT = "rearrangement"  #: a step of any other movement: see `rewrite.rearrange`
    FRAMES = "frames"  #: a step of a shift between the frames of a clip: see `rewrite.frames`
    GROUP_POINTWISE = "group pointwise"  #: 1x1 Conv with group > 1
    DENSE = "dense"  #: 1x1 Conv of one group; no rule marks it, since nothing has to be found out about it
    GROUPED = "grouped"  #: 1x1 Conv of several groups, as a place that is carried out in one way or another


#: Roles of nodes that move data and compute nothing.
MOVEMENTS = frozenset({Role.SHIFT, Role.BORDER, Role.SHUFFLE, Role.REARRANGEMENT})


def role(node: ir.Node) -> Role | None:
    """The role that a rule gave to the node."""
    text = node.metadata_props.get(KEY)
    return Role(text) if text else None


def set_role(node: ir.Node, value: Role) -> None:
    """Marks the node."""
    node.metadata_props[KEY] = value.value


def block(node: ir.Node) -> str:
    """Path of the PyTorch module that the node comes from, e.g. ``"body.7.ssc1"``; empty for the root module."""
    return node.metadata_props.get(_BLOCK, "")


def set_block(node: ir.Node, path: str) -> None:
    """Names the node's module."""
    node.metadata_props[_BLOCK] = path


def movements(model: ir.Model) -> dict[str, str]:
    """Roles of what moves data, by the part before any slash of the names of the tensors that it writes."""
    moving = [(node, role(node)) for node in model.graph]
    return {
        movement_name(output): found.value
        for node, found in moving
        if found in {Role.SHIFT, Role.SHUFFLE}
        for output in node.outputs
    }


def movement_name(value: ir.Value) -> str:
    """The name of the movement that writes the tensor: several nodes that carry out one write ``name/...``."""
    return (value.name or "").partition("/")[0]


def kept(name: str) -> str:
    """The name of a value of which a file holds only what the movement behind it reads, with zeros for the rest."""
    return f"{name}/kept"


def where(node: ir.Node) -> str:
    """The node in words, for messages: its operator, its name, and its block."""
    return f"{node.op_type} {node.name or node.outputs[0].name or '(unnamed)'} of block {block(node) or '(root)'}"


def outputs_of(value: ir.Value) -> tuple[str, ...]:
    """Paths of the modules that return the value, its name first; a repeated call is ``path@1``, ``path@2``."""
    text = value.metadata_props.get(_OUTPUT_OF)
    return tuple(text.split(" ")) if text else ()


def move_outputs_of(old: ir.Value, new: ir.Value) -> None:
    """Says of ``new`` whatever was said of ``old``, which may stay in the graph though nothing reads it any more."""
    for path in outputs_of(old):
        add_output_of(new, path)
    forget_outputs_of(old)


def forget_outputs_of(value: ir.Value) -> None:
    """Says of the value that no module returns it any more."""
    value.metadata_props.pop(_OUTPUT_OF, None)


def add_output_of(value: ir.Value, path: str) -> None:
    """Says that the value is what the module ``path`` returns, besides those that it is already."""
    value.metadata_props[_OUTPUT_OF] = " ".join(dict.fromkeys((*outputs_of(value), path)))
