"""What both runtimes need to take a file and to say why they refuse it."""

from __future__ import annotations

import importlib.metadata
import warnings
from typing import TYPE_CHECKING

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.metadata import KEY, ModelMetadata, is_ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.runtimes.protocol import Model, TensorSpec


def read(model: Model) -> bytes:
    """The file's bytes.

    Raises:
        RuntimeLoadError: it cannot be read, or is empty.
    """
    if isinstance(model, bytes):
        data = model
    else:
        try:
            data = model.read_bytes()
        except OSError as error:
            raise refused(model, str(error.strerror)) from error
    if not data:
        raise refused(model, "it is empty")
    return data


def refused(model: Model, reason: str) -> RuntimeLoadError:
    """The error to raise for a file that cannot be loaded."""
    name = "The model" if isinstance(model, bytes) else str(model)
    return RuntimeLoadError(f"{name} cannot be loaded: {reason}.")


def first_line(error: Exception) -> str:
    """The first line of a runtime's message, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")[:300]


def installed_version(package: str) -> str:
    """Version of an installed package.

    Raises:
        RuntimeLoadError: it is not installed.
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise RuntimeLoadError(f"{package} is not installed; install it with: pip install {package}") from error


def parse_metadata(model: Model, text: str) -> ModelMetadata | None:
    """What stands in a file under our key; None where it cannot be ours, for a file may hold anything there.

    Warns:
        UserWarning: it cannot be ours; or a newer program wrote it, with keys that are ignored.

    Raises:
        RuntimeLoadError: it is ours, and damaged or of a newer version. It is not taken for another program's file,
            which is checked less.
    """
    name = "The model" if isinstance(model, bytes) else str(model)
    if not is_ours(text):
        warnings.warn(f"{name} holds under {KEY!r} what ssc-deploy never writes, and is read without it", stacklevel=2)
        return None
    try:
        return ModelMetadata.from_json(text)
    except ValueError as error:
        raise RuntimeLoadError(
            f"{name}: what ssc-deploy wrote in it about itself cannot be read: {error}. Export it again."
        ) from error


def check_inputs(specs: Sequence[TensorSpec], inputs: Sequence[npt.NDArray[np.generic]]) -> None:
    """Compares arrays with what a file takes.

    Raises:
        RuntimeLoadError: another number of arrays, another dtype or shape.
    """
    if len(specs) != len(inputs):
        raise RuntimeLoadError(f"The file takes {len(specs)} inputs, and {len(inputs)} were given.")
    for spec, array in zip(specs, inputs, strict=True):
        fits = len(spec.shape) == array.ndim and all(
            size in (None, given) for size, given in zip(spec.shape, array.shape, strict=True)
        )
        if not fits or array.dtype.name != spec.dtype:
            expected = f"{spec.dtype} [{', '.join('any' if size is None else str(size) for size in spec.shape)}]"
            raise RuntimeLoadError(
                f"Input {spec.name!r} is {expected}, and {array.dtype.name} {list(array.shape)} was given."
            )
