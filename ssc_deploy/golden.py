"""Golden sets: a few inputs of a network with what it computes for them in float64, beside the files made from it.

Whoever runs such a file elsewhere (a profile, a phone) compares with it, and needs neither the checkpoint nor PyTorch.
The file is an uncompressed .npz: ``inputs`` [N, ...], as the network takes them; ``outputs`` float64 [N, ...];
``tolerance`` float64 [number of outputs, 2], of each output the bounds max and rms of `verification.Tolerance` that the
export was held to; ``bounds.1`` ... float64 [size of that axis of the outputs], the bounds of its slices, for each axis
that has some; ``meta``, JSON as uint8, with the images' names and classes where they are known, and ``rows``: false
where the inputs are one whole (`signature.Signature.rows`). A second input is ``inputs.1``, a second output
``outputs.1`` with ``bounds.1.1`` ... Nothing in it is pickled.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import OutputError, RuntimeLoadError
from ssc_deploy.examples import Examples
from ssc_deploy.native import package
from ssc_deploy.storage import arrays as array_files
from ssc_deploy.verification.ranges import AxisBound
from ssc_deploy.verification.tolerance import Tolerance, tolerance_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.verification.tolerance import Error

#: Version of the file.
VERSION = 1

#: Behind the stem of the files that it belongs to.
SUFFIX = ".golden.npz"

#: Images of a golden set, where they are small.
PICTURES = 16

#: Bytes of inputs that a golden set holds at most, if that is an image at least: four of 3x224x224.
_INPUT_BYTES = 2_500_000

#: A file that says it holds more, the headers of its arrays among that, is not read.
MOST_BYTES = 256_000_000


@dataclass(frozen=True)
class Named:
    """Which image an input is.

    Attributes:
        name: of its file, without suffix.
        label: index of its true class.
    """

    name: str
    label: int


@dataclass(frozen=True)
class GoldenOutput:
    """What the network computes for the inputs, one of its outputs.

    Attributes:
        values: float64 [N, ...], without NaN and Inf.
        tolerance: what a device may be off by, over all inputs together.
    """

    values: npt.NDArray[np.float64]
    tolerance: Tolerance


@dataclass(frozen=True)
class GoldenSet:
    """Inputs and what the network computes for them.

    Attributes:
        source_sha256: of the checkpoint; empty for random weights.
        inputs: that the network is given.
        outputs: one for each output of the network.
        pictures: that the inputs are, one each; empty if they are none, or nobody knows.
    """

    source_sha256: str
    inputs: Examples
    outputs: tuple[GoldenOutput, ...]
    pictures: tuple[Named, ...] = ()

    def to_bytes(self) -> bytes:
        """The file; the same for the same set."""
        said: dict[str, Any] = {"schema_version": VERSION, "source_sha256": self.source_sha256}
        if self.pictures:
            said["pictures"] = [[picture.name, picture.label] for picture in self.pictures]
        if not self.inputs.rows:
            said["rows"] = False
        arrays: dict[str, npt.NDArray[Any]] = {
            _numbered("inputs", i): array for i, array in enumerate(self.inputs.arrays)
        }
        for i, output in enumerate(self.outputs):
            arrays[_numbered("outputs", i)] = output.values
            for bound in output.tolerance.axes:
                arrays[f"{_numbered('bounds', i)}.{bound.axis}"] = np.array(bound.max)
        arrays["tolerance"] = np.array([[output.tolerance.max, output.tolerance.rms] for output in self.outputs])
        arrays["meta"] = np.frombuffer(json.dumps(said, sort_keys=True).encode(), np.uint8)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, array in arrays.items():
                entry = io.BytesIO()
                np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())  # without the time of day
        return stream.getvalue()


def _numbered(name: str, index: int) -> str:
    """Of the arrays of an input or an output; the first has no number, as in files of older versions."""
    return f"{name}.{index}" if index else name


def path_beside(model: Path) -> Path:
    """Where the golden set of an exported file is, if it has one."""
    stem = model.name.removesuffix(package.SUFFIX) if not model.suffix else model.stem
    return model.with_name(stem + SUFFIX)


def chosen(
    source_sha256: str,
    inputs: Examples,
    outputs: Sequence[npt.NDArray[np.float64]],
    *,
    tolerances: Sequence[Tolerance | None],
    errors: Sequence[Sequence[Error]],
    pictures: Sequence[Named] = (),
) -> GoldenSet:
    """The golden set of an export: of its inputs up to `PICTURES`, spread evenly, fewer where they are large.

    Args:
        source_sha256: of the checkpoint.
        inputs: that the export was verified on.
        outputs: of the network for them, each [N, ...].
        tolerances: that each output was held to; None where ``atol`` and ``rtol`` were given instead.
        errors: of each output, one for each exported file; without a tolerance, what a device may be off by follows
            from the largest of them, as the tolerance does from PyTorch's own.
        pictures: that the inputs are; none if they are noise.
    """
    bytes_of_one = sum(array[0].nbytes for array in inputs.arrays)
    count = min(len(inputs), PICTURES, max(1, _INPUT_BYTES // bytes_of_one))
    rows = np.arange(count) * len(inputs) // count
    found = []
    for values, tolerance, off in zip(outputs, tolerances, errors, strict=True):
        found.append(GoldenOutput(values[rows], tolerance or tolerance_of_files(off, values)))
    named = tuple(pictures[row] for row in rows) if pictures else ()
    kept = Examples(tuple(array[rows] for array in inputs.arrays), inputs.rows)
    return GoldenSet(source_sha256, kept, tuple(found), named)


def arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file of at most `MOST_BYTES`; see `storage.arrays.read`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or says that it holds more than fits.
    """
    return array_files.read(path, MOST_BYTES)


#: What reading arrays raises at bytes that are no such file.
DAMAGES = array_files.DAMAGES


def read(path: Path) -> GoldenSet:
    """Reads a golden set that anybody may have written.

    Raises:
        RuntimeLoadError: it cannot be read, or is not a golden set.
    """
    try:
        found = arrays(path)
        return _checked(json.loads(found.pop("meta").tobytes().decode()), found)
    except OSError as error:
        raise RuntimeLoadError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RuntimeLoadError(
            f"{path} is not a golden set ({str(error).splitlines()[0] if str(error) else 'damaged'}); "
            "export again with `overwrite=True`, or remove it"
        ) from error


def _checked(meta: dict[str, Any], found: dict[str, npt.NDArray[Any]]) -> GoldenSet:
    if meta["schema_version"] != VERSION:
        raise ValueError(f"it is of schema version {meta['schema_version']}, this program of {VERSION}")
    inputs, values = (_all_of(name, found) for name in ("inputs", "outputs"))
    tolerance, rows = found["tolerance"], meta.get("rows", True)
    if not inputs or any(array.dtype.kind not in "fiub" or array.ndim < 1 for array in inputs):
        raise ValueError("its arrays are of other types")
    if any(array.dtype != np.float64 or array.ndim < 1 for array in values) or type(rows) is not bool:
        raise ValueError("its arrays are of other types")
    if not all(array.size and len(array) == len(inputs[0]) for array in (*inputs, *values)) or not values:
        raise ValueError("it has not one output for each input")
    if tolerance.shape != (len(values), 2) or tolerance.dtype != np.float64:
        raise ValueError("it has not one tolerance for each output")
    outputs = tuple(
        GoldenOutput(array, Tolerance(float(most), float(rms), _axes(array, _numbered("bounds", i), found)))
        for i, (array, (most, rms)) in enumerate(zip(values, tolerance, strict=True))
    )
    if sum(len(output.tolerance.axes) for output in outputs) != sum(name.startswith("bounds") for name in found):
        raise ValueError("its bounds are not of its outputs")
    floats = [array for array in found.values() if array.dtype.kind == "f"]
    limits = [array for name, array in found.items() if name.startswith(("tolerance", "bounds"))]
    if not all(np.isfinite(array).all() for array in floats) or any((array < 0).any() for array in limits):
        raise ValueError("it holds values that are not finite")
    named = tuple(Named(name, label) for name, label in meta.get("pictures", ()))
    right = all(type(one.name) is str and type(one.label) is int and one.label >= 0 for one in named)
    if named and (len(named) != len(inputs[0]) or not right):
        raise ValueError("it has not one image for each input")
    return GoldenSet(str(meta["source_sha256"]), Examples(tuple(inputs), rows), outputs, named)


def _all_of(name: str, found: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The arrays of all inputs or outputs, in their order."""
    every = [found[name]]
    while (more := found.get(f"{name}.{len(every)}")) is not None:
        every.append(more)
    return every


def _axes(values: npt.NDArray[Any], name: str, found: dict[str, npt.NDArray[Any]]) -> tuple[AxisBound, ...]:
    """The bounds of the slices of an output.

    Raises:
        ValueError: they are of another number of slices.
    """
    bounds = []
    for axis in range(1, values.ndim):
        array = found.get(f"{name}.{axis}")
        if array is None:
            continue
        if array.shape != (values.shape[axis],) or array.dtype != np.float64:
            raise ValueError("its bounds are not of its outputs")
        bounds.append(AxisBound(axis, tuple(array.tolist())))
    return tuple(bounds)


def _equal(a: Sequence[npt.NDArray[Any]], b: Sequence[npt.NDArray[Any]]) -> bool:
    return len(a) == len(b) and all(map(np.array_equal, a, b))


def _alike(a: GoldenOutput, b: GoldenOutput) -> bool:
    """Whether outputs and bounds are the same except for rounding.

    Other threads add up in another order, so the last digits may differ; bounds that were given may differ more.
    """
    one, other = a.tolerance, b.tolerance
    axes = [bound.axis for bound in one.axes] == [bound.axis for bound in other.axes]
    if a.values.shape != b.values.shape or not axes or not math.isclose(one.max, other.max, rel_tol=0.5):
        return False
    slices = zip(one.axes, other.axes, strict=True)
    return np.allclose(a.values, b.values) and all(np.allclose(x.max, y.max, rtol=0.5, atol=0) for x, y in slices)


def already_written(path: Path, golden: GoldenSet) -> bool:
    """Whether this set is there already, from an export of the same checkpoint to another format.

    Raises:
        OutputError: another one, or something else, is there.
    """
    if not path.exists():
        return False
    try:
        there = read(path)
        same = there.source_sha256 == golden.source_sha256 and there.inputs.rows == golden.inputs.rows
        same = same and _equal(there.inputs.arrays, golden.inputs.arrays) and len(there.outputs) == len(golden.outputs)
        if same and all(map(_alike, there.outputs, golden.outputs)):
            return True
    except RuntimeLoadError:
        pass
    raise OutputError(
        f"{path} exists, and belongs to another export; give `overwrite=True` to replace it, or choose another output "
        "folder"
    )
