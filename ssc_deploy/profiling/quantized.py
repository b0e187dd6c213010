"""Quantised files beside the float32 files of the same network: what they save, and what they cost."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import golden, runtimes
from ssc_deploy.errors import SscDeployError
from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.statistics import Ratio  # noqa: TC001 - decoding looks at the types of fields
from ssc_deploy.quantize.grid import decibels
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.metadata import FileQuantization, ModelMetadata
    from ssc_deploy.profiling.results import ModelProfile


@dataclass(frozen=True)
class QuantizedBeside:
    """A quantised file of a profile, and the float32 file of the same network and format.

    Attributes:
        model: index in `Profile.models`.
        plain: index of the float32 file, at the same number of threads; None if it was not measured: then the one that
            stands beside the file counts for all but the time.
        how: how the file is quantised, in words.
        size: bytes of the file / those of the float32 file; None without one.
        latency: its time / that of the float32 file, where both took turns.
        sqnr: of its golden outputs against those of the float32 file, in dB; None where either has none, or where
            nothing differs.
        same: of the golden inputs, those whose best class stays; None where outputs are not [N, classes].
        inputs: golden inputs of both; 0 where either has none.
        right: of the golden inputs, those whose best class is the true one; None where those are not known.
        right_plain: the same of the float32 file.
    """

    model: int
    plain: int | None
    how: str
    size: float | None
    latency: Ratio | None
    sqnr: float | None
    same: int | None
    inputs: int
    right: int | None = field(default=None, metadata=records.SPARSE)
    right_plain: int | None = field(default=None, metadata=records.SPARSE)


@dataclass(frozen=True)
class _Golden:
    """Two golden sets of the same inputs, compared; see `QuantizedBeside`."""

    sqnr: float | None = None
    same: int | None = None
    inputs: int = 0
    right: int | None = None
    right_plain: int | None = None


def beside(paths: Sequence[Path], names: Sequence[str], models: Sequence[ModelProfile]) -> tuple[QuantizedBeside, ...]:
    """The quantised files of a profile; none if there are none.

    Args:
        paths: the files.
        names: those that the profile gives them.
        models: of the profile.
    """
    about = {name: (path, runtimes.runtime_for(path).metadata(path)) for name, path in zip(names, paths, strict=True)}
    found = []
    for at, model in enumerate(models):
        path, said = about[model.model]
        if said is None or said.quantization is None:
            continue
        plain = next(
            (
                i
                for i, one in enumerate(models)
                if one.threads == model.threads and _is_plain(*about[one.model], path, said)
            ),
            None,
        )
        ratio = None
        if plain is not None and model.turns and models[plain].turns:
            ratio = statistics.interleaved(model.samples, models[plain].samples)
        other = _unmeasured(path, said) if plain is None else about[models[plain].model][0]
        size = None if other is None else model.size / other.stat().st_size
        sets = _Golden() if other is None else _compared(path, other)
        found.append(QuantizedBeside(at, plain, _how(said.quantization), size, ratio, **vars(sets)))
    return tuple(found)


def _unmeasured(quantized: Path, about: ModelMetadata) -> Path | None:
    """The float32 file that an export has left beside a quantised one."""
    assert about.quantization is not None  # the caller looked
    stem = quantized.stem.removesuffix("_" + about.quantization.mode.replace("-", "_"))
    path = quantized.with_name(stem + quantized.suffix)
    if path == quantized or not path.is_file():
        return None
    try:
        return path if _is_plain(path, runtimes.runtime_for(path).metadata(path), quantized, about) else None
    except SscDeployError:
        return None


def _is_plain(path: Path, said: ModelMetadata | None, quantized: Path, about: ModelMetadata) -> bool:
    """Whether a file is the float32 file of a quantised one."""
    return (
        said is not None
        and said.quantization is None
        and path.suffix.lower() == quantized.suffix.lower()
        and (said.network, said.source_sha256, said.weights) == (about.network, about.source_sha256, about.weights)
    )


def _how(said: FileQuantization) -> str:
    parts = [said.mode]
    if said.grids and said.weight_bits < 8:
        parts.append(f"weights of {said.weight_bits} bits")
    if said.io != "float":
        parts.append(f"{said.io} inputs and outputs")
    if said.exclude:
        parts.append(f"float32: {', '.join(said.exclude)}")
    return " · ".join(parts)


def _compared(quantized: Path, plain: Path) -> _Golden:
    """The golden sets of two files; of sets of other inputs nothing."""
    try:
        one, other = (golden.read(golden.path_beside(path)) for path in (quantized, plain))
    except SscDeployError:
        return _Golden()
    pairs = list(zip(one.outputs, other.outputs, strict=False))
    given = list(zip(one.inputs.arrays, other.inputs.arrays, strict=False))
    if not all(np.array_equal(a, b) for a, b in given) or len(one.outputs) != len(other.outputs):
        return _Golden()
    if any(a.values.shape != b.values.shape for a, b in pairs):
        return _Golden()
    signal = sum(float(np.square(b.values).sum()) for _, b in pairs)
    noise = decibels(signal, sum(float(np.square(a.values - b.values).sum()) for a, b in pairs))
    lists = [(a.values, b.values) for a, b in pairs if a.values.ndim == 2]
    found = _Golden(noise if math.isfinite(noise) else None, inputs=len(one.inputs))
    if len(lists) != 1:
        return found
    best, best_plain = (values.argmax(1) for values in lists[0])
    found = dataclasses.replace(found, same=int((best == best_plain).sum()))
    if not one.pictures or len(one.pictures) != len(best):
        return found
    labels = np.array([picture.label for picture in one.pictures])
    right, right_plain = (int((classes == labels).sum()) for classes in (best, best_plain))
    return dataclasses.replace(found, right=right, right_plain=right_plain)
