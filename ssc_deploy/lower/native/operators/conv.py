"""Convolutions, shifts among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.lower.native import rows
from ssc_deploy.lower.native.epilogue import epilogue
from ssc_deploy.lower.native.held import Planes, View, planes_of
from ssc_deploy.lower.native.margins import displacements, reach
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.lower.native.staging import Window, stage
from ssc_deploy.lower.native.writing import Offsets
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir


@operator("Conv")
def conv(planner: Planner, node: ir.Node) -> None:
    """Linear rows, or a depthwise kernel, over planes with margins; a shift is no more than other places of planes."""
    movement = canonical.movement_of(node)
    if roles.role(node) is roles.Role.SHIFT and movement is not None and len(known.shape(node.inputs[0])) == 4:
        held = planner.held(node.inputs[0])
        by = displacements(node)
        ready = planes_of(held) if isinstance(held, View) and held.displaced == tuple(by) else None
        _shift(planner, node, ready or planner.with_margin(node.inputs[0], reach(node)), by)
        return
    weights = planner.array(node, 1, "kernel")
    bias = planner.array(node, 2, "bias")
    assert weights is not None
    shape, out = known.shape(node.inputs[0]), known.shape(node.outputs[0])
    if len(shape) != 4:
        raise refuse(node, "it goes over a line or a volume, and the engine takes images")
    window = window_of(node, weights.shape[2:], out[2:])
    groups = g.integer(node, "group", 1)
    offsets = np.zeros(len(weights), np.float32) if bias is None else bias
    _convolve(
        planner,
        node.outputs[0],
        planner.planes(node.inputs[0]),
        weights=weights,
        bias=offsets,
        groups=groups,
        window=window,
        margin=reach(node),
    )


def window_of(node: ir.Node, kernel: tuple[int, ...], size: tuple[int, ...]) -> Window:
    """The windows of a node with the attributes of a Conv.

    Raises:
        UnsupportedOperatorError: its padding is not known.
    """
    if node.attributes.get_string("auto_pad", "NOTSET") not in {"NOTSET", "VALID"}:
        raise refuse(node, "it has auto_pad; write its padding in numbers")
    pads = g.ints(node, "pads", (0,) * 4)
    return Window(
        (kernel[0], kernel[1]),
        (g.ints(node, "strides", (1, 1))[0], g.ints(node, "strides", (1, 1))[1]),
        (g.ints(node, "dilations", (1, 1))[0], g.ints(node, "dilations", (1, 1))[1]),
        (pads[0], pads[1], pads[2], pads[3]),
        (size[0], size[1]),
    )


def _shift(planner: Planner, node: ir.Node, x: Planes, displaced: list[tuple[int, int]]) -> None:
    """Other places of the planes that are there."""
    out = known.shape(node.outputs[0])
    by = [down * x.pitch + across for down, across in displaced]
    refs = [(storage, offset + by[i % len(by)]) for i, (storage, offset) in enumerate(x.refs)]
    planner.set(node.outputs[0], Planes(out, tuple(refs), x.pitch, x.margin, shifted=True))


def _convolve(
    planner: Planner,
    value: ir.Value,
    x: Planes,
    *,
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    groups: int,
    window: Window,
    margin: int,
) -> None:
    m, k = len(weights) // groups, weights.shape[1]
    n, channels, height, width = x.shape
    if k == m == 1 and window.kernel != (1, 1) and window.strides[0] == window.strides[1]:
        depthwise(planner, value, x, weights=weights, bias=bias, window=window, margin=margin)
        return
    tail = epilogue(planner, value, adds=True)
    plain = window.strides == (1, 1) and window.size == (height, width)
    if plain and (x.margin < margin or (x.shifted and margin)):
        plain = False
    if plain:
        taps = [
            ky * window.dilations[0] * x.pitch + kx * window.dilations[1] - window.pads[0] * x.pitch - window.pads[1]
            for ky in range(window.kernel[0])
            for kx in range(window.kernel[1])
        ]
        pitch, by_tap = x.pitch, [[(one, offset + tap) for one, offset in x.refs] for tap in taps]
    else:
        staged = stage(planner, x, window)
        pitch, by_tap = staged.pitch, [list(refs) for refs in staged.taps]
    images = [
        rows.Rows(tuple(refs[image * channels + c] for c in range(channels) for refs in by_tap), pitch)
        for image in range(n)
    ]
    rows.emit(planner, images, weights.reshape(groups, m, -1), bias.reshape(groups, m), tail)


def depthwise(
    planner: Planner,
    value: ir.Value,
    x: Planes,
    *,
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    window: Window,
    margin: int,
) -> None:
    """Plans a depthwise convolution of one stride, and what follows it.

    Args:
        planner: the plan.
        value: the result.
        x: what is read.
        weights: [C, 1, kh, kw].
        bias: [C].
        window: that goes over it.
        margin: that the window reads beyond the edge; 0 where it reads none, or where x is copied before.
    """
    tail = epilogue(planner, value, adds=False)
    if (x.margin >= margin > 0 and not x.shifted) or margin == 0:
        pitch = x.pitch
        back = window.pads[0] * pitch + window.pads[1]
        refs = [(storage, offset - back) for storage, offset in x.refs]
    else:
        # Copied with its padding; the kernel itself has the stride.
        tall, wide = ((size - 1) * stride + 1 for size, stride in zip(window.size, window.strides, strict=True))
        staged = stage(planner, x, Window(window.kernel, (1, 1), window.dilations, window.pads, (tall, wide)))
        pitch, refs = staged.pitch, list(staged.taps[0])
    result = planner.output(tail.value)
    targets = planes_of(result)
    assert targets is not None
    channels = len(weights)
    taps = table(
        [
            ky * window.dilations[0] * pitch + kx * window.dilations[1]
            for ky in range(window.kernel[0])
            for kx in range(window.kernel[1])
        ]
    )
    packed = planner.constant(np.concatenate([bias[:, None], weights.reshape(channels, -1)], 1))
    size = window.size
    if window.strides[0] == 1 and pitch == result.strides[2] and not result.margin:
        # One row: its floats between the planes' rows are read by nobody, and small planes fill whole vectors.
        size = 1, (size[0] - 1) * pitch + size[1]
    for image in range(x.shape[0]):
        mine = slice(image * channels, (image + 1) * channels)
        sources, outs = Offsets(tuple(refs[mine])), Offsets(targets.refs[mine])
        planner.step(
            Kind.DEPTHWISE,
            *(channels, len(taps.numbers), *size, window.strides[0], pitch, result.strides[2]),
            *(sources.base, outs.base, at(packed), taps, sources, outs, tail.low, tail.high),
        )
    planner.set(tail.value, result)
