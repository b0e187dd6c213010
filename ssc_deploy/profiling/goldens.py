"""The golden set that each file is compared with on a device: that of its export, or one that this host computes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import batches, golden
from ssc_deploy.errors import ProfileError
from ssc_deploy.profiling.job import Origin
from ssc_deploy.verification import ranges
from ssc_deploy.verification.ranges import AxisBound
from ssc_deploy.verification.tolerance import Tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.runtimes import Runner, Runtime, Steps, TensorSpec

Array = npt.NDArray[Any]

#: Inferences of a set that this host computes.
_INFERENCES = 4

#: Tolerance of such a set, as a share of the largest output, since kernels of other processors add in another order. It
#: finds a device that computes something else, not a wrong file.
_HOST_MAX, _HOST_RMS = 1e-3, 2e-4

#: The same for a slice, as a multiple of its change when every input is moved to the next float32.
_HOST_ROUNDINGS = 1e3

#: Steps by which quantized outputs may differ from this host's.
_STEPS = 2.0


@dataclass(frozen=True)
class GoldenArrays:
    """What becomes a golden file of a job; see `ssc_deploy.profiling.job`.

    Attributes:
        inputs: one for each input of the file, [R, *its shape].
        outputs: float64, one for each output of the file, [R, *its shape].
        bounds: one for each output.
        origin: where the outputs come from.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    bounds: tuple[Tolerance, ...]
    origin: Origin

    def named(self) -> dict[str, Array]:
        """By their names in the golden file."""
        inputs = {f"input.{i}": array for i, array in enumerate(self.inputs)}
        return inputs | {f"output.{i}": array for i, array in enumerate(self.outputs)}


def golden_arrays(path: Path, runtime: Runtime, runner: Runner) -> GoldenArrays:
    """The golden set of a file.

    Args:
        path: the file. If ``<stem>.golden.npz`` exists beside it, that is used.
        runtime: that runs it on this host.
        runner: the file, loaded.

    Raises:
        RuntimeLoadError: the existing set cannot be read.
        ProfileError: it is of another checkpoint, or does not fit; or the file has inputs of open sizes.
    """
    beside = golden.path_beside(path)
    if beside.exists():
        return _of_export(path, golden.read(beside), runtime, runner)
    return _of_host(runner)


def _of_export(path: Path, found: golden.GoldenSet, runtime: Runtime, runner: Runner) -> GoldenArrays:
    metadata = runtime.metadata(path)
    beside = golden.path_beside(path)
    if metadata is None or metadata.source_sha256 != found.source_sha256:
        raise ProfileError(
            f"{beside} is of another checkpoint than {path.name}; export again with `overwrite=True`, or remove it"
        )
    for what, specs, arrays in (
        ("takes", runner.inputs, found.inputs.arrays),
        ("returns", runner.outputs, found.outputs),
    ):
        if len(specs) != len(arrays):
            raise ProfileError(f"{path.name} {what} {len(specs)} tensors, and {beside.name} holds {len(arrays)}")
    layout, batch, rows = runtime.image_layout, runner.inputs[0].shape[0] or 1, found.inputs.rows
    held = map(batches.stored, found.inputs.arrays, runner.inputs)
    inputs = tuple(_batched(array, batch, layout, rows=rows) for array in held)
    for spec, array in zip(runner.inputs, inputs, strict=True):
        given = list(array.shape[1:])
        if len(given) != len(spec.shape) or any(
            size not in {None, one} for size, one in zip(spec.shape, given, strict=True)
        ):
            raise ProfileError(f"{path.name} takes {list(spec.shape)}, and {beside.name} holds {given}")
    expected = [_in_steps(output, spec.steps) for output, spec in zip(found.outputs, runner.outputs, strict=True)]
    outputs = tuple(_batched(output.values, batch, layout, rows=rows) for output in expected)
    bounds = tuple(_in_layout(output, layout, rows=rows) for output in expected)
    return GoldenArrays(inputs, outputs, bounds, Origin.EXPORT)


def _in_steps(output: golden.GoldenOutput, steps: Steps | None) -> golden.GoldenOutput:
    """An output in the units of the file's integers, where it holds such."""
    if steps is None:
        return output
    bound, scale = output.tolerance, steps.scale
    axes = tuple(AxisBound(axis.axis, tuple(np.divide(axis.max, scale).tolist())) for axis in bound.axes)
    values = output.values / scale + steps.zero_point
    return golden.GoldenOutput(values, Tolerance(bound.max / scale, bound.rms / scale, axes))


def _in_layout(output: golden.GoldenOutput, layout: str, *, rows: bool = True) -> Tolerance:
    """The bounds of an output for a file's own layout."""
    bound = output.tolerance
    if not rows:  # an axis of such bounds may be the first of a run, which a job takes for the batch
        return dataclasses.replace(bound, axes=())
    if layout != "NHWC" or output.values.ndim != 4:
        return bound
    axes = sorted((AxisBound((axis.axis - 2) % 3 + 1, axis.max) for axis in bound.axes), key=lambda axis: axis.axis)
    return dataclasses.replace(bound, axes=tuple(axes))


def _batched(values: Array, batch: int, layout: str, *, rows: bool) -> Array:
    """[N, ...] as [R, *one run's shape] in the file's layout; the last batch is filled up with its last example."""
    stacked = np.stack([chunk for chunk, _ in batches.split(values, batch)]) if rows else values
    turned = stacked.transpose(0, 1, 3, 4, 2) if layout == "NHWC" and stacked.ndim == 5 else stacked
    return np.ascontiguousarray(turned)


def _of_host(runner: Runner) -> GoldenArrays:
    rng = np.random.default_rng(0)
    inputs = tuple(_random(spec, rng) for spec in runner.inputs)
    if not inputs:
        raise ProfileError("the file takes no input, so there is nothing to measure")
    outputs, nearby = (_computed(runner, given) for given in (inputs, tuple(perturbed(array) for array in inputs)))
    pairs = zip(outputs, nearby, strict=True)
    bounds = tuple(host_tolerance(_flat(here), _flat(moved)) for here, moved in pairs)
    return GoldenArrays(inputs, tuple(output.astype(np.float64) for output in outputs), bounds, Origin.HOST)


def _random(spec: TensorSpec, rng: np.random.Generator) -> Array:
    # An open first size is the batch.
    shape = tuple(1 if i == 0 and size is None else size for i, size in enumerate(spec.shape))
    sizes = [size for size in shape if size is not None]
    if len(sizes) != len(shape) or math.prod(sizes) == 0:
        raise ProfileError(
            f"input {spec.name!r} is {list(spec.shape)}, with sizes that are open; give a file of fixed sizes"
        )
    whole = (_INFERENCES, *sizes)
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return rng.standard_normal(whole).astype(dtype)
    if dtype in {np.dtype(np.int8), np.dtype(np.uint8)}:
        bounds = np.iinfo(dtype)
        return rng.integers(bounds.min, bounds.max, whole, dtype, endpoint=True)
    # An index must not be out of range.
    return np.zeros(whole, dtype)


def _computed(runner: Runner, inputs: Sequence[Array]) -> list[Array]:
    results = [runner.run([array[i] for array in inputs]) for i in range(_INFERENCES)]
    return [np.stack(list(parts)) for parts in zip(*results, strict=True)]


def perturbed(x: Array) -> Array:
    """The input with each value moved to the next one that its type can hold, up or down; whole numbers stay."""
    if x.dtype.kind != "f":
        return x
    away = np.where(np.random.default_rng(1).integers(0, 2, x.shape) == 0, -np.inf, np.inf)
    moved: Array = np.nextafter(x, away.astype(x.dtype))
    return moved


def host_tolerance(values: Array, nearby: Array) -> Tolerance:
    """How far another processor may be from this host's values.

    Args:
        values: [N, ...], as this host computes them.
        nearby: the same for inputs that are `perturbed`, of equal shape. It shows the rounding in slices whose own
            values are small since large ones cancel in them.
    """
    if values.dtype.kind != "f":
        return Tolerance(_STEPS, _STEPS)
    exact, moved = values.astype(np.float64), nearby.astype(np.float64)
    if not exact.size or not (np.isfinite(exact).all() and np.isfinite(moved).all()):
        return Tolerance(0.0, 0.0)  # values with NaN cannot be compared
    scale = float(np.abs(exact).max())
    largest = _HOST_MAX * scale
    along = zip(ranges.along_axes(np.abs(exact)), ranges.along_axes(np.abs(moved - exact)), strict=True)
    axes = []
    for axis, (own, rounding) in enumerate(along, start=1):
        most = _HOST_MAX * own + _HOST_ROUNDINGS * rounding + ranges.FLOOR * min(1.0, scale)
        axes.append(ranges.bounded(axis, most, largest))
    return Tolerance(largest, _HOST_RMS * scale, tuple(bound for bound in axes if bound is not None))


def _flat(values: Array) -> Array:
    """[R, N, ...] as [R * N, ...]."""
    return values.reshape(-1, *values.shape[2:]) if values.ndim > 2 else values
