"""Sets the batch of a graph that was captured with another one.

Pictures of a batch never mix in such a network, so along every edge the batch stays on one axis, with a factor:

    shape[axis] = factor * N            e.g. [N * 64, 9, 9] after Reshape(-1, 9, 9) of [N, 8, 8, 81]

Starting from the inputs ([N, C, H, W]: axis 0, factor 1) that is followed through each operator. Where it can be,
shapes are set from it and the constants of Reshape lose the captured batch; where it cannot, the graph is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy import roles
from ssc_deploy.errors import LoweringError
from ssc_deploy.rewrite import graph as g

if TYPE_CHECKING:
    from collections.abc import Callable

#: Name of the dynamic dimension in the file.
SYMBOL = "batch"


@dataclass(frozen=True)
class Carried:
    """Where a value carries the batch: ``shape[axis] = factor * N``."""

    axis: int
    factor: int


class _MixedError(Exception):
    """Why an operator cannot be followed, as the end of a sentence."""


def set_batch(model: ir.Model, batch: int | None) -> None:
    """Sets the batch of every input to ``batch`` (None: dynamic), and of all that follows from it.

    Raises:
        LoweringError: an operator would mix the pictures of a batch, or is not known not to; names it and its block.
    """
    captured = {(g.shape_of(value) or (0,))[0] for value in model.graph.inputs}
    if len(captured) != 1 or 0 in captured:
        raise LoweringError("the batch can be set only where all inputs have one and the same, and it is known")
    old = captured.pop()
    if batch == old:
        return
    carried = {value: Carried(0, 1) for value in model.graph.inputs}
    for node in model.graph:
        if not any(value in carried for value in node.inputs):
            continue
        rule = _RULES.get(node.op_type) if node.domain == "" else None
        try:
            if rule is None:
                raise _MixedError("it is not known to treat each picture by itself")
            place = rule(node, carried)
        except _MixedError as reason:
            raise LoweringError(
                f"the batch cannot be {'dynamic' if batch is None else batch}: {node.op_type} "
                f"{node.name or node.outputs[0].name} of block {roles.block(node) or '(root)'} stands in the way, "
                f"{reason}; export with batch {old}"
            ) from None
        if node.op_type == "Reshape":
            _free_reshape(node, carried[_data(node)], place)
        carried.update(dict.fromkeys(node.outputs, place))
    for value, place in carried.items():
        shape: list[int | str | None] = list(_static(value))
        shape[place.axis] = place.factor * batch if batch is not None else SYMBOL if place.factor == 1 else None
        value.shape = ir.Shape(shape)


def _free_reshape(node: ir.Node, before: Carried, after: Carried) -> None:
    """Replaces the captured batch in the constant of a Reshape by 0 (copy) or -1 (whatever is left)."""
    target = list(_static(node.outputs[0]))
    target[after.axis] = 0 if before == after else -1
    graph = node.graph
    assert graph is not None  # nodes come from walking a graph
    node.replace_input_with(1, g.initializer(graph, f"{node.outputs[0].name}/shape", np.array(target, np.int64)))
    node.attributes.pop("allowzero", None)  # 0 has to mean "copy"


_Place = dict[ir.Value, Carried]


def _data(node: ir.Node) -> ir.Value:
    value = node.inputs[0]
    assert value is not None  # the first input is never optional
    return value


def _static(value: ir.Value | None) -> tuple[int, ...]:
    shape = g.shape_of(value)
    if shape is None:
        raise _MixedError("it has no static shape")
    return shape


def _first(node: ir.Node, carried: _Place) -> Carried:
    """The batch of the first input; it must be the only one that carries one."""
    if _data(node) not in carried or any(value in carried for value in node.inputs[1:]):
        raise _MixedError("a parameter of it depends on the picture")
    return carried[_data(node)]


def _kept(node: ir.Node, carried: _Place) -> Carried:
    """Convolutions and poolings: the batch is axis 0."""
    place = _first(node, carried)
    if place.axis != 0:
        raise _MixedError("its batch is no longer the first axis")
    return place


def _broadcast(node: ir.Node, carried: _Place) -> Carried:
    """Elementwise operators: axes align from the right; a constant must not vary along the batch."""
    rank = len(_static(node.outputs[0]))
    places = {Carried(carried[v].axis + rank - len(_static(v)), carried[v].factor) for v in node.inputs if v in carried}
    if len(places) != 1:
        raise _MixedError("its inputs carry the batch on different axes")
    place = places.pop()
    for value in node.inputs:
        if value is not None and value not in carried:
            shape = _static(value)
            axis = place.axis - rank + len(shape)
            if axis >= 0 and shape[axis] != 1:
                raise _MixedError("a constant of it differs from picture to picture")
    return place


def _axis(node: ir.Node, carried: _Place, default: int) -> int:
    rank = next(len(_static(v)) for v in node.inputs if v in carried)
    return g.integer(node, "axis", default) % rank


def _concat(node: ir.Node, carried: _Place) -> Carried:
    places = {carried.get(value) for value in node.inputs if value is not None}
    place = places.pop()
    if places or place is None:
        raise _MixedError("its inputs carry the batch differently")
    return _off_axis(place, _axis(node, carried, 0))


def _off_axis(place: Carried, *axes: int) -> Carried:
    if place.axis in axes:
        raise _MixedError("it works along the batch")
    return place


def _along(default: int) -> Callable[[ir.Node, _Place], Carried]:
    """Operators that work along the attribute ``axis`` and keep the rank."""

    def rule(node: ir.Node, carried: _Place) -> Carried:
        return _off_axis(_first(node, carried), _axis(node, carried, default))

    return rule


def _gather(node: ir.Node, carried: _Place) -> Carried:
    place, axis = _first(node, carried), _axis(node, carried, 0)
    grown = len(_static(node.inputs[1])) - 1
    _off_axis(place, axis)
    return Carried(place.axis + grown, place.factor) if place.axis > axis else place


def _constant_axes(node: ir.Node, index: int) -> tuple[int, ...] | None:
    """Axes given by an input, or by the attribute of older opsets; None where neither is there."""
    value = node.inputs[index] if len(node.inputs) > index else None
    if value is None:
        return g.ints(node, "axes", ()) or None
    array = g.constant(value)
    if array is None:
        raise _MixedError("its axes are no constant")
    return tuple(int(i) for i in array)


def _slice(node: ir.Node, carried: _Place) -> Carried:
    place, rank = _first(node, carried), len(_static(_data(node)))
    starts = g.constant(node.inputs[1])
    axes = _constant_axes(node, 3)
    if axes is None:
        axes = tuple(range(rank if starts is None else len(starts)))
    if _static(_data(node))[place.axis] != _static(node.outputs[0])[place.axis]:
        raise _MixedError("it cuts the batch")
    return _off_axis(place, *(a % rank for a in axes))


def _pad(node: ir.Node, carried: _Place) -> Carried:
    place = _first(node, carried)
    if _static(_data(node))[place.axis] != _static(node.outputs[0])[place.axis]:
        raise _MixedError("it pads the batch")
    return place


def _reduce(node: ir.Node, carried: _Place) -> Carried:
    place, rank = _first(node, carried), len(_static(_data(node)))
    axes = tuple(a % rank for a in _constant_axes(node, 1) or range(rank))
    _off_axis(place, *axes)
    if g.integer(node, "keepdims", 1):
        return place
    return Carried(place.axis - sum(a < place.axis for a in axes), place.factor)


def _squeeze(node: ir.Node, carried: _Place) -> Carried:
    place, shape = _first(node, carried), _static(_data(node))
    axes = _constant_axes(node, 1)
    gone = [i for i, d in enumerate(shape) if d == 1] if axes is None else [a % len(shape) for a in axes]
    _off_axis(place, *gone)
    return Carried(place.axis - sum(a < place.axis for a in gone), place.factor)


def _unsqueeze(node: ir.Node, carried: _Place) -> Carried:
    place, rank = _first(node, carried), len(_static(node.outputs[0]))
    new = {a % rank for a in _constant_axes(node, 1) or ()}
    return Carried([a for a in range(rank) if a not in new][place.axis], place.factor)


def _transpose(node: ir.Node, carried: _Place) -> Carried:
    place, rank = _first(node, carried), len(_static(_data(node)))
    return Carried(g.ints(node, "perm", range(rank)[::-1]).index(place.axis), place.factor)


def _flatten(node: ir.Node, carried: _Place) -> Carried:
    place = _kept(node, carried)
    if _axis(node, carried, 1) != 1:
        raise _MixedError("it flattens the batch")
    return place


def _reshape(node: ir.Node, carried: _Place) -> Carried:
    """What stands before the batch has to stay; then N * factor leads the rest in row-major order, before and after.

    So [*lead, N * f, *rest] may become [*lead, N * f', *rest'] for any f' with f * |rest| = f' * |rest'|.
    """
    place, before, after = _first(node, carried), _static(_data(node)), _static(node.outputs[0])
    old = before[place.axis] // place.factor
    if g.constant(node.inputs[1]) is None or before[: place.axis] != after[: place.axis] or len(after) <= place.axis:
        raise _MixedError("it moves the batch in a way that cannot be followed")
    if after[place.axis] % old or not after[place.axis]:
        raise _MixedError("it cuts the batch")
    return Carried(place.axis, after[place.axis] // old)


def _gemm(node: ir.Node, carried: _Place) -> Carried:
    if g.integer(node, "transA", 0):
        raise _MixedError("it sums over the batch")
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if bias is not None and len(_static(bias)) == 2 and _static(bias)[0] != 1:
        raise _MixedError("a constant of it differs from picture to picture")
    return _kept(node, carried)


def _matmul(node: ir.Node, carried: _Place) -> Carried:
    """Batch on a row of the left, a column of the right, or on a leading axis (which broadcasts)."""
    left, right = (_static(v) for v in node.inputs)
    rank = len(_static(node.outputs[0]))
    if min(len(left), len(right)) < 2:
        raise _MixedError("one of its sides is a vector")
    places = set()
    for value, shape, summed in zip(node.inputs, (left, right), (len(left) - 1, len(right) - 2), strict=True):
        if value in carried:
            place = _off_axis(carried[value], summed)
            places.add(Carried(place.axis + rank - len(shape), place.factor))
    if len(places) != 1:
        raise _MixedError("its inputs carry the batch on different axes")
    place = places.pop()
    for value, shape in zip(node.inputs, (left, right), strict=True):
        axis = place.axis - rank + len(shape)
        stands = value in carried or axis < 0 or axis >= len(shape) - 2 or shape[axis] == 1
        both = all(v in carried for v in node.inputs) and place.axis >= rank - 2
        if not stands or both:
            raise _MixedError("one of its sides differs from picture to picture")
    return place


_ELEMENTWISE = (
    "Abs Add Cast Clip Div Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Min Mish Mul Neg PRelu "
    "Pow Reciprocal Relu Selu Sigmoid Softplus Sqrt Sub Tanh Where"
)
_SPATIAL = (
    "AveragePool BatchNormalization Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalMaxPool "
    "InstanceNormalization LRN MaxPool SpaceToDepth"
)
_REDUCTIONS = "ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"

_RULES: dict[str, Callable[[ir.Node, _Place], Carried]] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _broadcast),
    **dict.fromkeys(_SPATIAL.split(), _kept),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    "Concat": _concat,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "LogSoftmax": _along(-1),
    "MatMul": _matmul,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _along(-1),
    "Split": _along(0),
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
