"""Operands that are broadcast to one shape, as ONNX's operators of two and more inputs take them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.order import Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order

#: Axes that every runtime broadcasts. Of more, neighbours that are broadcast alike become one.
_AXES = 4


def operands(graph: Graph, node: ir.Node, indices: Sequence[int] | None = None) -> list[Stored]:
    """Inputs, constants included, with the rank of the largest and in one order of axes.

    Args:
        graph: where what reorders them is written.
        node: that reads them.
        indices: of the inputs; None for all.
    """
    values = [node.inputs[i] for i in (range(len(node.inputs)) if indices is None else indices)]
    wanted = list(range(len(node.inputs)) if indices is None else indices)
    constants = [graph.constant(value) for value in values]
    computed = {i: graph.stored(node, i) for i, array in zip(wanted, constants, strict=True) if array is None}
    if not computed:
        raise refuse(node, "all its inputs are constants; fold constants before emission")
    rank = max(*(s.rank for s in computed.values()), *(a.ndim for a in constants if a is not None), 0)
    order = _common_order(list(computed.values()), rank)
    found = []
    for i, value, array in zip(wanted, values, constants, strict=True):
        name = name_of(value)
        if array is None:
            found.append(graph.reorder(graph.with_rank(computed[i], rank, name), order, name))
        else:
            shape = (1,) * (rank - array.ndim) + array.shape
            found.append(graph.constants(node, i, name, array.reshape(shape), order))
    return found


def broadcast(
    graph: Graph,
    code: int,
    given: Sequence[Stored],
    name: str,
    *,
    dtype: np.dtype[Any],
    options: object = None,
    version: int = 1,
) -> Stored:
    """Writes an operator on operands that it broadcasts.

    Args:
        graph: where it is written.
        code: of ``schema.BuiltinOperator``.
        given: the operands, of one rank and order.
        name: of the result.
        dtype: of the result.
        options: of the schema's options class.
        version: the operator's lowest version that carries the use.
    """
    shape = np.broadcast_shapes(*(one.shape for one in given))
    dynamic = next((one.dynamic for one in given if one.dynamic is not None), None)
    like = Stored(-1, shape, given[0].order, dynamic, dtype)
    alike = all(one.shape == given[0].shape for one in given)
    if like.rank <= _AXES or alike or dynamic is not None:
        return graph.add(code, [one.tensor for one in given], name, like, options=options, version=version)
    runs = _runs([[one.shape[axis] for one in given] for axis in like.order])
    views = [_view(graph, one, runs, name) for one in given]
    sizes = tuple(max(sizes) for sizes in zip(*(view.shape for view in views), strict=True))
    flat = dataclasses.replace(like, shape=sizes, order=plain(len(sizes)))
    result = graph.add(code, [view.tensor for view in views], name, flat, options=options, version=version)
    return graph.reshape(result, shape, like.order, name, dynamic=None)


def _runs(sizes: Sequence[Sequence[int]]) -> list[list[int]]:
    """Stored axes in runs in which each operand is broadcast throughout, or nowhere.

    Args:
        sizes: of each operand, for each stored axis.
    """
    runs: list[list[int]] = []
    before: tuple[bool, ...] | None = None
    for axis, of_each in enumerate(sizes):
        kind = None if max(of_each) == 1 else tuple(size == 1 for size in of_each)
        if runs and (kind is None or before is None or kind == before):
            runs[-1].append(axis)
        else:
            runs.append([axis])
        before = kind or before
    return runs


def _view(graph: Graph, stored: Stored, runs: Sequence[Sequence[int]], name: str) -> Stored:
    sizes = [stored.shape[axis] for axis in stored.order]
    shape = [int(np.prod([sizes[axis] for axis in run])) for run in runs]
    return graph.reshape(stored, shape, plain(len(shape)), name, dynamic=None)


def _common_order(computed: list[Stored], rank: int) -> Order:
    """The order that needs the fewest transposes: the canonical one if any operand has it, else the first one's."""
    orders = [stored.order for stored in computed if stored.rank == rank]
    if not orders:
        return plain(rank)
    return canonical(rank) if canonical(rank) in orders else orders[0]
