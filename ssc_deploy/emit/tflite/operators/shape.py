"""Operators that give the same numbers another shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite import views
from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.order import FLOAT, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.ir import graph as g
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph


#: Stands for a dynamic batch: a factor that no other axis has.
_ANY = 1_000_003


@operator("Identity")
def identity(graph: Graph, node: ir.Node) -> None:
    """Nothing: the output is the input's tensor."""
    graph.define(node.outputs[0], graph.stored(node, 0))


@operator("Dropout")
def dropout(graph: Graph, node: ir.Node) -> None:
    """Nothing: it does nothing unless it is told to train, which is refused."""
    if len(node.inputs) > 2 and node.inputs[2] is not None and graph.constant_input(node, 2).any():
        raise refuse(node, "its training_mode is true; export the network in eval mode")
    graph.define(node.outputs[0], graph.stored(node, 0))


@operator("Transpose")
def transpose(graph: Graph, node: ir.Node) -> None:
    """TRANSPOSE, or nothing where the file can hold the output in the input's own order.

    The output is the input's tensor read in another order; see `order`.
    """
    stored = graph.stored(node, 0)
    permutation = node.attributes.get_ints("perm", tuple(reversed(range(stored.rank))))
    graph.define(node.outputs[0], stored.transposed(permutation))


@operator("Reshape")
def reshape(graph: Graph, node: ir.Node) -> None:
    """RESHAPE; the target shape has to be constant, with 0 or -1 for a dynamic batch."""
    stored = graph.stored(node, 0)
    target = [int(size) for size in graph.constant_input(node, 1)]
    zero_copies = not node.attributes.get_int("allowzero", 0)
    copied = [i for i, size in enumerate(target) if size == 0 and zero_copies]
    shape = [stored.shape[i] if i in copied else size for i, size in enumerate(target)]
    if -1 in shape:
        rest = math.prod(size for size in shape if size != -1)
        shape[target.index(-1)] = math.prod(stored.shape) // rest if rest else 0
    _reshape(graph, node, shape, _dynamic_axis(node, stored, target, copied))


@operator("Flatten")
def flatten(graph: Graph, node: ir.Node) -> None:
    """RESHAPE to a matrix."""
    stored = graph.stored(node, 0)
    axis = node.attributes.get_int("axis", 1)
    axis = axis + stored.rank if axis < 0 else axis
    dynamic = None if stored.dynamic is None else int(stored.dynamic >= axis)
    _reshape(graph, node, (math.prod(stored.shape[:axis]), math.prod(stored.shape[axis:])), dynamic)


@operator("Squeeze")
def squeeze(graph: Graph, node: ir.Node) -> None:
    """RESHAPE without the axes of size 1."""
    stored = graph.stored(node, 0)
    axes = [axis % stored.rank for axis in _axes(graph, node)]
    axes = axes or [axis for axis, size in enumerate(stored.sizes) if size == 1]
    if stored.dynamic in axes:
        raise refuse(node, "it takes away the dynamic batch")
    kept = [axis for axis in range(stored.rank) if axis not in axes]
    dynamic = None if stored.dynamic is None else kept.index(stored.dynamic)
    _reshape(graph, node, [stored.shape[axis] for axis in kept], dynamic)


@operator("Unsqueeze")
def unsqueeze(graph: Graph, node: ir.Node) -> None:
    """RESHAPE with more axes of size 1."""
    stored, axes = graph.stored(node, 0), _axes(graph, node)
    rank = stored.rank + len(axes)
    new = {axis % rank for axis in axes}
    old = [axis for axis in range(rank) if axis not in new]
    shape = [stored.shape[old.index(axis)] if axis in old else 1 for axis in range(rank)]
    _reshape(graph, node, shape, None if stored.dynamic is None else old[stored.dynamic])


@operator("Expand")
def expand(graph: Graph, node: ir.Node) -> None:
    """Nothing where the operators behind it broadcast anyway; else MUL by ones, or BROADCAST_TO of whole numbers."""
    output, target = node.outputs[0], tuple(int(size) for size in graph.constant_input(node, 1))
    stored = graph.stored(node, 0)
    rank = max(stored.rank, len(target))
    stored = graph.with_rank(stored, rank, name_of(node.inputs[0]))
    target = (1,) * (rank - len(target)) + target
    shape = tuple(max(pair) for pair in zip(stored.shape, target, strict=True))
    if shape == stored.shape or _is_broadcast_anyway(node, shape):
        graph.define(output, stored)
        return
    if stored.dtype == FLOAT:
        f = Formula(graph, node)
        ones = [new if new != old else 1 for old, new in zip(stored.shape, shape, strict=True)]
        f.give(f.op("Mul", f.value(stored), np.ones(ones, np.float32)))
        return
    if stored.dynamic is not None:
        raise refuse(node, "BROADCAST_TO cannot keep a dynamic batch; export with a fixed one")
    sizes = graph.integers(f"{name_of(output)}/shape", [shape[axis] for axis in stored.order])
    inputs, options = [stored.tensor, sizes], schema.BroadcastToOptionsT()
    code = schema.BuiltinOperator.BROADCAST_TO
    # Version 1 was never registered.
    result = graph.add(code, inputs, name_of(output), stored, shape=shape, options=options, version=2)
    graph.define(output, result)


def _is_broadcast_anyway(node: ir.Node, shape: Sequence[int]) -> bool:
    """Whether all that reads the node's output gives the same without it: the other operands have its shape."""
    output = node.outputs[0]
    if output.is_graph_output() or not output.uses():
        return False
    for consumer, index in output.uses():
        others = [g.shape_of(value) for i, value in enumerate(consumer.inputs) if i != index]
        if consumer.op_type not in _BROADCASTING or any(other is None for other in others):
            return False
        # Where nothing else has the size, it has to be spread here.
        spread = [other for other in others if other is not None]
        if not spread or np.broadcast_shapes(*spread, tuple(shape)) != np.broadcast_shapes(*spread):
            return False
    return True


#: Operators that spread a smaller operand.
_BROADCASTING = frozenset(["Add", "Div", "Max", "Min", "Mul", "Sub", "Where"])


def _reshape(graph: Graph, node: ir.Node, shape: Sequence[int], dynamic: int | None) -> None:
    """Reshapes ONNX's row-major numbers, through a TRANSPOSE only where what is joined does not lie together."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    if math.prod(shape) != math.prod(stored.shape):
        raise refuse(node, f"it turns {list(stored.sizes)} into {list(shape)}; a dynamic batch has to stay 0 or -1")
    before, after = (
        tuple(size * _ANY if axis == where else size for axis, size in enumerate(sizes))
        for sizes, where in ((stored.shape, stored.dynamic), (shape, dynamic))
    )
    order = views.order_after(before, stored.order, after)
    if order is None:
        stored, order = graph.need(node, 0, plain(stored.rank)), plain(len(shape))
    usual = canonical(len(shape))
    # Axes of size 1 may lie anywhere.
    if Stored(stored.tensor, tuple(shape), order, dynamic).lies_as(usual):
        order = usual
    graph.define(output, graph.reshape(stored, shape, order, name_of(output), dynamic=dynamic))


def _dynamic_axis(node: ir.Node, stored: Stored, target: list[int], copied: list[int]) -> int | None:
    if stored.dynamic is None:
        return None
    if stored.dynamic in copied:
        return stored.dynamic
    if -1 in target:
        return target.index(-1)
    raise refuse(node, f"its target shape {target} fixes the batch, which is dynamic; write -1 for the batch")


def _axes(graph: Graph, node: ir.Node) -> list[int]:
    """Axes from the attribute (until opset 12) or the second input; none if neither is there."""
    if "axes" in node.attributes:
        return list(node.attributes["axes"].as_ints())
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        return [int(axis) for axis in graph.constant_input(node, 1)]
    return []
