"""Running any number of examples through a file, whatever layout and batch size the file is fixed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.examples import AT_ONCE, Examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssc_deploy.runtimes import Runner, TensorSpec

__all__ = ["AT_ONCE", "channels_first", "channels_last", "real", "run", "split", "stored", "takes_real"]

Array = npt.NDArray[Any]


def split(x: Array, batch: int | None) -> Iterator[tuple[Array, int]]:
    """Cuts one array [N, ...] into batches; see `Examples.runs`."""
    for (chunk,), used in Examples.of(x).runs(batch):
        yield chunk, used


def run(
    runner: Runner, x: Examples | Array, *, layout: str = "NCHW", batch: int | None = None, outputs: int = 1
) -> list[Array]:
    """Runs all examples, batch by batch. Real numbers become the integers of a file that takes those, and come back.

    Args:
        runner: of a file that takes such inputs.
        x: at least one example; an array is of the only input, [N, ...].
        layout: of the file, ``"NCHW"`` or ``"NHWC"``.
        batch: examples at once, where the file takes any number.
        outputs: how many of what the runner returns are the file's own; the others are values inside the file.

    Returns:
        what the runner returns, each [N, ...]; of rank 4, for one run, as [N, C, H, W].

    Raises:
        RuntimeLoadError: the runtime fails, or one of the file's outputs has not one row for each example of a batch.
    """
    examples = Examples.of(x)
    shape = runner.inputs[0].shape
    fixed = shape[0] if shape else None
    results = []
    for given, used in examples.runs(fixed or batch):
        # Where the numbers of arrays and inputs differ, the runner says so.
        held = [*map(stored, given, runner.inputs)] if len(given) == len(runner.inputs) else given
        returned = runner.run([channels_last(array, layout) for array in held])
        returned = [real(value, spec) for value, spec in zip(returned, runner.outputs, strict=True)]
        if not examples.rows:
            results.append([examples.result(channels_first(value, layout)) for value in returned])
            continue
        rows = len(given[0])
        for value in returned[:outputs]:
            if value.shape[:1] != (rows,):
                raise RuntimeLoadError(
                    f"the file returns {list(value.shape)} for a batch of {rows}; "
                    "its output must have a row for each image"
                )
        values = [channels_first(value, layout) for value in returned]
        # A value inside that holds planes has no axis for the batch; files with such take one image at a time.
        results.append(values if used == rows else [value[:used] for value in values])
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def takes_real(spec: TensorSpec) -> bool:
    """Whether an input stands for real numbers, as float32 or as integers."""
    return spec.dtype == "float32" or spec.steps is not None


def stored(array: Array, spec: TensorSpec) -> Array:
    """What an input of a file holds for an array of real numbers."""
    if spec.steps is None or array.dtype.kind != "f":
        return array
    ends = np.iinfo(spec.dtype)
    integers = np.rint(array.astype(np.float64) / spec.steps.scale) + spec.steps.zero_point
    return integers.clip(ends.min, ends.max).astype(spec.dtype)


def real(value: Array, spec: TensorSpec) -> Array:
    """What the integers of an output stand for, float32."""
    if spec.steps is None:
        return value
    return (spec.steps.scale * (value.astype(np.float64) - spec.steps.zero_point)).astype(np.float32)


def channels_first(value: Array, layout: str) -> Array:
    """A value of a file as [N, C, H, W] where it is of rank 4, else as it is."""
    return value.transpose(0, 3, 1, 2) if layout == "NHWC" and value.ndim == 4 else value


def channels_last(value: Array, layout: str) -> Array:
    """A value as a file of that layout takes it; see `channels_first`."""
    turned = value.transpose(0, 2, 3, 1) if layout == "NHWC" and value.ndim == 4 else value
    return np.ascontiguousarray(turned)
