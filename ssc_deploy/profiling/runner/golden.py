"""Golden sets: a model that does not reproduce its golden outputs is not timed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Sequence

import numpy as np

from .contract import FailureKind
from .errors import ModelError, first_line

if TYPE_CHECKING:
    from pathlib import Path

    from .formats import Array, Bound, GoldenError
    from .runtimes import Model


def golden_arrays(path: Path, kind: str) -> list[Array]:
    """The arrays ``kind.0``, ``kind.1`` ... of a golden file; nothing in it is unpickled."""
    with np.load(str(path), allow_pickle=False) as file:
        count = sum(name.startswith(kind + ".") for name in file.files)
        return [file[f"{kind}.{index}"] for index in range(count)]


def inference(inputs: Sequence[Array], index: int) -> list[Array]:
    """The inputs of one inference, from those of all, each [R, ...]."""
    return [np.ascontiguousarray(array[index]) for array in inputs]


def replay(model: Model, inputs: Sequence[Array]) -> list[Array]:
    """The model's outputs for all golden inferences, each array [R, ...].

    Raises:
        ModelError: the runtime fails.
    """
    results = []
    for index in range(len(inputs[0])):
        try:
            outputs = model.outputs(inference(inputs, index))
        except Exception as error:
            message = f"the runtime fails while it runs the file: {first_line(error)}"
            raise ModelError(FailureKind.FAILED, message) from error
        results.append([np.array(output) for output in outputs])
    return [np.stack(list(parts)) for parts in zip(*results)]


def golden_errors(outputs: Sequence[Array], references: Sequence[Array]) -> list[GoldenError]:
    """The distance of each output from its reference.

    Raises:
        ModelError: the device computes other outputs, or outputs of other shapes.
    """
    shapes, expected = [list(a.shape[1:]) for a in outputs], [list(a.shape[1:]) for a in references]
    if shapes != expected:
        message = f"it computes outputs of {shapes}, and {expected} was expected"
        raise ModelError(FailureKind.WRONG, message)
    errors: list[GoldenError] = []
    for output, reference in zip(outputs, references):
        difference = np.abs(output.astype(np.float64) - reference)
        largest = float(difference.max()) if difference.size else math.inf
        if not math.isfinite(largest):  # NaN or Inf in it, or nothing to compare
            errors.append({"max": None, "rms": None})
            continue
        scale = largest or 1.0  # the square of a large difference may not be finite
        errors.append({"max": largest, "rms": scale * float(np.sqrt(np.mean((difference / scale) ** 2)))})
    return errors


def objection(errors: Sequence[GoldenError], bounds: Sequence[Bound]) -> str | None:
    """Why outputs are not within the bounds of the job, with the figures; None if they are."""
    if len(errors) != len(bounds) or not errors:
        return f"it has {len(errors)} outputs, and there are bounds for {len(bounds)}"
    for index, (error, bound) in enumerate(zip(errors, bounds)):
        largest, rms = error["max"], error["rms"]
        if largest is None or rms is None:
            return f"output {index} holds NaN or Inf"
        if largest > bound["max"] or rms > bound["rms"]:
            return "output {} is off by max {:.2e} (allowed {:.2e}), rms {:.2e} (allowed {:.2e})".format(
                index, largest, bound["max"], rms, bound["rms"]
            )
    return None


def slice_objection(outputs: Sequence[Array], references: Sequence[Array], bounds: Sequence[Bound]) -> str | None:
    """Why slices are not within bounds of their own, which the job has for channels of other ranges.

    Args:
        outputs: finite, each [R, ...], of the shapes of the references.
        references: what the network computes.
        bounds: as many, each perhaps with ``axes``.

    Returns:
        A sentence with the figures, or that the bounds are not of such outputs; None if all are within.
    """
    for index, (output, reference, bound) in enumerate(zip(outputs, references, bounds)):
        for along in bound.get("axes", []):
            axis, most = along["axis"], np.asarray(along["max"], np.float64)
            kept = axis + 1  # the first axis of the stacked outputs is that of the inferences
            if output.shape[kept : kept + 1] != most.shape:
                return f"there are {most.size} bounds along axis {axis} of output {index}, and not as many"
            difference = np.abs(output.astype(np.float64) - reference)
            largest = difference.max(axis=tuple(other for other in range(difference.ndim) if other != kept))
            outside = np.flatnonzero(largest > most)
            if outside.size:
                place = int(outside[0])
                off = f"max {largest[place]:.2e} (allowed {most[place]:.2e})"
                return f"output {index} is off by {off} at index {place} of axis {axis}"
    return None
