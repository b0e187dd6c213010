"""Grids of 8-bit integers on which real numbers are held.

    real = scale * (integer - zero_point)        -128 <= integer <= 127

Rounding is to the nearest integer, half to even, as ONNX's ``QuantizeLinear`` does it. Zero is always on the grid, so
that pads, masks and ReLU stay exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import QuantizationError

Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]

#: The integers of a grid. Weights leave -128 out, so that the grid is symmetric.
LOW, HIGH = -128, 127

#: The scale where all numbers are zero: any does.
_ANY_SCALE = 1.0

#: See `of_weights`.
_LEAST_SHARE = 2.0**-10


@dataclass(frozen=True)
class Grid:
    """``real = scale * (integer - zero_point)``.

    Attributes:
        scale: step between two neighbours, above 0; a number of float32.
        zero_point: the integer that stands for zero, from `LOW` to `HIGH`.

    Raises:
        QuantizationError: a scale that is not above 0, or a zero point out of range.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and float(np.float32(self.scale)) == self.scale):
            raise QuantizationError(f"a scale of {self.scale} is impossible; it has to be a float32 number above 0")
        if not LOW <= self.zero_point <= HIGH:
            raise QuantizationError(f"a zero point of {self.zero_point} is impossible; it is from {LOW} to {HIGH}")

    @property
    def low(self) -> float:
        """The smallest number of the grid."""
        return self.scale * (LOW - self.zero_point)

    @property
    def high(self) -> float:
        """The largest number of the grid."""
        return self.scale * (HIGH - self.zero_point)

    def integers(self, numbers: npt.NDArray[Any]) -> Int8:
        """The nearest integers, half to even; what lies outside of the grid becomes its end."""
        steps = np.rint(np.asarray(numbers, np.float64) / self.scale) + self.zero_point
        return steps.clip(LOW, HIGH).astype(np.int8)

    def numbers(self, integers: npt.NDArray[Any]) -> Float64:
        """The real numbers that integers of the grid stand for, exactly."""
        return self.scale * (np.asarray(integers, np.float64) - self.zero_point)


#: Outputs of Sigmoid and Softmax, 0 to 1; and of Tanh, -1 to 1: the grids that TFLite fixes.
UNIT = Grid(1 / 256, LOW)
SIGNED_UNIT = Grid(1 / 128, 0)


def of_range(low: float, high: float) -> Grid:
    """The finest grid that holds all numbers from ``low`` to ``high``, and zero.

    Raises:
        QuantizationError: a bound is not finite.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise QuantizationError(f"values from {low} to {high} cannot be quantised; a bound is not finite")
    low, high = min(low, 0.0), max(high, 0.0)
    # A float32 number; rounded up a little rather than down, so that the range stays inside.
    scale = float(np.float32((high - low) / (HIGH - LOW)))
    if scale < np.finfo(np.float32).tiny:
        return Grid(_ANY_SCALE, LOW if low == 0.0 else 0)
    return Grid(scale, int(np.clip(np.rint(LOW - low / scale), LOW, HIGH)))


@dataclass(frozen=True)
class WeightGrid:
    """Symmetric grids of a kernel, one for each output channel: ``weight[o] = scales[o] * integers[o]``.

    Attributes:
        integers: of the kernel's shape, from -127 to 127.
        scales: float32 [O].
        axis: of the output channels.
    """

    integers: Int8
    scales: npt.NDArray[np.float32]
    axis: int = 0

    @property
    def numbers(self) -> npt.NDArray[np.float32]:
        """The kernel that the integers stand for."""
        return (self.integers.astype(np.float64) * along(self.scales, self.integers.ndim, self.axis)).astype(np.float32)


def of_weights(weights: npt.NDArray[Any], axis: int = 0, *, bits: int = 8) -> WeightGrid:
    """The grid on which the largest weight of each output channel is ``2^(bits - 1) - 1`` steps from zero.

    No scale is below `_LEAST_SHARE` of the kernel's largest. Channels that are all but zero need no finer one, since
    all channels of what is computed share a grid; and their biases, which are held in steps of that scale, stay small
    integers. Channels of zeros have that scale, too.

    A kernel of whole numbers in that range is kept as it is, with scales of 1: kernels that are one-hot move numbers
    and must not change them. A kernel that is on such a grid already is found on it again.

    Args:
        weights: finite numbers.
        axis: of the output channels.
        bits: of an integer, 8 or 7.

    Raises:
        QuantizationError: a weight is not finite.
    """
    exact = np.asarray(weights, np.float64)
    if not np.isfinite(exact).all():
        raise QuantizationError("a weight is not finite, so that its layer cannot be quantised")
    top = 2 ** (bits - 1) - 1
    if (exact == np.rint(exact)).all() and np.abs(exact).max(initial=0) <= top:
        return WeightGrid(exact.astype(np.int8), np.ones(exact.shape[axis], np.float32), axis)
    others = tuple(i for i in range(exact.ndim) if i != axis % exact.ndim)
    scales = (np.abs(exact).max(others, initial=0) / top).astype(np.float32)
    scales = np.maximum(scales, scales.max(initial=0) * np.float32(_LEAST_SHARE))
    scales[scales < np.finfo(np.float32).tiny] = _ANY_SCALE
    steps = np.rint(exact / along(scales, exact.ndim, axis)).clip(-top, top)
    return WeightGrid(steps.astype(np.int8), scales, axis)


def of_constant(numbers: npt.NDArray[Any]) -> Grid:
    """The grid of a constant that is added to values or multiplied with them.

    Raises:
        QuantizationError: a number is not finite.
    """
    return of_range(float(np.min(numbers, initial=0.0)), float(np.max(numbers, initial=0.0)))


def bias_integers(bias: npt.NDArray[Any], scales: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Biases in steps of ``input scale * weight scale``, as they are added to the sums of the products.

    Args:
        bias: [O].
        scales: float64 [O], the product of the two scales in float32.

    Raises:
        QuantizationError: one does not fit into 32 bits.
    """
    steps = np.rint(np.asarray(bias, np.float64) / scales)
    # Half of the range is left for the products.
    if np.abs(steps).max(initial=0) >= 2**30:
        raise QuantizationError(
            "a bias is more than 2^30 steps of its layer's products, so that 32-bit sums could overflow; its block "
            "has to stay in float32 (`exclude`)"
        )
    return steps.astype(np.int32)


def along(scales: npt.NDArray[Any], rank: int, axis: int) -> Float64:
    """The scales in a shape that multiplies along ``axis`` of an array of ``rank``."""
    shape = [1] * rank
    shape[axis] = -1
    return np.asarray(scales, np.float64).reshape(shape)


def decibels(signal: float, noise: float) -> float:
    """``10 log10(signal / noise)`` of two sums of squares; infinite where nothing differs."""
    if not noise:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
