"""Operators that move numbers without changing them: bit-exact, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.pieces import along, cut, join
from ssc_deploy.emit.tflite.order import IMAGE, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("Concat")
def concat(graph: Graph, node: ir.Node) -> None:
    """CONCATENATION; a tree of them for more than four inputs."""
    parts = _parts(graph, node)
    axis = node.attributes["axis"].as_int() % parts[0].rank
    name = name_of(node.outputs[0])
    graph.define(node.outputs[0], join(graph, parts, axis, name))


@operator("Split")
def split(graph: Graph, node: ir.Node) -> None:
    """One SLICE for each output.

    XNNPACK takes SPLIT only for few and equal parts, and an output that is not used costs nothing this way.
    """
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
            graph.define(output, along(graph, stored, axis, range(start, start + size), name_of(output)))
        start += size


@operator("Slice")
def slice_(graph: Graph, node: ir.Node) -> None:
    """SLICE; STRIDED_SLICE where a step is not 1, and a depthwise 1x1 for steps over height and width.

    See `pieces.cut`.
    """
    stored, output = graph.stored(node, 0), node.outputs[0]
    spans = [range(size) for size in stored.shape]
    for axis, span in _slices(graph, node, stored.rank).items():
        if axis == stored.dynamic:
            raise refuse(node, "it cuts the dynamic batch")
        spans[axis] = range(*span.indices(stored.shape[axis]))
    if any(not span for span in spans):
        raise refuse(node, f"nothing is left of {list(stored.shape)}")
    graph.define(output, cut(graph, stored, spans, name_of(output)))


@operator("Tile")
def tile(graph: Graph, node: ir.Node) -> None:
    """CONCATENATION of copies, axis by axis.

    XNNPACK takes no TILE.
    """
    stored, output = graph.stored(node, 0), node.outputs[0]
    for axis, count in enumerate(int(n) for n in graph.constant_input(node, 1)):
        if axis == stored.dynamic and count != 1:
            raise refuse(node, "it repeats the dynamic batch")
        if not count:
            raise refuse(node, f"nothing is left of {list(stored.shape)}")
        stored = join(graph, [stored] * count, axis, name_of(output))
    graph.define(output, stored)


@operator("Trilu")
def trilu(graph: Graph, node: ir.Node) -> None:
    """MUL by a triangle of ones."""
    f = Formula(graph, node)
    x = f.input(0)
    rows, columns = f.shape(x)[-2:]
    k = int(graph.constant_input(node, 1).item()) if f.has_input(1) else 0
    ones = np.ones((rows, columns), f.dtype(x))
    f.give(f.op("Mul", x, np.triu(ones, k) if node.attributes.get_int("upper", 1) else np.tril(ones, k)))


@operator("DepthToSpace")
def depth_to_space(graph: Graph, node: ir.Node) -> None:
    """DEPTH_TO_SPACE, which counts channels as ONNX's mode DCR does; of mode CRD, behind a TRANSPOSE of channels.

    DCR: channel = (row in the block * b + column in the block) * C + c;  CRD: channel = c * b * b + row * b + column
    """
    image = graph.need(node, 0, IMAGE)
    block, name = node.attributes["blocksize"].as_int(), name_of(node.outputs[0])
    n, channels, height, width = image.shape
    if node.attributes.get_string("mode", "DCR") == "CRD":
        dynamic = None if image.dynamic is None else 0
        view = (n * height * width, channels // block**2, block**2)
        pixels = graph.reshape(image, view, plain(3), name, dynamic=dynamic).transposed((0, 2, 1))
        image = graph.reshape(graph.reorder(pixels, plain(3), name), image.shape, IMAGE, name, dynamic=image.dynamic)
    options = schema.DepthToSpaceOptionsT()
    options.blockSize = block
    shape = (n, channels // block**2, height * block, width * block)
    result = graph.add(_OP.DEPTH_TO_SPACE, [image.tensor], name, image, shape=shape, options=options)
    graph.define(node.outputs[0], result)


@operator("SpaceToDepth")
def space_to_depth(graph: Graph, node: ir.Node) -> None:
    """SPACE_TO_DEPTH, which counts channels as ONNX does."""
    image = graph.need(node, 0, IMAGE)
    block, name = node.attributes["blocksize"].as_int(), name_of(node.outputs[0])
    n, channels, height, width = image.shape
    options = schema.SpaceToDepthOptionsT()
    options.blockSize = block
    shape = (n, channels * block**2, height // block, width // block)
    result = graph.add(_OP.SPACE_TO_DEPTH, [image.tensor], name, image, shape=shape, options=options)
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
