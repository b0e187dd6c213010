"""How far a file may be from the network: as far as float32 arithmetic itself, not more.

With y the network in float64, p the same in PyTorch's float32 and f the file's values, all on the same images:

    max |f - y|  <=  MAX_FACTOR * max |p - y|  +  FLOOR * max |y|  +  TINY
    rms (f - y)  <=  RMS_FACTOR * rms (p - y)  +  FLOOR * max |y|  +  TINY

Both must hold. The maximum finds a single wrong value. The mean square is steadier for few values, and finds an error
that is small but everywhere. The floor is for networks that PyTorch computes exactly by chance. The maximum
must also hold for every slice of the values that has a range of its own, with a bound that follows from that slice (see
`ranges`). Inputs of other scales are compared separately, each with bounds of its own (`scales`).

The constants were measured with ONNX Runtime 1.32 and LiteRT 2.3 against PyTorch 2.15 (x86-64). On a trained
SSC-Net-1-9 and 18 random SSC-Nets, Shift-Nets and ResNets, some with activations of 1e4, a right file's error over 64
images is at most 4.7 (max) and 3.2 (rms) times PyTorch's own; over one image, ten values, up to 10.6 and 7.4 times,
since ten errors of PyTorch may be small by luck. All of these use at most 0.26 of the bounds. Long sums need the
rest: PyTorch adds in several partial sums, others in one, so that a 3x3 convolution of 512 channels is 9 times
worse in LiteRT (0.43 of the bound), and a mean over 112 x 112 signed values 22 times worse in ONNX Runtime (0.92).

These bounds do not find all errors: 1 % more on one random weight of the trained network changes the logits by 3.4
times the bound in the median, but stays within it for one weight in four. So verification also compares every block
(`divergence`): there the change is 107 times the bound in the median, and of 60 random weights 58 were found with 8
images.

The bounds of slices were tried on 1,056 random networks of four convolutions, half of them with channels of scales far
apart, under heads of 12 kinds (logits, softmax, sigmoids, boxes beside probabilities, differences, subtracted means,
upsampled values). Each was compared, over 2 and over 16 inputs, with itself, its sums in another order and without
oneDNN: a slice uses at most 0.69 of its bound, and more than 0.5 in three of the 2,112 cases. The trained SSC-Net-1-9
uses at most 0.054 of them in all its blocks, in either format.

In the floor, |y| of the output of a sigmoid or a softmax counts as 1, the range of these functions: ONNX Runtime 1.32
computes Sigmoid with an error of up to 1.4e-7 for any small result, so that probabilities which are all below 0.1, as
those of a detector, would never be within bounds of their own.

TINY is the smallest normal number of float32. A runtime may replace smaller numbers by zero, as LiteRT does. PyTorch
does so for much smaller numbers: sigmoid(-300) is 5e-131 in float64.

All this assumes that |p - y| is rounding. If a network draws random numbers or keeps state, it is not, and bounds that
follow from it would accept any file. So there are no bounds if max |p - y| exceeds CAP * max |y| + TINY. The networks
of `ssc_deploy.nets` with random weights need up to 1e-5 in their output and 1e-4 in one of their blocks; random
SSC-Nets that enlarge a rounding in every block need 2e-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.storage.records import SPARSE
from ssc_deploy.verification import ranges
from ssc_deploy.verification.ranges import (
    FLOOR,
    MAX_FACTOR,
    TINY,
    Amount,
    Rounding,
    SliceBounds,
    Slices,
    slice_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RMS_FACTOR = 12.0
CAP = 1e-2

Values = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Error:
    """Distance of values from the float64 reference.

    Attributes:
        max: the largest absolute difference; infinite where either side holds NaN or Inf.
        rms: root of the mean squared difference.
        axes: the largest difference of each slice, along axis 1, 2 ...; empty where ``max`` is infinite.
    """

    max: float
    rms: float
    axes: tuple[Slices, ...] = field(default=(), compare=False, repr=False)

    def to_dict(self) -> dict[str, float | None]:
        """The numbers of the whole. Infinity becomes null, since JSON has no infinity."""
        return {name: value if math.isfinite(value) else None for name, value in (("max", self.max), ("rms", self.rms))}


@dataclass(frozen=True)
class Tolerance:
    """How far an output may be from the reference, over all inferences together. It is what `Error` of a file passes.

    Attributes:
        max: bound of the largest absolute difference.
        rms: bound of the root of the mean squared difference.
        axes: bounds of the largest absolute difference of each slice along an axis of the output, 0 being the batch;
            only for those axes whose slices are held to less than ``max``. In jobs and bundles they are in the file's
            own layout, and left out where there are none.
    """

    max: Amount
    rms: Amount
    axes: SliceBounds = field(default=(), metadata=SPARSE)

    def allows(self, error: Error) -> bool:
        """Whether the error stays within all bounds."""
        return self.use(error) <= 1.0

    def use(self, error: Error) -> float:
        """The share of the tightest bound that the error uses: more than 1 if it is not within."""
        shares = [_share(error.max, self.max), _share(error.rms, self.rms)]
        return max(*shares, *(share for _, _, share, _ in self._slices(error)))

    def compared(self, error: Error) -> str:
        """The error beside what is allowed: ``max 1.2e-03 (allowed 1.0e-04), rms ...``."""
        text = f"max {error.max:.2e} (allowed {self.max:.2e}), rms {error.rms:.2e} (allowed {self.rms:.2e})"
        whole = max(_share(error.max, self.max), _share(error.rms, self.rms))
        axis, index, share, bound = max(self._slices(error), key=lambda found: found[2], default=(0, 0, 0.0, 0.0))
        if share <= 1.0 or share <= whole:
            return text
        return f"{text}; in {slice_name(axis, index)} max {share * bound:.2e} (allowed {bound:.2e})"

    def to_dict(self) -> dict[str, float]:
        """The bounds of the whole."""
        return {"max": self.max, "rms": self.rms}

    def _slices(self, error: Error) -> list[tuple[int, int, float, float]]:
        """For each axis with bounds, the slice that uses most: axis, index, share of the bound, bound."""
        found = []
        for bounded in self.axes:
            bounds = np.asarray(bounded.max)
            if not math.isfinite(error.max):
                continue  # fails already
            if len(error.axes) < bounded.axis or len(error.axes[bounded.axis - 1]) != len(bounds):
                raise ValueError(
                    f"there are bounds for {len(bounds)} slices along axis {bounded.axis}, and not as many"
                )
            errors = error.axes[bounded.axis - 1]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                shares = np.where(errors > 0, errors / bounds, 0.0)
            worst = int(shares.argmax())
            found.append((bounded.axis, worst, float(shares[worst]), float(bounds[worst])))
        return found


def _share(error: float, bound: float) -> float:
    if not error or not bound:
        return math.inf if error else 0.0
    return error / bound


def error_of(values: Values, exact: Values) -> Error:
    """The distance of ``values`` from ``exact`` [N, ...], of equal shape and not empty."""
    if values.size == 0:
        return Error(math.inf, math.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        return _error_from(np.abs(values.astype(np.float64) - exact))


def _error_from(difference: npt.NDArray[np.float64]) -> Error:
    largest = float(difference.max())
    if not math.isfinite(largest):
        return Error(math.inf, math.inf)  # NaN or Inf on either side
    # Scaled, since the square of a large difference may not be finite.
    rms = largest * float(np.sqrt(np.mean((difference / largest) ** 2))) if largest else 0.0
    return Error(largest, rms, ranges.along_axes(difference))


@dataclass(frozen=True)
class Own:
    """The float32 error of the network itself.

    Attributes:
        error: of the network in float32.
        scale: the largest absolute value in float64; infinite where one is NaN or Inf.
        roundings: of the slices along axis 1, 2 ...; empty if the network computes NaN or Inf.
        range: the largest value counts as at least this; see the module.
    """

    error: Error
    scale: float
    roundings: tuple[Rounding, ...] = field(default=(), compare=False, repr=False)
    range: float = 0.0

    @property
    def finite(self) -> bool:
        """Whether the network computes neither NaN nor Inf, in float32 and in float64."""
        return math.isfinite(self.error.max)

    @property
    def tolerance(self) -> Tolerance | None:
        """The bounds that follow; None if none follow (see `CAP`)."""
        if not self.finite or self.error.max > CAP * self.scale + TINY:
            return None
        return tolerance_from(self.error, max(self.scale, self.range), self.roundings)

    def objection(self, where: str = "output") -> str | None:
        """Why no tolerance follows, as the rest of a sentence about the network; None if one follows.

        Args:
            where: what was compared.
        """
        if not math.isfinite(self.scale):
            return (
                f"computes NaN or Inf in float64 in its {where}, so that nothing can be compared with it; where "
                "infinity is meant, as for a mask, return a large finite number, such as -1e9"
            )
        if not self.finite:
            return (
                f"computes NaN or Inf in float32 in its {where}, though not in float64: it needs values beyond float32"
            )
        if self.tolerance is None:
            share = f"{self.error.max / self.scale:.2g} of the largest value" if self.scale else "more than nothing"
        else:
            found = ((one, one.unexplained(CAP)) for one in self.roundings)
            one, index = next(((one, index) for one, index in found if index is not None), (None, 0))
            if one is None:
                return None
            error, scale = float(one.largest[index]), float(one.scale[index])
            share = (
                f"{error / scale:.2g} of the largest value" if scale else f"{error:.2g}, which is nothing in float64,"
            )
            where = f"{where} ({slice_name(one.axis, index)})"
        return (
            f"differs between float32 and float64 by {share} in its {where}, which is more than rounding: "
            "it is random, keeps state, or is ill-conditioned; give `atol` and `rtol` if that is meant"
        )


def tolerance_from(error: Error, scale: float, roundings: Sequence[Rounding] = ()) -> Tolerance:
    """The bounds that follow from an error that is rounding.

    Args:
        error: finite.
        scale: the largest absolute value in float64, or the range of the function that computes it.
        roundings: of the slices. If they are not known, there are only bounds of the whole.
    """
    floor = FLOOR * scale + TINY
    largest = MAX_FACTOR * error.max + floor
    axes = (rounding.bound(largest, scale) for rounding in roundings)
    return Tolerance(largest, RMS_FACTOR * error.rms + floor, tuple(bound for bound in axes if bound is not None))


def tolerance_of_files(errors: Sequence[Error], exact: Values) -> Tolerance:
    """Bounds for other runtimes, if the files were accepted by bounds that the user gave.

    Args:
        errors: of the files, at least one; the largest take the place of PyTorch's own.
        exact: the network's values in float64, [N, ...].
    """
    largest = Error(max(error.max for error in errors), max(error.rms for error in errors))
    scales = ranges.along_axes(np.abs(exact.astype(np.float64)))
    along = zip(scales, *(error.axes for error in errors), strict=True)
    roundings = []
    for axis, (scale, *slices) in enumerate(along, start=1):
        worst = np.maximum.reduce(slices)
        roundings.append(Rounding(axis, worst, worst * len(exact), scale))  # at least one error for each input
    return tolerance_from(largest, float(np.abs(exact).max()), roundings)


def pooled(errors: Sequence[Error], sizes: Sequence[int]) -> Error:
    """The error of all values, from the errors of parts.

    Args:
        errors: at least one.
        sizes: number of values in each part.
    """
    largest = max(error.max for error in errors)
    if not math.isfinite(largest):
        return Error(largest, largest)
    squares = (
        sum(size * (error.rms / largest) ** 2 for error, size in zip(errors, sizes, strict=True)) if largest else 0
    )
    axes = tuple(np.maximum.reduce(along) for along in zip(*(error.axes for error in errors), strict=True))
    return Error(largest, largest * math.sqrt(squares / sum(sizes)), axes)


def pooled_own(owns: Sequence[Own], sizes: Sequence[int]) -> Own:
    """The float32 error of all values, from those of parts; see `pooled`."""
    error, scale = pooled([own.error for own in owns], sizes), max(own.scale for own in owns)
    finite = math.isfinite(error.max)
    return Own(error, scale, ranges.merged([own.roundings for own in owns]) if finite else (), owns[0].range)


def own_error(float32: Values, exact: Values, *, unit: bool = False, slices: bool = True) -> Own:
    """The float32 error of the network.

    Args:
        float32: the network's values in PyTorch's float32, [N, ...].
        exact: the same in float64, of equal shape.
        unit: whether a sigmoid or a softmax gives them; see the module.
        slices: whether the bounds of slices are computed as well, which takes most of the time.
    """
    scale = float(np.abs(exact).max()) if exact.size else math.inf
    if not math.isfinite(scale):
        return Own(Error(math.inf, math.inf), math.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(float32.astype(np.float64) - exact)
    error = _error_from(difference)
    if not math.isfinite(error.max):
        return Own(error, scale)
    found = ranges.roundings(difference, exact.astype(np.float64)) if slices else ()
    return Own(error, scale, found, 1.0 if unit else 0.0)


def within(values: Values, exact: Values, atol: float, rtol: float) -> bool:
    """Whether ``|values - exact| <= atol + rtol * |exact|`` everywhere, as in `numpy.isclose`.

    NaN and Inf are never within, nor is an empty array.
    """
    if values.size == 0 or not (np.isfinite(values).all() and np.isfinite(exact).all()):
        return False
    return bool((np.abs(values.astype(np.float64) - exact) <= atol + rtol * np.abs(exact)).all())
