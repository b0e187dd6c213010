"""What holds of every value and node of the intermediate form, and what a rule knows once it has looked.

`graph` asks whether a shape, a constant or a node is there, and answers None if it is not. These ask for one that
has to be there. Where it is missing, a rule has left the intermediate form, which no input may cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from ssc_deploy.errors import RewriteError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    import numpy.typing as npt


def shape(value: ir.Value | None) -> tuple[int, ...]:
    """The value's static shape.

    Raises:
        RewriteError: it has none.
    """
    found = g.shape_of(value)
    if found is None:
        raise RewriteError(f"{_name(value)} has no static shape")
    return found


def dims(value: ir.Value) -> tuple[int | ir.SymbolicDim, ...]:
    """The value's shape, some of which may be any number.

    Raises:
        RewriteError: it has none.
    """
    if value.shape is None:
        raise RewriteError(f"{_name(value)} has no shape")
    return tuple(value.shape)


def size(value: ir.Value, axis: int) -> int:
    """The value's size along an axis.

    Raises:
        RewriteError: it may be any number.
    """
    found = dims(value)[axis]
    if not isinstance(found, int):
        raise RewriteError(f"{_name(value)} has no static size along axis {axis}")
    return found


def image(value: ir.Value) -> tuple[int | ir.SymbolicDim, int, int, int]:
    """Batch, channels, height and width; the batch may be any number.

    Raises:
        RewriteError: the value is not an image, or is one of unknown size.
    """
    if len(dims(value)) != 4:
        raise RewriteError(f"{_name(value)} is not an image")
    return dims(value)[0], size(value, 1), size(value, 2), size(value, 3)


def constant(value: ir.Value | None) -> npt.NDArray[Any]:
    """The array that the value always holds.

    Raises:
        RewriteError: the value is computed, or is not there.
    """
    found = g.constant(value)
    if found is None:
        raise RewriteError(f"{_name(value)} is not a constant")
    return found


def producer(value: ir.Value | None) -> ir.Node:
    """The node that computes the value.

    Raises:
        RewriteError: none does.
    """
    found = None if value is None else value.producer()
    if found is None:
        raise RewriteError(f"{_name(value)} is not computed by any node")
    return found


def operand(node: ir.Node, index: int) -> ir.Value:
    """The input ``index`` of the node.

    Raises:
        RewriteError: it is left out.
    """
    found = node.inputs[index] if index < len(node.inputs) else None
    if found is None:
        raise RewriteError(f"{roles.where(node)} has no input {index}")
    return found


def data(node: ir.Node) -> ir.Value:
    """The first input, see `operand`; no operator of the intermediate form leaves it out."""
    return operand(node, 0)


def graph(node: ir.Node) -> ir.Graph:
    """The graph that the node stands in.

    Raises:
        RewriteError: it stands in none.
    """
    if not isinstance(node.graph, ir.Graph):
        raise RewriteError(f"{roles.where(node)} stands in no graph")
    return node.graph


def name(value: ir.Value) -> str:
    """The value's name, which the graph gives to all that stands in it.

    Raises:
        RewriteError: it stands in none.
    """
    if not value.name:
        raise RewriteError(f"a value of {value.shape} has no name")
    return value.name


def _name(value: ir.Value | None) -> str:
    return "an input that is left out" if value is None else f"the value {value.name or '(unnamed)'}"
