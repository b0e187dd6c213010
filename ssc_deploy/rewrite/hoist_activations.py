"""Moves activations directly after the convolution that feeds them.

    act(view(y))                         = view(act(y))                     (a Reshape or a Transpose)
    Concat(act(y_1), ..., act(y_n))      = act(Concat(y_1, ..., y_n))       (one use each, the same act)

for activations that work on each number alone. Group convolutions written as batched matrix products over a view, or as
branches that are concatenated, then look like a linear map followed by one activation, and `recognise_pointwise` finds
them; runtimes fuse an activation only into a direct neighbour. So the second holds for branches alone that make one
group convolution: with kernels of one shape, on pieces of one image. All others keep their activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Sequence

_PIECES = frozenset({"Gather", "Slice", "Split"})
_VIEWS = frozenset({"Reshape", "Transpose"})


class HoistActivations(ir.passes.InPlacePass):
    """Moves activations next to what feeds them; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        # The feature map that a value is a piece of, where it is one.
        wholes: dict[ir.Value, ir.Value] = {}
        for node in list(model.graph):
            if node.op_type in g.ACTIVATIONS:
                modified |= bool(above_views(node))
            elif node.op_type == "Concat":
                modified |= _below_concat(node, wholes)
            elif node.op_type in _PIECES and node.inputs[0] is not None:
                whole = wholes.get(node.inputs[0], node.inputs[0])
                wholes.update(dict.fromkeys(node.outputs, whole))
        return ir.passes.PassResult(model, modified)


def above_views(act: ir.Node) -> Sequence[ir.Node]:
    """Moves an activation before the views that stand between it and a convolution.

    Returns:
        the activation and the views that stand there now; none if nothing was moved.
    """
    views: list[ir.Node] = []
    data = act.inputs[0]
    while data is not None and g.used_once(data):
        view = data.producer()
        if view is None or view.op_type not in _VIEWS:
            break
        views.append(view)
        data = view.inputs[0]
    feeder, shape = data and data.producer(), g.shape_of(data)
    # Only towards a convolution: behind a matrix product, the view is what makes a feature map of its output.
    if not views or data is None or not feeder or feeder.op_type != "Conv" or shape is None:
        return []
    builder = Builder(act)
    value = builder.again(act, [data, *act.inputs[1:]], shape=shape)
    for view in reversed(views):
        out_shape = g.shape_of(view.outputs[0])
        if out_shape is None:
            return []
        value = builder.again(view, [value, *view.inputs[1:]], shape=out_shape)
    builder.replace(value, *views)
    return builder.nodes


def _below_concat(node: ir.Node, wholes: dict[ir.Value, ir.Value]) -> bool:
    acts = [value.producer() if value is not None and g.used_once(value) else None for value in node.inputs]
    first = acts[0]
    shape = g.shape_of(node.outputs[0])
    if first is None or first.op_type not in g.ACTIVATIONS or len(acts) < 2 or shape is None:
        return False
    for act in acts:
        if act is None or act.op_type != first.op_type or g.attributes(act) != g.attributes(first):
            return False
        if [_content(v) for v in act.inputs[1:]] != [_content(v) for v in first.inputs[1:]]:
            return False
    feeders = [act.inputs[0].producer() if act and act.inputs[0] else None for act in acts]
    if not _are_one_convolution(feeders, wholes):
        return False
    builder = Builder(node)
    joined = builder.again(node, [act.inputs[0] for act in acts if act], shape=shape)
    builder.replace(builder.again(first, [joined, *first.inputs[1:]], shape=shape), *(act for act in acts if act))
    return True


def _are_one_convolution(feeders: list[ir.Node | None], wholes: dict[ir.Value, ir.Value]) -> bool:
    """Whether the branches are convolutions with kernels of one shape, on pieces of one image."""
    seen: set[tuple[ir.Value, tuple[int, ...] | None] | None] = set()
    for node in feeders:
        data = node.inputs[0] if node is not None and node.op_type == "Conv" else None
        seen.add(None if node is None or data is None else (wholes.get(data, data), g.shape_of(node.inputs[1])))
    return len(seen) == 1 and None not in seen


def _content(value: ir.Value | None) -> bytes | ir.Value | None:
    array = g.constant(value)
    return value if array is None else array.tobytes()
