"""Pad, in all its modes.

    out[i] = in[i - before]                               inside
             the constant                                 mode constant
             in[0] and in[H - 1]                          mode edge
             in[before - i] and in[2 * (H - 1) - j]       mode reflect (j = i - before)
             in[(i - before) mod H]                       mode wrap

XNNPACK takes no MIRROR_PAD, so all modes but the first are lines that are cut out and joined, axis by axis. A negative
width cuts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators import padding
from ssc_deploy.emit.tflite.operators.pieces import along, join
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

#: What numpy calls the modes of ONNX that repeat what is there.
_MODES = {"edge": "edge", "reflect": "reflect", "wrap": "wrap"}


@operator("Pad")
def pad(graph: Graph, node: ir.Node) -> None:
    """PAD for zeros, PADV2 for another constant; SLICE and CONCATENATION for the modes edge, reflect and wrap.

    The module's docstring has the equation of each mode.
    """
    stored, output = graph.stored(node, 0), node.outputs[0]
    mode, name = node.attributes.get_string("mode", "constant"), name_of(output)
    widths = _widths(graph, node, stored.rank)
    if stored.dynamic is not None and any(widths[stored.dynamic]):
        raise refuse(node, "it pads the dynamic batch")
    for axis, (before, after) in enumerate(widths):
        size = stored.shape[axis]
        kept = range(max(0, -before), size - max(0, -after))
        if not kept:
            raise refuse(node, f"nothing is left of {list(stored.shape)}")
        stored = along(graph, stored, axis, kept, name)
    added = [(max(0, before), max(0, after)) for before, after in widths]
    if mode == "constant":
        if any(map(any, added)):
            stored = padding.pad(graph, stored, added, _value(graph, node), name)
    elif mode in _MODES:
        for axis, width in enumerate(added):
            lines = np.pad(np.arange(stored.shape[axis]), width, mode=_MODES[mode]).tolist()  # type: ignore[call-overload]
            before, size = width[0], stored.shape[axis]
            spans = [*_runs(lines[:before]), range(size), *_runs(lines[before + size :])]
            stored = join(graph, [along(graph, stored, axis, span, name) for span in spans], axis, name)
    else:
        raise refuse(node, f"its mode is {mode!r}, which is not known here")
    graph.define(output, stored)


def _widths(graph: Graph, node: ir.Node, rank: int) -> list[tuple[int, int]]:
    """(before, after) for each axis, from inputs or (until opset 10) attributes."""
    if "pads" in node.attributes:
        pads = list(node.attributes["pads"].as_ints())
    else:
        pads = [int(width) for width in graph.constant_input(node, 1)]
    axes = list(range(rank))
    if len(node.inputs) > 3 and node.inputs[3] is not None:
        axes = [int(axis) % rank for axis in graph.constant_input(node, 3)]
    widths = [(0, 0)] * rank
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        widths[axis] = (before, after)
    return widths


def _value(graph: Graph, node: ir.Node) -> float:
    if "pads" in node.attributes:
        return node.attributes.get_float("value", 0.0)
    has_value = len(node.inputs) > 2 and node.inputs[2] is not None
    return float(graph.float_input(node, 2).item()) if has_value else 0.0


def _runs(lines: list[int]) -> list[range]:
    """Lines in runs that go forward."""
    runs: list[range] = []
    for line in lines:
        if runs and runs[-1].stop == line:
            runs[-1] = range(runs[-1].start, line + 1)
        else:
            runs.append(range(line, line + 1))
    return runs
