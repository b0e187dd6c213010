"""Compares a file with the network on inputs of other scales than the usual one.

Normalised images keep the values inside a network near 1. Only larger inputs show where e^x overflows,
or a sigmoid is 0. So the file also runs on a few of those, each with bounds of its own (`tolerance`):

- where the network is finite in float32 and in float64, the file must be finite, too;
- these values must be within the tolerance that follows from them. If none follows, because the network is
  ill-conditioned at that scale, they are not compared;
- one input has few values, so PyTorch's own error may be small by luck, and the network may jump there (at a threshold,
  or in a variance of equal values). So before a file is called wrong, the error of float32 is measured again on copies
  of the input that differ from it by rounding.

A sum of n values may be off by n u times the largest partial sum (u = eps / 2), if a runtime adds one after the
other. For noise these roundings cancel. For constants and ramps they are alike and add up, while PyTorch sums in pairs:
the mean of a 64 x 64 constant is 260 times worse in ONNX Runtime. So on smooth inputs of H x W pixels an error of
H W u times the largest value passes as well. A mean over the image is the longest usual sum of equal values.

A scale is ignored if the network itself fails at it, or has no finite values.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy import batches
from ssc_deploy.errors import NetworkError, RuntimeLoadError
from ssc_deploy.examples import Examples
from ssc_deploy.verification.ranges import FLOOR, MAX_FACTOR
from ssc_deploy.verification.report import Count
from ssc_deploy.verification.tolerance import RMS_FACTOR, Error, error_of, own_error, tolerance_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from ssc_deploy.runtimes import Runner
    from ssc_deploy.verification.reference import Float32, Float64, Reference
    from ssc_deploy.verification.tolerance import Tolerance

#: Copies of an input by which the effect of rounding is measured.
_COPIES = 8

#: How much they differ, relative to each value and to the largest: as much as a file may if PyTorch is exact by chance.
_ROUNDING = FLOOR


@dataclass(frozen=True)
class Probes:
    """Inputs of other scales.

    Attributes:
        names: of each, as in "for noise of 50 times the usual scale".
        x: as many examples.
        smooth: names of inputs whose pixels differ little from their neighbours: constants and ramps.
    """

    names: tuple[str, ...]
    x: Examples
    smooth: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Expected:
    """One output of the network for one example, in float64 and in float32."""

    x: Examples
    exact: Float64
    float32: Float32
    smooth: bool

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """The values that can be compared."""
        return np.isfinite(self.exact) & np.isfinite(self.float32)


@dataclass(frozen=True)
class ScalesReport:
    """The results of the probes.

    Attributes:
        agree: probes on which the file agrees with the network, out of those with values to compare.
        failures: a sentence for each of the others.
    """

    agree: Count
    failures: tuple[str, ...]


def check(
    runner: Runner,
    layout: str,
    reference: Reference,
    probes: Probes,
    batch: int | None,
    *,
    values: bool = True,
    unit: Sequence[bool] = (False,),
) -> ScalesReport:
    """Runs file and network on each probe.

    Args:
        runner: of the file, which takes such inputs.
        layout: of the file, ``"NCHW"`` or ``"NHWC"``.
        reference: the network.
        probes: of the network's input shape.
        batch: images at once, where the file takes any number.
        values: whether finite values must be within a tolerance; else they must only be finite.
        unit: of each output, whether a sigmoid or a softmax gives it; see `tolerance`.
    """
    compared, failures = 0, []
    if not probes.names:
        return ScalesReport(Count(0, 0), ())
    with np.errstate(all="ignore"):  # overflow is expected here
        for name, x, outputs in _of_network(reference, probes):
            if not any(expected.finite.any() for expected in outputs):
                continue
            compared += 1
            try:
                given = batches.run(runner, x, layout=layout, batch=batch, outputs=len(outputs))
            except RuntimeLoadError as error:
                failures.append(f"for {name}: {error}")
                continue
            for i, (value, expected) in enumerate(zip(given, outputs, strict=True)):
                again = functools.partial(_rounded_output, reference, x, i) if values else None
                wrong = _wrong(value, expected, again, unit=unit[i]) if expected.finite.any() else None
                if wrong:
                    which = f"{reference.names[i]}: " if len(outputs) > 1 else ""
                    failures.append(f"for {name} {which}{wrong}")
                    break
    return ScalesReport(Count(compared - len(failures), compared), tuple(failures))


def _of_network(reference: Reference, probes: Probes) -> Iterator[tuple[str, Examples, list[_Expected]]]:
    """Each probe that the network takes, by its name, with what the network computes for it."""

    def expected(
        x: Examples, exact: Sequence[Float64], float32: Sequence[Float32], name: str, rows: slice
    ) -> list[_Expected]:
        both = zip(exact, float32, strict=True)
        return [_Expected(x, one[rows], other[rows], name in probes.smooth) for one, other in both]

    alone = [(name, probes.x[i : i + 1]) for i, name in enumerate(probes.names)]
    try:
        exact, float32 = reference.outputs(probes.x), reference.float32_outputs(probes.x)
    except (NetworkError, RuntimeLoadError):
        for name, x in alone:
            with contextlib.suppress(NetworkError, RuntimeLoadError):
                yield name, x, expected(x, reference.outputs(x), reference.float32_outputs(x), name, slice(None))
        return
    for i, (name, x) in enumerate(alone):
        yield name, x, expected(x, exact, float32, name, slice(i, i + 1))


def _wrong(given: Float32, expected: _Expected, again: Callable[[], Float32] | None, *, unit: bool) -> str | None:
    """What is wrong with the file's values, as the rest of a sentence.

    Args:
        given: of the file.
        expected: of the network.
        again: the network in float32 on copies of the input that differ by rounding; None where finite values are not
            compared.
        unit: see `check`.
    """
    exact, finite = expected.exact, expected.finite
    if given.shape != exact.shape:
        return f"the file returns {list(given.shape)}, the network {list(exact.shape)}"
    lost = int((finite & ~np.isfinite(given)).sum())
    if lost:
        return (
            f"the file computes NaN or Inf in {lost} of {finite.sum()} values that are finite in the network: one of "
            "its operators overflows where the network's does not; compute it in another way, such as logsigmoid(x) "
            "instead of log(sigmoid(x))"
        )
    if again is None:
        return None
    error = error_of(*_where(finite, given, exact))
    bound = _tolerance(expected, expected.float32, unit=unit)
    if bound is None or bound.allows(error):
        return None
    bound = _tolerance(expected, again(), unit=unit)
    if bound is None or bound.allows(error):
        return None
    return f"the error is {bound.compared(error)}, though it is right on the usual scale"


def _tolerance(expected: _Expected, float32: Float32, *, unit: bool) -> Tolerance | None:
    """The bounds of a file for one input; None if none follow from the network.

    Args:
        expected: of the network.
        float32: [N, ...], the network in float32 on the input, or on N copies of it that differ by rounding.
        unit: whether a sigmoid or a softmax gives the values.
    """
    own = own_error(*_where(expected.finite & np.isfinite(float32), float32, expected.exact), unit=unit)
    if own.tolerance is None or not expected.smooth:
        return own.tolerance
    pixels = max(_pixels(array) for array in expected.x.arrays)
    sums = pixels * float(np.finfo(np.float32).eps) / 2 * own.scale
    error = Error(max(own.error.max, sums / MAX_FACTOR), max(own.error.rms, sums / RMS_FACTOR))
    # Only for the whole, since a small channel may be the difference of large sums.
    return tolerance_from(error, max(own.scale, own.range))


def _where(finite: npt.NDArray[np.bool_], values: Float32, exact: Float64) -> tuple[Float32, Float64]:
    """Both arrays, with 0 where they are not compared."""
    return np.where(finite, values, np.float32(0)), np.where(finite, exact, 0.0)


def _pixels(array: npt.NDArray[Any]) -> int:
    """Numbers of one channel of one example [1, C, ...]."""
    return int(array[0, 0].size if array.ndim > 2 else array[0].size)


def _rounded_output(reference: Reference, x: Examples, output: int) -> Float32:
    """An output of the network in float32 on copies of one example that differ by rounding, [N, ...]."""
    return reference.float32_outputs(_rounded(x))[output]


def _rounded(x: Examples) -> Examples:
    """Copies of one example whose values are off by float32's rounding, of their own and of the largest."""

    def changed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if array.dtype.kind != "f":
            return np.repeat(array, _COPIES, axis=0)
        random, largest = np.random.default_rng(0), float(np.abs(array).max()) or 1.0
        noise = random.uniform(-_ROUNDING, _ROUNDING, (2, _COPIES, *array.shape[1:]))
        return np.asarray(array * (1 + noise[0]) + largest * noise[1], array.dtype)

    return Examples(tuple(changed(array) for array in x.arrays), x.rows)
