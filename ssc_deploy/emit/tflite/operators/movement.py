"""Operators that move numbers without changing them: bit-exact, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators import padding
from ssc_deploy.emit.tflite.operators.subsample import subsample
from ssc_deploy.emit.tflite.order import IMAGE, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator

#: XNNPACK takes a CONCATENATION of no more inputs (5 in LiteRT 2.3, 4 in tflite-runtime 2.14); more are joined as a
#: tree, so that they stay in the delegate.
_CONCATENATION_INPUTS = 4


@operator("Concat")
def concat(graph: Graph, node: ir.Node) -> None:
    """CONCATENATION, a tree of them for many inputs."""
    parts = _parts(graph, node)
    axis = node.attributes["axis"].as_int() % parts[0].rank
    name = name_of(node.outputs[0])
    while len(parts) > 1:
        groups = [parts[i : i + _CONCATENATION_INPUTS] for i in range(0, len(parts), _CONCATENATION_INPUTS)]
        parts = [_join(graph, group, axis, name) for group in groups]
    graph.define(node.outputs[0], parts[0])


@operator("Split")
def split(graph: Graph, node: ir.Node) -> None:
    """One SLICE an output: XNNPACK takes SPLIT only for few and equal parts, and unused outputs cost nothing so."""
    stored = graph.stored(node, 0)
    axis = node.attributes.get_int("axis", 0) % stored.rank
    if "split" in node.attributes:
        sizes = list(node.attributes["split"].as_ints())
    elif len(node.inputs) > 1 and node.inputs[1] is not None:
        sizes = [int(size) for size in graph.constant_input(node, 1)]
    else:
        part = -(-stored.shape[axis] // len(node.outputs))
        sizes = [min(part, stored.shape[axis] - i * part) for i in range(len(node.outputs))]
    if stored.dynamic == axis:
        raise refuse(node, "it splits the dynamic batch")
    start = 0
    for output, size in zip(node.outputs, sizes, strict=True):
        if output.uses() or output.is_graph_output():
            begin = [start if a == axis else 0 for a in range(stored.rank)]
            shape = [size if a == axis else s for a, s in enumerate(stored.shape)]
            graph.define(output, _slice(graph, stored, begin, shape, name_of(output)))
        start += size


@operator("Slice")
def slice_(graph: Graph, node: ir.Node) -> None:
    """SLICE, or STRIDED_SLICE where a step is not 1 or the batch is dynamic; steps over a picture see `subsample`."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    spans = [slice(0, size, 1) for size in stored.shape]
    for axis, span in _slices(graph, node, stored.rank).items():
        if axis == stored.dynamic:
            raise refuse(node, "it cuts the dynamic batch")
        spans[axis] = slice(*span.indices(stored.shape[axis]))
    shape = [len(range(span.start, span.stop, span.step)) for span in spans]
    if 0 in shape:
        raise refuse(node, f"nothing is left of {list(stored.shape)}")
    if all(span.step == 1 for span in spans):
        result = _slice(graph, stored, [span.start for span in spans], shape, name_of(output))
    elif stored.order == IMAGE and _is_every_nth_pixel(spans, stored):
        none = schema.ActivationFunctionType.NONE
        result = subsample(graph, stored, (spans[2].step, spans[3].step), name_of(output), activation=none)
    else:
        result = _strided_slice(graph, stored, spans, shape, name_of(output))
    graph.define(output, result)


@operator("Pad")
def pad(graph: Graph, node: ir.Node) -> None:
    """PAD for zeros, PADV2 for another constant."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    mode = node.attributes.get_string("mode", "constant")
    if mode != "constant":
        raise refuse(node, f"its mode is {mode!r}, and only 'constant' is known here")
    if "pads" in node.attributes:
        pads, value = list(node.attributes["pads"].as_ints()), node.attributes.get_float("value", 0.0)
    else:
        pads = [int(width) for width in graph.constant_input(node, 1)]
        has_value = len(node.inputs) > 2 and node.inputs[2] is not None
        value = float(graph.float_input(node, 2).item()) if has_value else 0.0
    axes = list(range(stored.rank))
    if len(node.inputs) > 3 and node.inputs[3] is not None:
        axes = [int(axis) % stored.rank for axis in graph.constant_input(node, 3)]
    widths = [(0, 0)] * stored.rank
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        if before < 0 or after < 0:
            raise refuse(node, f"its padding {pads} is negative; write the cut as a Slice")
        if axis == stored.dynamic and (before or after):
            raise refuse(node, "it pads the dynamic batch")
        widths[axis] = (before, after)
    if any(before or after for before, after in widths):
        stored = padding.pad(graph, stored, widths, value, name_of(output))
    graph.define(output, stored)


@operator("Gather")
def gather(graph: Graph, node: ir.Node) -> None:
    """GATHER with constant indices; no XNNPACK takes it."""
    stored, output = graph.stored(node, 0), node.outputs[0]
    axis = node.attributes.get_int("axis", 0) % stored.rank
    indices = graph.constant_input(node, 1)
    if axis == stored.dynamic:
        raise refuse(node, "it gathers from the dynamic batch")
    indices = np.where(indices < 0, indices + stored.shape[axis], indices)
    if indices.ndim != 1:
        # The rank changes, so nothing but ONNX's own order of axes has a meaning afterwards.
        stored = graph.need(node, 0, plain(stored.rank))
    options = schema.GatherOptionsT()
    options.axis = stored.order.index(axis)
    inputs = [stored.tensor, graph.integers(f"{name_of(output)}/indices", indices.astype(np.int32))]
    shape = (*stored.shape[:axis], *indices.shape, *stored.shape[axis + 1 :])
    dynamic = stored.dynamic
    if dynamic is not None and dynamic > axis:
        dynamic += indices.ndim - 1
    order = stored.order if indices.ndim == 1 else plain(len(shape))
    like = Stored(-1, shape, order, dynamic)
    graph.define(output, graph.add(_OP.GATHER, inputs, name_of(output), like, options=options))


@operator("DepthToSpace")
def depth_to_space(graph: Graph, node: ir.Node) -> None:
    """DEPTH_TO_SPACE, which counts channels as ONNX's mode DCR does."""
    picture = graph.need(node, 0, IMAGE)
    block, name = node.attributes["blocksize"].as_int(), name_of(node.outputs[0])
    if node.attributes.get_string("mode", "DCR") != "DCR":
        raise refuse(node, "its mode is 'CRD', and only 'DCR' is known here")
    n, channels, height, width = picture.shape
    options = schema.DepthToSpaceOptionsT()
    options.blockSize = block
    shape = (n, channels // block**2, height * block, width * block)
    result = graph.add(_OP.DEPTH_TO_SPACE, [picture.tensor], name, picture, shape=shape, options=options)
    graph.define(node.outputs[0], result)


def _parts(graph: Graph, node: ir.Node) -> list[Stored]:
    """The inputs of a Concat in one order of axes, constants included."""
    constants = [graph.constant(value) for value in node.inputs]
    computed = [graph.stored(node, i) for i, array in enumerate(constants) if array is None]
    if not computed:
        raise refuse(node, "all its inputs are constants; fold constants before emission")
    usual = canonical(computed[0].rank)
    order = usual if any(stored.order == usual for stored in computed) else computed[0].order
    parts = []
    for i, array in enumerate(constants):
        if array is None:
            parts.append(graph.need(node, i, order))
        else:
            tensor = graph.floats(name_of(node.inputs[i]), graph.float_input(node, i).transpose(order))
            parts.append(Stored(tensor, array.shape, order, None))
    if any(stored.dynamic is not None for stored in computed) and len(computed) != len(parts):
        raise refuse(node, "it joins a constant to a value with a dynamic batch; export with a fixed one")
    return parts


def _join(graph: Graph, parts: list[Stored], axis: int, name: str) -> Stored:
    if len(parts) == 1:
        return parts[0]
    options = schema.ConcatenationOptionsT()
    options.axis = parts[0].order.index(axis)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    tensors = [part.tensor for part in parts]
    return graph.add(_OP.CONCATENATION, tensors, name, parts[0], shape=shape, options=options)


def _slices(graph: Graph, node: ir.Node, rank: int) -> dict[int, slice]:
    """What a Slice cuts from each axis, from inputs or (until opset 9) attributes."""
    if "starts" in node.attributes:
        starts = list(node.attributes["starts"].as_ints())
        ends = list(node.attributes["ends"].as_ints())
        axes = list(node.attributes.get_ints("axes", range(len(starts))))
        steps = [1] * len(starts)
    else:
        given = [
            graph.constant_input(node, i) if i < len(node.inputs) and node.inputs[i] else None for i in range(1, 5)
        ]
        starts, ends, axes, steps = ([] if array is None else [int(n) for n in array] for array in given)
        axes, steps = axes or list(range(len(starts))), steps or [1] * len(starts)
    # A negative start or end counts from the back, as in Python; the end of a backward slice may lie before the front.
    spans = zip(axes, starts, ends, steps, strict=True)
    return {axis % rank: slice(start, end, step) for axis, start, end, step in spans}


def _is_every_nth_pixel(spans: list[slice], stored: Stored) -> bool:
    whole = all(span == slice(0, size, 1) for span, size in zip(spans[:2], stored.shape[:2], strict=True))
    pixels = zip(spans[2:], stored.shape[2:], strict=True)
    return whole and all(
        span.step > 0 and range(span.start, span.stop, span.step) == range(0, size, span.step) for span, size in pixels
    )


def _slice(graph: Graph, stored: Stored, begin: list[int], shape: list[int], name: str) -> Stored:
    if tuple(shape) == stored.shape:
        return stored
    if stored.dynamic is not None:
        # SLICE would say size -1, which XNNPACK does not take; it takes STRIDED_SLICE with steps of 1.
        spans = [slice(start, start + size, 1) for start, size in zip(begin, shape, strict=True)]
        return _strided_slice(graph, stored, spans, shape, name)
    inputs = [
        stored.tensor,
        graph.integers(f"{name}/begin", [begin[axis] for axis in stored.order]),
        graph.integers(f"{name}/size", [shape[axis] for axis in stored.order]),
    ]
    version = 5 if stored.rank > 4 else 1
    return graph.add(_OP.SLICE, inputs, name, stored, shape=shape, options=schema.SliceOptionsT(), version=version)


def _strided_slice(graph: Graph, stored: Stored, spans: list[slice], shape: list[int], name: str) -> Stored:
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
    version = 4 if stored.rank > 4 else 1
    return graph.add(_OP.STRIDED_SLICE, inputs, name, stored, shape=shape, options=options, version=version)
