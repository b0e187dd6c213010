"""Cutting values and joining them again, which several operators come down to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy.emit.tflite.operators.subsample import subsample
from ssc_deploy.emit.tflite.order import IMAGE, plain
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Stored

_OP = schema.BuiltinOperator

#: XNNPACK takes a CONCATENATION of no more inputs (5 in LiteRT 2.3, 4 in tflite-runtime 2.14); more are joined as a
#: tree, so that they stay in the delegate.
_CONCATENATION_INPUTS = 4


def join(graph: Graph, parts: Sequence[Stored], axis: int, name: str) -> Stored:
    """CONCATENATION along an axis of the ONNX value; a tree of them for many parts.

    Args:
        graph: where the operators go.
        parts: in one order of axes.
        axis: in ONNX's order.
        name: of the result.
    """
    while len(parts) > 1:
        groups = [parts[i : i + _CONCATENATION_INPUTS] for i in range(0, len(parts), _CONCATENATION_INPUTS)]
        parts = [_join(graph, group, axis, name) for group in groups]
    return parts[0]


def cut(graph: Graph, stored: Stored, spans: Sequence[range], name: str) -> Stored:
    """The numbers at ``spans``, one range for each axis of the ONNX value.

    SLICE, or STRIDED_SLICE where a step is not 1 or the batch is dynamic; steps over an image see `subsample`.
    """
    shape = [len(span) for span in spans]
    if all(span.step == 1 for span in spans):
        return _slice(graph, stored, [span.start for span in spans], shape, name)
    if stored.order == IMAGE and all(span.step > 0 for span in spans) and spans[0].step == spans[1].step == 1:
        # Without the lines before the first and those that would be taken behind the last.
        inner = [
            range(span[0], size if len(range(span[0], size, span.step)) == len(span) else span[-1] + 1)
            for span, size in zip(spans, stored.shape, strict=True)
        ]
        stored = _slice(graph, stored, [span.start for span in inner], [len(span) for span in inner], name)
        none = schema.ActivationFunctionType.NONE
        return subsample(graph, stored, (spans[2].step, spans[3].step), name, activation=none)
    stepped = [axis for axis, span in enumerate(spans) if span.step != 1]
    if stored.dynamic is None and all(_is_every_nth(spans[axis], stored.shape[axis]) for axis in stepped):
        for axis in stepped:
            stored = every_nth(graph, stored, axis, spans[axis], name)
        rest = [range(len(span)) if axis in stepped else span for axis, span in enumerate(spans)]
        return _slice(graph, stored, [span.start for span in rest], shape, name)
    return _strided_slice(graph, stored, spans, name)


def every_nth(graph: Graph, stored: Stored, axis: int, lines: range, name: str) -> Stored:
    """Every n-th line of the whole axis: a SLICE of the view [.., size / n, n, ..], which XNNPACK takes.

    Args:
        graph: where the operators go.
        stored: without a dynamic axis.
        axis: in ONNX's order.
        lines: that are taken, of step n.
        name: of the result.
    """
    at, step = stored.order.index(axis), lines.step
    sizes = [stored.shape[a] for a in stored.order]
    view = (math.prod(sizes[:at]), sizes[at] // step, step, math.prod(sizes[at + 1 :]))
    flat = graph.reshape(stored, view, plain(4), name, dynamic=None)
    shape = [view[0], view[1], 1, view[3]]
    taken = _slice(graph, flat, [0, 0, lines.start, 0], shape, name)
    result = tuple(len(lines) if a == axis else size for a, size in enumerate(stored.shape))
    return graph.reshape(taken, result, stored.order, name, dynamic=None)


def _is_every_nth(lines: range, size: int) -> bool:
    return lines.step > 1 and lines.start < lines.step and len(lines) * lines.step == size


def along(graph: Graph, stored: Stored, axis: int, span: range, name: str) -> Stored:
    """`cut` along one axis."""
    return cut(graph, stored, [span if a == axis else range(size) for a, size in enumerate(stored.shape)], name)


def _join(graph: Graph, parts: Sequence[Stored], axis: int, name: str) -> Stored:
    if len(parts) == 1:
        return parts[0]
    options = schema.ConcatenationOptionsT()
    options.axis = parts[0].order.index(axis)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    tensors = [part.tensor for part in parts]
    return graph.add(_OP.CONCATENATION, tensors, name, parts[0], shape=shape, options=options)


def _slice(graph: Graph, stored: Stored, begin: list[int], shape: list[int], name: str) -> Stored:
    if tuple(shape) == stored.shape:
        return stored
    if stored.dynamic is not None:
        # SLICE would say size -1, which XNNPACK does not take; it takes STRIDED_SLICE with steps of 1.
        return _strided_slice(graph, stored, [range(b, b + size) for b, size in zip(begin, shape, strict=True)], name)
    inputs = [
        stored.tensor,
        graph.integers(f"{name}/begin", [begin[axis] for axis in stored.order]),
        graph.integers(f"{name}/size", [shape[axis] for axis in stored.order]),
    ]
    version = 5 if stored.rank > 4 else 1
    return graph.add(_OP.SLICE, inputs, name, stored, shape=shape, options=schema.SliceOptionsT(), version=version)


def _strided_slice(graph: Graph, stored: Stored, spans: Sequence[range], name: str) -> Stored:
    options = schema.StridedSliceOptionsT()
    for j, axis in enumerate(stored.order):
        # Bits that say "from the first" and "to the last": the size is unknown, or the end lies before the front.
        if axis == stored.dynamic:
            options.beginMask |= 1 << j
        if axis == stored.dynamic or spans[axis].stop < 0:
            options.endMask |= 1 << j
    ordered = [spans[axis] for axis in stored.order]
    inputs = [
        stored.tensor,
        graph.integers(f"{name}/begin", [span.start for span in ordered]),
        graph.integers(f"{name}/end", [span.stop for span in ordered]),
        graph.integers(f"{name}/strides", [span.step for span in ordered]),
    ]
    shape = [len(span) for span in spans]
    version = 4 if stored.rank > 4 else 1
    return graph.add(_OP.STRIDED_SLICE, inputs, name, stored, shape=shape, options=options, version=version)
