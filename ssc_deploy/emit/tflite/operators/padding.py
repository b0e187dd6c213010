"""PAD and PADV2, which several operators need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Stored
    from ssc_deploy.emit.tflite.window import Window


def pad_feature_map(graph: Graph, feature_map: Stored, window: Window, value: float, name: str) -> Stored:
    """Puts the window's padding around a feature map."""
    widths = [(0, 0), (0, 0), *zip(window.before, window.after, strict=True)]
    return pad(graph, feature_map, widths, value, name)


def pad(graph: Graph, stored: Stored, widths: Sequence[tuple[int, int]], value: float, name: str) -> Stored:
    """Adds ``widths`` (before, after) of ``value`` to each axis, in ONNX's order of axes.

    Only PAD, with zeros, is taken by XNNPACK.
    """
    shape = [size + before + after for size, (before, after) in zip(stored.shape, widths, strict=True)]
    inputs = [stored.tensor, graph.integers(f"{name}/paddings", [widths[axis] for axis in stored.order])]
    version = 4 if stored.rank > 4 else 1
    if value == 0:
        options, code = schema.PadOptionsT(), schema.BuiltinOperator.PAD
    else:
        options, code = schema.PadV2OptionsT(), schema.BuiltinOperator.PADV2
        inputs.append(graph.floats(f"{name}/value", [value]))
    return graph.add(code, inputs, name, stored, shape=shape, options=options, version=version)
