"""What makes two canonical graphs the same network, whatever their weights: the structure, as one SHA-256.

It covers every operator with its attributes, every connection, type and shape, what each shift and shuffle moves, and
constants of whole numbers (shapes, axes, indices). It leaves out the values of float constants, so that a network
trained again keeps it, and all names, so that another exporter's spelling of the same graph keeps it too.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from ssc_deploy.ir import canonical
from ssc_deploy.ir import graph as g

if TYPE_CHECKING:
    from collections.abc import Iterable


def fingerprint(model: ir.Model) -> str:
    """The fingerprint of a model in canonical form, hexadecimal."""
    graph = model.graph
    numbers: dict[ir.Value, int] = {}
    described: list[list[Any]] = [["input", [_typed(value) for value in graph.inputs]]]
    _number(numbers, graph.inputs)
    for node in graph:
        moves = canonical.movement_of(node)
        # What a movement's constant says is in the movement; its spelling (negative indices, a larger kernel) is not.
        movement = None if moves is None else [moves.source, moves.offsets, moves.in_channels]
        inputs = [_input(value, numbers, moves is not None) for value in node.inputs]
        attributes = {} if moves is not None else {name: _plain(a) for name, a in node.attributes.items()}
        _number(numbers, node.outputs)
        outputs = [_typed(value) for value in node.outputs]
        described.append([node.domain, node.op_type, attributes, movement, inputs, outputs])
    described.append(["output", [_input(value, numbers, False) for value in graph.outputs]])
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _number(numbers: dict[ir.Value, int], values: Iterable[ir.Value]) -> None:
    for value in values:
        numbers[value] = len(numbers)


def _input(value: ir.Value | None, numbers: dict[ir.Value, int], moves: bool) -> Any:
    """A connection by its number, a constant by its type, and by its content where that is not a weight."""
    if value is None:
        return None
    if value in numbers:
        return numbers[value]
    array = g.constant(value)
    if array is None or moves:
        return None
    content = None if array.dtype.kind == "f" else hashlib.sha256(array.tobytes()).hexdigest()
    return [str(array.dtype), list(array.shape), content]


def _typed(value: ir.Value) -> Any:
    shape = None if value.shape is None else [str(dimension) for dimension in value.shape]
    return [str(value.dtype), shape]


def _plain(attribute: ir.Attr) -> Any:
    """An attribute as JSON takes it; of a tensor, its type and shape."""
    value = attribute.value
    if isinstance(value, ir.TensorProtocol):
        return [str(value.dtype), [str(dimension) for dimension in value.shape]]
    return list(value) if isinstance(value, tuple) else value
