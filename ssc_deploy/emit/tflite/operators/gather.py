"""Gathers: whole lines by constant indices, and single numbers by computed ones.

XNNPACK takes no GATHER. Few runs of neighbouring lines are cut out and joined, which it takes, and so is every n-th
line: of a view [.., C / n, n, ..] it is a cut. Other lines are gathered, from an order of axes in which a line is long;
`ssc_deploy.lower.defaults` has the figures.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.pieces import along, every_nth, join
from ssc_deploy.emit.tflite.order import Stored, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Order

_OP = schema.BuiltinOperator

#: Runs of lines that are cut out and joined rather than gathered: what one CONCATENATION of XNNPACK takes.
_RUNS = 4


@operator("Gather")
def gather(graph: Graph, node: ir.Node) -> None:
    """SLICE and CONCATENATION of few runs of lines, else GATHER, which XNNPACK does not take."""
    output, name = node.outputs[0], name_of(node.outputs[0])
    if graph.constant(node.inputs[0]) is not None:
        _from_table(graph, node)
        return
    stored = graph.stored(node, 0)
    axis = node.attributes.get_int("axis", 0) % stored.rank
    if axis == stored.dynamic:
        raise refuse(node, "it gathers from the dynamic batch")
    if graph.constant(node.inputs[1]) is None:
        _by_computed(graph, node, axis)
        return
    indices = graph.constant_input(node, 1)
    indices = np.where(indices < 0, indices + stored.shape[axis], indices)
    lines = _lines(graph, stored, axis, indices.reshape(-1), name)
    if indices.ndim == 1:
        graph.define(output, lines)
        return
    f = Formula(graph, node)
    shape = (*stored.shape[:axis], *indices.shape, *stored.shape[axis + 1 :])
    dynamic = stored.dynamic
    if dynamic is not None and dynamic > axis:
        dynamic += indices.ndim - 1
    sizes = [-1 if a == dynamic else size for a, size in enumerate(shape)]
    f.give(f.op("Reshape", f.value(lines), integers(*sizes)))


def _lines(graph: Graph, stored: Stored, axis: int, indices: npt.NDArray[np.int64], name: str) -> Stored:
    """The lines at ``indices``, one after the other."""
    size = stored.shape[axis]
    runs = _runs(indices.tolist())
    if len(runs) <= _RUNS:
        return join(graph, [along(graph, stored, axis, run, name) for run in runs], axis, name)
    stored = graph.reorder(stored, _of_long_lines(stored, axis), name)
    lines = _every_nth(indices, size)
    if lines is not None and stored.dynamic is None:
        return every_nth(graph, stored, axis, lines, name)
    options = schema.GatherOptionsT()
    options.axis = stored.order.index(axis)
    inputs = [stored.tensor, graph.integers(f"{name}/indices", indices.astype(np.int32))]
    shape = tuple(len(indices) if a == axis else n for a, n in enumerate(stored.shape))
    return graph.add(_OP.GATHER, inputs, name, stored, shape=shape, options=options)


def _of_long_lines(stored: Stored, axis: int) -> Order:
    """The order of axes in which a line at one index is long: ``axis`` is early, and what is not one number is behind.

    Lines are copied one by one, and in NHWC a line of one channel is a single number.
    """
    first, *others = (one for one in stored.order if one != axis) if stored.rank > 1 else (axis,)
    if axis != stored.order[-1] or not others:
        return stored.order
    if first == stored.dynamic or stored.shape[first] == 1:
        return (first, axis, *others)
    return (axis, first, *others)


def _runs(indices: Sequence[int]) -> list[range]:
    """Indices in runs that go forward by one."""
    found = []
    for _, run in itertools.groupby(enumerate(indices), key=lambda entry: entry[1] - entry[0]):
        (_, first), *rest = run
        found.append(range(first, first + 1 + len(rest)))
    return found


def _every_nth(indices: npt.NDArray[np.int64], size: int) -> range | None:
    """The lines if the indices are all those at one step, from one of the first; None if they are not."""
    if len(indices) < 2 or size % len(indices):
        return None
    step = size // len(indices)
    first = int(indices[0])
    lines = range(first, size, step)
    return lines if first < step and indices.tolist() == list(lines) else None


def _from_table(graph: Graph, node: ir.Node) -> None:
    """Rows of a constant by computed indices: an embedding."""
    table, name = graph.constant_input(node, 0), name_of(node.outputs[0])
    axis = node.attributes.get_int("axis", 0) % table.ndim
    if axis:
        raise refuse(node, "it gathers from a constant along another axis than the first")
    indices = graph.need(node, 1, plain(graph.stored(node, 1).rank))
    rows = graph.constants(node, 0, name_of(node.inputs[0]), table, plain(table.ndim))
    shape = (*indices.shape, *table.shape[1:])
    like = Stored(-1, shape, plain(len(shape)), indices.dynamic, table.dtype)
    options = schema.GatherOptionsT()
    options.axis = 0
    graph.define(node.outputs[0], graph.add(_OP.GATHER, [rows.tensor, indices.tensor], name, like, options=options))


def _by_computed(graph: Graph, node: ir.Node, axis: int) -> None:
    """Lines of a computed value by computed indices, which have to be none below zero."""
    stored, name = graph.need(node, 0, plain(graph.stored(node, 0).rank)), name_of(node.outputs[0])
    indices = graph.need(node, 1, plain(graph.stored(node, 1).rank))
    if stored.dynamic is not None or indices.dynamic is not None:
        raise refuse(node, "its indices are computed, and the batch is dynamic; export with a fixed batch")
    shape = (*stored.shape[:axis], *indices.shape, *stored.shape[axis + 1 :])
    like = Stored(-1, shape, plain(len(shape)), None, stored.dtype)
    options = schema.GatherOptionsT()
    options.axis = axis
    graph.define(node.outputs[0], graph.add(_OP.GATHER, [stored.tensor, indices.tensor], name, like, options=options))


@operator("GatherND")
def gather_nd(graph: Graph, node: ir.Node) -> None:
    """Gathers along one axis after the other, where the constant indices are a grid; else of the joined axes."""
    if node.attributes.get_int("batch_dims", 0):
        raise refuse(node, "it gathers other indices for each entry of a batch (batch_dims)")
    f = Formula(graph, node)
    x, indices = f.input(0), graph.constant_input(node, 1)
    shape, axes = f.shape(x), indices.shape[-1]
    indices = np.where(indices < 0, indices + np.array(shape[:axes]), indices)
    lists = _grid(indices)
    if lists is not None:
        for axis, one in enumerate(lists):
            x = f.op("Gather", x, integers(*one), axis=axis)
        f.give(x)
        return
    flat = np.ravel_multi_index(tuple(np.moveaxis(indices, -1, 0)), shape[:axes])
    f.give(f.op("Gather", f.op("Reshape", x, integers(-1, *shape[axes:])), np.asarray(flat, np.int64), axis=0))


def _grid(indices: npt.NDArray[np.int64]) -> list[list[int]] | None:
    """The indices of each axis where they are all combinations of these, in order; None if they are not."""
    axes = indices.shape[-1]
    if indices.ndim != axes + 1:
        return None
    lists = [indices[(0,) * a + (slice(None),) + (0,) * (axes - 1 - a) + (a,)] for a in range(axes)]
    grid = np.stack(np.meshgrid(*lists, indexing="ij"), axis=-1)
    return [one.tolist() for one in lists] if (grid == indices).all() else None


@operator("GatherElements")
def gather_elements(graph: Graph, node: ir.Node) -> None:
    """GATHER of the flat value, by indices that are made of the given ones with MUL and ADD."""
    f = Formula(graph, node)
    x, indices = f.input(0), f.input(1)
    shape, wanted = f.shape(x), f.shape(indices)
    axis = node.attributes.get_int("axis", 0) % len(shape)
    strides = [math.prod(shape[a + 1 :]) for a in range(len(shape))]
    # Where the line begins that an index counts along.
    start = sum(
        np.arange(size).reshape([-1 if a == b else 1 for b in range(len(shape))]) * strides[a]
        for a, size in enumerate(wanted)
        if a != axis
    )
    start = np.broadcast_to(start, wanted).astype(np.int64)
    array = f.constant(indices)
    if array is not None:
        flat: ir.Value | npt.NDArray[np.int64] = start + np.where(array < 0, array + shape[axis], array) * strides[axis]
    else:
        whole = f.op("Cast", indices, to=ir.DataType.INT64.value)
        flat = f.op("Add", f.op("Mul", whole, strides[axis]), start)
    rows = f.op("Reshape", x, integers(-1))
    result = f.op(
        "Gather", rows, flat.reshape(-1) if isinstance(flat, np.ndarray) else f.op("Reshape", flat, integers(-1))
    )
    f.give(f.op("Reshape", result, integers(*wanted)))
