"""How the batch goes through each operator: where its outputs carry it, given where its inputs do.

    shape[axis] = factor * N

A rule is a short function a kind of operator; what has no rule is not known to treat each image by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Carried:
    """Where a value carries the batch: ``shape[axis] = factor * N``."""

    axis: int
    factor: int


class MixedError(Exception):
    """Why an operator cannot be followed, as the end of a sentence."""


#: Where each value that depends on the images carries the batch.
Place = dict[ir.Value, Carried]


def static_shape(value: ir.Value | None) -> tuple[int, ...]:
    """The shape with the captured batch.

    Raises:
        MixedError: it is not known.
    """
    shape = g.shape_of(value)
    if shape is None:
        raise MixedError("it has no static shape")
    return shape


def _first(node: ir.Node, carried: Place) -> Carried:
    """The batch of the first input; it must be the only one that carries one."""
    if known.data(node) not in carried or any(value in carried for value in node.inputs[1:]):
        raise MixedError("a parameter of it depends on the image")
    return carried[known.data(node)]


def _kept(node: ir.Node, carried: Place) -> Carried:
    """Convolutions and poolings: the batch is axis 0."""
    place = _first(node, carried)
    if place.axis != 0:
        raise MixedError("its batch is no longer the first axis")
    return place


def _broadcast(node: ir.Node, carried: Place) -> Carried:
    """Elementwise operators: axes align from the right; a constant must not vary along the batch."""
    rank = len(static_shape(node.outputs[0]))
    places = {
        Carried(carried[v].axis + rank - len(static_shape(v)), carried[v].factor) for v in node.inputs if v in carried
    }
    if len(places) != 1:
        raise MixedError("its inputs carry the batch on different axes")
    place = places.pop()
    for value in node.inputs:
        if value is not None and value not in carried:
            shape = static_shape(value)
            axis = place.axis - rank + len(shape)
            if axis >= 0 and shape[axis] != 1:
                raise MixedError("a constant of it differs from image to image")
    return place


def _axis(node: ir.Node, carried: Place, default: int) -> int:
    rank = next(len(static_shape(v)) for v in node.inputs if v in carried)
    return g.integer(node, "axis", default) % rank


def _concat(node: ir.Node, carried: Place) -> Carried:
    places = {carried.get(value) for value in node.inputs if value is not None}
    place = places.pop()
    if places or place is None:
        raise MixedError("its inputs carry the batch differently")
    return _off_axis(place, _axis(node, carried, 0))


def _off_axis(place: Carried, *axes: int) -> Carried:
    if place.axis in axes:
        raise MixedError("it works along the batch")
    return place


def _along(default: int) -> Callable[[ir.Node, Place], Carried]:
    """Operators that work along the attribute ``axis`` and keep the rank."""

    def rule(node: ir.Node, carried: Place) -> Carried:
        return _off_axis(_first(node, carried), _axis(node, carried, default))

    return rule


def _gather(node: ir.Node, carried: Place) -> Carried:
    place, axis = _first(node, carried), _axis(node, carried, 0)
    grown = len(static_shape(node.inputs[1])) - 1
    _off_axis(place, axis)
    return Carried(place.axis + grown, place.factor) if place.axis > axis else place


def _constant_axes(node: ir.Node, index: int) -> tuple[int, ...] | None:
    """Axes given by an input, or by the attribute of older opsets; None if neither is there."""
    value = node.inputs[index] if len(node.inputs) > index else None
    if value is None:
        return g.ints(node, "axes", ()) or None
    array = g.constant(value)
    if array is None:
        raise MixedError("its axes are not constant")
    return tuple(int(i) for i in array)


def _slice(node: ir.Node, carried: Place) -> Carried:
    place, rank = _first(node, carried), len(static_shape(known.data(node)))
    starts = g.constant(node.inputs[1])
    axes = _constant_axes(node, 3)
    if axes is None:
        axes = tuple(range(rank if starts is None else len(starts)))
    if static_shape(known.data(node))[place.axis] != static_shape(node.outputs[0])[place.axis]:
        raise MixedError("it cuts the batch")
    return _off_axis(place, *(a % rank for a in axes))


def _pad(node: ir.Node, carried: Place) -> Carried:
    place = _first(node, carried)
    if static_shape(known.data(node))[place.axis] != static_shape(node.outputs[0])[place.axis]:
        raise MixedError("it changes the size of the batch")
    return place


def _reduce(node: ir.Node, carried: Place) -> Carried:
    place, rank = _first(node, carried), len(static_shape(known.data(node)))
    axes = tuple(a % rank for a in _constant_axes(node, 1) or range(rank))
    _off_axis(place, *axes)
    if g.integer(node, "keepdims", 1):
        return place
    return Carried(place.axis - sum(a < place.axis for a in axes), place.factor)


def _arg_max(node: ir.Node, carried: Place) -> Carried:
    place, axis = _first(node, carried), _axis(node, carried, 0)
    _off_axis(place, axis)
    dropped = not g.integer(node, "keepdims", 1) and axis < place.axis
    return Carried(place.axis - dropped, place.factor)


def _cumulative_sum(node: ir.Node, carried: Place) -> Carried:
    place, axis = _first(node, carried), g.constant(node.inputs[1])
    if axis is None:
        raise MixedError("its axis is not a constant")
    return _off_axis(place, int(axis.item()) % len(static_shape(known.data(node))))


def _layer_normalization(node: ir.Node, carried: Place) -> Carried:
    """All axes from ``axis`` on are normalised together."""
    place, rank = _first(node, carried), len(static_shape(known.data(node)))
    return _off_axis(place, *range(_axis(node, carried, -1), rank))


def _resize(node: ir.Node, carried: Place) -> Carried:
    place = _pad(node, carried)
    if len(node.inputs) > 3 and node.inputs[3] is not None and place.axis in g.ints(node, "axes", (place.axis,)):
        raise MixedError("it is told the size of the batch")
    return place


def _squeeze(node: ir.Node, carried: Place) -> Carried:
    place, shape = _first(node, carried), static_shape(known.data(node))
    axes = _constant_axes(node, 1)
    gone = [i for i, d in enumerate(shape) if d == 1] if axes is None else [a % len(shape) for a in axes]
    _off_axis(place, *gone)
    return Carried(place.axis - sum(a < place.axis for a in gone), place.factor)


def _unsqueeze(node: ir.Node, carried: Place) -> Carried:
    place, rank = _first(node, carried), len(static_shape(node.outputs[0]))
    new = {a % rank for a in _constant_axes(node, 1) or ()}
    return Carried([a for a in range(rank) if a not in new][place.axis], place.factor)


def _transpose(node: ir.Node, carried: Place) -> Carried:
    place, rank = _first(node, carried), len(static_shape(known.data(node)))
    return Carried(g.ints(node, "perm", range(rank)[::-1]).index(place.axis), place.factor)


def _flatten(node: ir.Node, carried: Place) -> Carried:
    place = _kept(node, carried)
    if _axis(node, carried, 1) != 1:
        raise MixedError("it flattens the batch")
    return place


def _reshape(node: ir.Node, carried: Place) -> Carried:
    """What stands before the batch has to stay; then N * factor leads the rest in row-major order, before and after.

    So [*lead, N * f, *rest] may become [*lead, N * f', *rest'] for any f' with f * |rest| = f' * |rest'|.
    """
    place, before, after = _first(node, carried), static_shape(known.data(node)), static_shape(node.outputs[0])
    old = before[place.axis] // place.factor
    if g.constant(node.inputs[1]) is None or before[: place.axis] != after[: place.axis] or len(after) <= place.axis:
        raise MixedError("it moves the batch in a way that cannot be followed")
    if after[place.axis] % old or not after[place.axis]:
        raise MixedError("it cuts the batch")
    return Carried(place.axis, after[place.axis] // old)


def _gemm(node: ir.Node, carried: Place) -> Carried:
    if g.integer(node, "transA", 0):
        raise MixedError("it sums over the batch")
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if bias is not None and len(static_shape(bias)) == 2 and static_shape(bias)[0] != 1:
        raise MixedError("a constant of it differs from image to image")
    return _kept(node, carried)


def _matmul(node: ir.Node, carried: Place) -> Carried:
    """Batch on a row of the left, a column of the right, or on a leading axis (which broadcasts)."""
    left, right = (static_shape(v) for v in node.inputs)
    rank = len(static_shape(node.outputs[0]))
    if min(len(left), len(right)) < 2:
        raise MixedError("one of its sides is a vector")
    places = set()
    for value, shape, summed in zip(node.inputs, (left, right), (len(left) - 1, len(right) - 2), strict=True):
        if value in carried:
            place = _off_axis(carried[value], summed)
            places.add(Carried(place.axis + rank - len(shape), place.factor))
    if len(places) != 1:
        raise MixedError("its inputs carry the batch on different axes")
    place = places.pop()
    for value, shape in zip(node.inputs, (left, right), strict=True):
        axis = place.axis - rank + len(shape)
        stands = value in carried or axis < 0 or axis >= len(shape) - 2 or shape[axis] == 1
        both = all(v in carried for v in node.inputs) and place.axis >= rank - 2
        if not stands or both:
            raise MixedError("one of its sides differs from image to image")
    return place


_ELEMENTWISE = (
    "Abs Add And Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish "
    "Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal "
    "Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Tanh ThresholdedRelu Where Xor"
)
_SPATIAL = (
    "AveragePool BatchNormalization Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalLpPool GlobalMaxPool "
    "GroupNormalization InstanceNormalization LRN LpPool MaxPool SpaceToDepth"
)
_REDUCTIONS = (
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"
)

#: Operators of each number alone, which spread a smaller input over the axes that it lacks or has 1 of.
ELEMENTWISE = frozenset(_ELEMENTWISE.split())

#: For each operator, where its outputs carry the batch; raises `MixedError` where they do not.
RULES: dict[str, Callable[[ir.Node, Place], Carried]] = {
    **dict.fromkeys(ELEMENTWISE, _broadcast),
    **dict.fromkeys(_SPATIAL.split(), _kept),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    "ArgMax": _arg_max,
    "ArgMin": _arg_max,
    "Concat": _concat,
    "CumSum": _cumulative_sum,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "LayerNormalization": _layer_normalization,
    "LogSoftmax": _along(-1),
    "LpNormalization": _along(-1),
    "MatMul": _matmul,
    "Pad": _pad,
    "Reshape": _reshape,
    "Resize": _resize,
    "Slice": _slice,
    "Softmax": _along(-1),
    "Split": _along(0),
    "Squeeze": _squeeze,
    "TopK": _along(-1),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
