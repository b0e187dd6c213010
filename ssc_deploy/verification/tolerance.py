"""How far a file may be from the network: as far as float32 arithmetic itself is, not more.

With y the network in float64, p the same in PyTorch's float32 and f the file's values, all on the same pictures:

    max |f - y|  <=  MAX_FACTOR * max |p - y|  +  FLOOR * max |y|
    rms (f - y)  <=  RMS_FACTOR * rms (p - y)  +  FLOOR * max |y|

Both must hold. The maximum sees a single wrong value; the mean square is steadier where values are few, and sees an
error that is small but everywhere. The floor stands for networks that PyTorch happens to compute exactly.

The constants were measured with ONNX Runtime 1.32 and LiteRT 2.3 against PyTorch 2.15 (x86-64). On a trained
SSC-Net-1-9 and 18 random SSC-Nets, Shift-Nets and ResNets, some with activations of 1e4, a right file's error over 64
pictures is at most 4.7 (max) and 3.2 (rms) times PyTorch's own; over one picture, ten values, up to 10.6 and 7.4 times,
since how small ten errors of PyTorch are is a matter of luck. All of these use at most 0.26 of the bounds. Long sums
need the rest: PyTorch adds in several partial sums, others in one, so that a 3x3 convolution of 512 channels is 9 times
worse in LiteRT (0.43 of the bound), and a mean over 112 x 112 signed values 22 times worse in ONNX Runtime (0.92).

What such bounds let pass: 1 % more on one random weight of the trained network moves the logits by 3.4 times the bound
in the median, but stays within it for one weight in four. That is why verification looks at every block as well
(`divergence`): there it is 107 times the bound in the median, and of 60 random weights 58 were caught over 8 pictures.

All this rests on |p - y| being rounding. Where a network draws random numbers or keeps state it is not, and bounds that
follow from it would pass anything; so none follow where max |p - y| exceeds CAP * max |y|. The networks of
`ssc_deploy.nets` with random weights need up to 1e-5 in their output and 1e-4 in one of their blocks; random SSC-Nets
that enlarge a rounding in every block 2e-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FACTOR = 16.0
RMS_FACTOR = 12.0
FLOOR = 8 * float(np.finfo(np.float32).eps)
CAP = 1e-2

Values = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Error:
    """Distance of values from the float64 reference.

    Attributes:
        max: the largest absolute difference; infinite where either side holds NaN or Inf.
        rms: root of the mean squared difference.
    """

    max: float
    rms: float

    def to_dict(self) -> dict[str, float | None]:
        """Field by field; JSON has no infinity, so null stands for it."""
        return {name: value if math.isfinite(value) else None for name, value in vars(self).items()}


@dataclass(frozen=True)
class Tolerance:
    """What `Error` of a file passes.

    Attributes:
        max: bound of `Error.max`.
        rms: bound of `Error.rms`.
    """

    max: float
    rms: float

    def allows(self, error: Error) -> bool:
        """Whether the error stays within both bounds."""
        return error.max <= self.max and error.rms <= self.rms

    def to_dict(self) -> dict[str, float]:
        """Field by field."""
        return {"max": self.max, "rms": self.rms}


def error_of(values: Values, exact: Values) -> Error:
    """The distance of ``values`` from ``exact``, of equal shape and not empty."""
    if values.size == 0 or not (np.isfinite(values).all() and np.isfinite(exact).all()):
        return Error(math.inf, math.inf)
    difference = np.abs(values.astype(np.float64) - exact)
    largest = float(difference.max())
    # Scaled, since the square of a large difference may not be finite.
    rms = largest * float(np.sqrt(np.mean((difference / largest) ** 2))) if largest else 0.0
    return Error(largest, rms)


@dataclass(frozen=True)
class Own:
    """What float32 costs the network itself.

    Attributes:
        error: of the network in float32.
        scale: the largest absolute value in float64; infinite where one is NaN or Inf.
    """

    error: Error
    scale: float

    @property
    def finite(self) -> bool:
        """Whether the network computes neither NaN nor Inf, in float32 and in float64."""
        return math.isfinite(self.error.max)

    @property
    def tolerance(self) -> Tolerance | None:
        """The bounds that follow; None where none do (see `CAP`)."""
        if not self.finite or self.error.max > CAP * self.scale:
            return None
        floor = FLOOR * self.scale
        return Tolerance(MAX_FACTOR * self.error.max + floor, RMS_FACTOR * self.error.rms + floor)

    def objection(self, where: str = "output") -> str | None:
        """Why no tolerance follows, as the rest of a sentence about the network; None where one does.

        Args:
            where: what was compared.
        """
        if not math.isfinite(self.scale):
            return f"computes NaN or Inf in float64 in its {where}, so that nothing can be compared with it"
        if not self.finite:
            return (
                f"computes NaN or Inf in float32 in its {where}, though not in float64: it needs values beyond float32"
            )
        if self.tolerance is not None:
            return None
        share = f"{self.error.max / self.scale:.2g} of the largest value" if self.scale else "more than nothing"
        return (
            f"differs between float32 and float64 by {share} in its {where}, which is more than rounding: "
            "it is random, keeps state, or is ill-conditioned; give --atol and --rtol if that is meant"
        )


def pooled(errors: Sequence[Error], sizes: Sequence[int]) -> Error:
    """The distance of all values together, from those of parts of them.

    Args:
        errors: at least one.
        sizes: number of values in each part.
    """
    largest = max(error.max for error in errors)
    if not math.isfinite(largest) or not largest:
        return Error(largest, largest)
    squares = sum(size * (error.rms / largest) ** 2 for error, size in zip(errors, sizes, strict=True))
    return Error(largest, largest * math.sqrt(squares / sum(sizes)))


def own_error(float32: Values, exact: Values) -> Own:
    """What float32 costs the network.

    Args:
        float32: the network's values in PyTorch's float32.
        exact: the same in float64, of equal shape.
    """
    finite = exact.size and np.isfinite(exact).all()
    return Own(error_of(float32, exact), float(np.abs(exact).max()) if finite else math.inf)


def within(values: Values, exact: Values, atol: float, rtol: float) -> bool:
    """Whether ``|values - exact| <= atol + rtol * |exact|`` everywhere, as in `numpy.isclose`.

    NaN and Inf are never within, nor is an empty array.
    """
    if values.size == 0 or not (np.isfinite(values).all() and np.isfinite(exact).all()):
        return False
    return bool((np.abs(values.astype(np.float64) - exact) <= atol + rtol * np.abs(exact)).all())
