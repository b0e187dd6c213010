"""Bounds for the parts of an output that have a range of their own, such as boxes in pixels beside probabilities.

A part is a slice: all values at one index along one axis, such as a channel, or a column of a table. Every axis except
the first, the batch, is considered, since the axis of the channels is not known: heads return [N, 5 + classes, H * W]
as well as [N, H * W, 5 + classes]. With y the network in float64 and p the same in PyTorch's float32, a slice c has

    scale      s_c = max |y_c|
    own error  e_c = max |p_c - y_c|

The values f of a file must be within what `tolerance` allows for the whole, and also

    max |f_c - y_c|  <=  max(MAX_FACTOR * o_c + FLOOR * max(s_c, min(1, S)) + TINY,  RELATIVE * s_c)

where S is the scale of the whole, and o_c >= e_c is the error that rounding explains. It is e_c if the slice has many
values. The errors of a few values may be small by luck, so o_c is larger there: the usual error relative to the scale,
or ``e_c / LUCK ** (1 / n)``, where n is the number of values with an error. A slice without errors, or with nothing but
errors (after a ReLU it may be zero everywhere except for a rounding), takes the usual error of the others. None of
these is larger than the error of the whole.

RELATIVE and the 1 in ``min(1, S)`` allow for operators that runtimes compute less exactly than PyTorch: ONNX Runtime
1.32 computes Sigmoid with an error of up to 1.0e-7 however small the result is (twice the value at 1e-7), LiteRT 2.3
computes Exp with 3.7e-6 of the result, PyTorch both with 1.5e-7 of it.

An axis is left out if no slice along it would have a bound below a quarter of the bound of the whole. Its ranges do not
differ.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.storage.records import AtLeast, AtMost, Size

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FACTOR = 16.0
FLOOR = 8 * float(np.finfo(np.float32).eps)
RELATIVE = 1e-4

#: The smallest normal number of float32. Runtimes may replace smaller numbers by zero.
TINY = float(np.finfo(np.float32).tiny)

#: The probability that n values show less than ``LUCK ** (1 / n)`` of the error that others would show.
LUCK = 1e-4

#: If the error is a larger share of the scale, the slice holds only rounding, for example after a ReLU.
_NOISE = 1e-2

#: An axis is left out if no slice along it has a bound below this share of the bound of the whole.
_ALIKE = 0.25

#: The last axis that has bounds for its slices.
MOST_AXES = 7

#: A bound of a difference.
Amount = Annotated[float, AtLeast(0), AtMost(1e300)]

#: One value a slice.
Slices = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AxisBound:
    """Bounds for the errors of the slices along one axis.

    Attributes:
        axis: axis of the output, at least 1, since 0 is the batch.
        max: bound of the largest absolute difference, one for each slice.
    """

    axis: Annotated[int, AtLeast(1), AtMost(MOST_AXES)]
    max: Annotated[tuple[Amount, ...], Size(1, 1_000_000)]


@dataclass(frozen=True)
class InOrder:
    """Of annotated bounds of slices: each axis once, in order."""

    def objection(self, value: tuple[AxisBound, ...]) -> str | None:
        """See `ssc_deploy.storage.records.Limit`."""
        axes = [bound.axis for bound in value]
        if axes != sorted(set(axes)):
            return f"has the axes {axes}; each axis may stand there once, in order"
        return None

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `ssc_deploy.storage.records.Limit`; a schema cannot say it."""
        return {}


#: Bounds of the slices of an output.
SliceBounds = Annotated[tuple[AxisBound, ...], Size(1, MOST_AXES), InOrder()]


def bounded(axis: int, most: Slices, whole: float) -> AxisBound | None:
    """The bounds of the slices along an axis; None where their ranges do not differ.

    Args:
        axis: of the output.
        most: bound of the error of each slice.
        whole: bound of the error of the whole. No slice has a larger bound.
    """
    if len(most) == 1 or most.min() >= _ALIKE * whole:
        return None
    return AxisBound(axis, tuple(np.minimum(most, whole).tolist()))


def along_axes(values: npt.NDArray[np.float64]) -> tuple[Slices, ...]:
    """The largest of each slice, for each axis but the first.

    Args:
        values: [N, ...], not empty.
    """
    largest = np.asarray(values.max(axis=0))
    found = []
    while largest.ndim:
        # The maximum of the rest is computed from maxima, so that each number is read twice for any number of axes.
        found.append(largest.reshape(len(largest), -1).max(axis=1))
        largest = np.asarray(largest.max(axis=0))
    return tuple(found)


def always_within(errors: Sequence[Slices], own: Sequence[Slices], scales: Sequence[Slices], scale: float) -> bool:
    """Whether each slice is within its bound whatever o_c is, if the whole is within the bound of the whole.

    The bound is smallest for ``o_c = e_c``.

    Args:
        errors: the largest of each slice, along axis 1, 2 ...
        own: e_c, likewise.
        scales: s_c, likewise.
        scale: of the whole.
    """
    along = zip(errors, own, scales, strict=True)
    return all((error <= _most(explained, sizes, scale)).all() for error, explained, sizes in along)


def _most(explained: Slices, scales: Slices, scale: float) -> Slices:
    """The bound of the error of each slice, without a bound of the whole; see the module.

    Args:
        explained: o_c.
        scales: s_c.
        scale: of the whole.
    """
    floor = FLOOR * np.maximum(scales, min(1.0, scale)) + TINY
    most: Slices = np.maximum(MAX_FACTOR * explained + floor, RELATIVE * scales)
    return most


@dataclass(frozen=True, eq=False)
class Rounding:
    """The float32 error of each slice along one axis.

    Attributes:
        axis: of the output.
        largest: error of each slice.
        total: sum of the errors of each slice, without copies of a value (which an upsampling makes).
        scale: largest absolute value in float64 of each slice.
    """

    axis: int
    largest: Slices
    total: Slices
    scale: Slices

    def __add__(self, other: Rounding) -> Rounding:
        """The same for the values of both together."""
        return Rounding(
            self.axis,
            np.maximum(self.largest, other.largest),
            self.total + other.total,
            np.maximum(self.scale, other.scale),
        )

    def bound(self, whole: float, scale: float) -> AxisBound | None:
        """The bounds of a file; None if the ranges do not differ.

        Args:
            whole: bound of the largest error of the whole.
            scale: of the whole.
        """
        return bounded(self.axis, _most(self._explained(), self.scale, scale), whole)

    def _explained(self) -> Slices:
        """The error of each slice that rounding explains."""
        shows = self.largest > 0
        if not shows.any():
            return self.largest
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            usual = _middle(self.largest[shows] / self.scale[shows])  # infinite where y is 0, and p is not
            # The number of errors as large as the largest. Values that are far smaller than others do not count.
            values = np.where(shows, self.total / self.largest, 1.0)
            unlucky = self.largest * LUCK ** (-1 / values)
            silent = ~shows | (self.largest > _NOISE * self.scale)
            unlucky = np.where(silent, np.maximum(unlucky, _middle(self.largest[shows])), unlucky)
            expected = np.fmax(unlucky, usual * self.scale)
        result: Slices = np.maximum(self.largest, np.minimum(expected, self.largest.max()))
        return result

    def unexplained(self, cap: float) -> int | None:
        """The first slice with an error that neither its scale nor cancellation explains; None if there is none.

        Cancellation makes a small value of large ones, with the rounding of the large ones.

        Args:
            cap: largest share of its scale that the error of a slice may have.
        """
        top = float(self.scale.max())
        large = self.scale >= top / 2
        rounding = MAX_FACTOR * max(float(self.largest[large].max()), float(np.finfo(np.float32).eps) * top)
        wrong = np.flatnonzero((self.largest > cap * self.scale + TINY) & (self.largest > rounding))
        return int(wrong[0]) if len(wrong) else None


def roundings(error: npt.NDArray[np.float64], exact: npt.NDArray[np.float64]) -> tuple[Rounding, ...]:
    """The float32 error of the slices along each axis except the first.

    Args:
        error: |p - y|, [N, ...], finite and not empty.
        exact: y, of equal shape.
    """
    scales, largest = along_axes(np.abs(exact)), along_axes(error)
    fresh = {axis: _not_copied(error, axis) for axis in range(1, error.ndim)}
    found = []
    for axis in fresh:
        others = [fresh[other] for other in fresh if other != axis]
        own = error if not others else np.where(np.logical_and.reduce(others), error, 0.0)
        with np.errstate(over="ignore"):
            total = own.sum(axis=tuple(other for other in range(error.ndim) if other != axis))
        # At least the largest error, which may be that of a copy.
        found.append(Rounding(axis, largest[axis - 1], np.maximum(total, largest[axis - 1]), scales[axis - 1]))
    return tuple(found)


def merged(parts: Sequence[tuple[Rounding, ...]]) -> tuple[Rounding, ...]:
    """The roundings of all values, from those of parts along the batch."""
    return tuple(functools.reduce(operator.add, along) for along in zip(*parts, strict=True))


def slice_name(axis: int, index: int) -> str:
    """``channel 5`` along axis 1, else ``index 5 of axis 2``."""
    return f"channel {index}" if axis == 1 else f"index {index} of axis {axis}"


def _not_copied(values: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.bool_]:
    """Where a value differs from its neighbour before it along an axis."""
    found = np.ones(values.shape, bool)
    moved, out = np.moveaxis(values, axis, 0), np.moveaxis(found, axis, 0)
    np.not_equal(moved[1:], moved[:-1], out=out[1:])
    return found


def _middle(values: Slices) -> float:
    """The median, the lower of two."""
    return float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2])
