"""What a node of the intermediate form means to us beyond its operator: metadata set by the rule that found it out."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

_ROLE = "ssc_deploy.role"
_BLOCK = "ssc_deploy.block"


class Role(enum.StrEnum):
    """Roles of nodes in the canonical form."""

    SHIFT = "shift"  #: depthwise Conv with a one-hot kernel
    SHUFFLE = "shuffle"  #: Gather(axis=1) with constant indices: a permutation (or selection) of channels
    GROUP_POINTWISE = "group pointwise"  #: 1x1 Conv with group > 1


def role(node: ir.Node) -> Role | None:
    """The role that a rule gave to the node."""
    text = node.metadata_props.get(_ROLE)
    return Role(text) if text else None


def set_role(node: ir.Node, value: Role) -> None:
    """Marks the node."""
    node.metadata_props[_ROLE] = value.value


def block(node: ir.Node) -> str:
    """Path of the PyTorch module that the node comes from, e.g. ``"body.7.ssc1"``; empty for the root module."""
    return node.metadata_props.get(_BLOCK, "")


def set_block(node: ir.Node, path: str) -> None:
    """Names the node's module."""
    node.metadata_props[_BLOCK] = path
