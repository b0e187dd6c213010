"""Golden sets: a few inputs of a network with what it computes for them in float64, beside the files made from it.

Whoever runs such a file elsewhere (a profile, a phone) compares with it, and needs neither the checkpoint nor PyTorch.
The file is an uncompressed .npz: ``inputs`` float32 [N, C, H, W], as the network takes them; ``outputs`` float64
[N, ...]; ``tolerance`` float64 [1, 2], for the one output the bounds max and rms of `verification.Tolerance` that the
export was held to; ``bounds.1`` ... float64 [size of that axis of the outputs], the bounds of its slices, for each axis
that has some; ``meta``, JSON as uint8, with the pictures' names and classes where they are known. Nothing in it is
pickled.
"""

from __future__ import annotations

import io
import json
import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import OutputError, RuntimeLoadError
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

#: Pictures of a golden set, where they are small.
PICTURES = 16

#: The arrays of bounds of slices begin so; the number of their axis follows.
_BOUNDS = "bounds."

#: Bytes of inputs that a golden set holds at most, if that is a picture at least: four of 3x224x224.
_INPUT_BYTES = 2_500_000

#: A file that says it holds more, the headers of its arrays among that, is not read.
MOST_BYTES = 256_000_000


@dataclass(frozen=True)
class Named:
    """Which picture an input is.

    Attributes:
        name: of its file, without suffix.
        label: index of its true class.
    """

    name: str
    label: int


@dataclass(frozen=True)
class GoldenSet:
    """Inputs and what the network computes for them.

    Attributes:
        source_sha256: of the checkpoint; empty for random weights.
        inputs: float32 [N, C, H, W].
        outputs: float64 [N, ...], without NaN and Inf.
        tolerance: what a device may be off by, over all pictures together.
        pictures: that the inputs are, one each; empty where they are none, or nobody knows.
    """

    source_sha256: str
    inputs: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float64]
    tolerance: Tolerance
    pictures: tuple[Named, ...] = ()

    def to_bytes(self) -> bytes:
        """The file; the same for the same set."""
        said: dict[str, Any] = {"schema_version": VERSION, "source_sha256": self.source_sha256}
        if self.pictures:
            said["pictures"] = [[picture.name, picture.label] for picture in self.pictures]
        meta = json.dumps(said, sort_keys=True)
        arrays: dict[str, npt.NDArray[Any]] = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "tolerance": np.array([[self.tolerance.max, self.tolerance.rms]]),
            **{f"{_BOUNDS}{bound.axis}": np.array(bound.max) for bound in self.tolerance.axes},
            "meta": np.frombuffer(meta.encode(), np.uint8),
        }
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, array in arrays.items():
                entry = io.BytesIO()
                np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())  # without the time of day
        return stream.getvalue()


def path_beside(model: Path) -> Path:
    """Where the golden set of an exported file is, if it has one."""
    return model.with_name(model.stem + SUFFIX)


def chosen(
    source_sha256: str,
    inputs: npt.NDArray[np.float32],
    outputs: npt.NDArray[np.float64],
    *,
    tolerance: Tolerance | None,
    errors: Sequence[Error],
    pictures: Sequence[Named] = (),
) -> GoldenSet:
    """The golden set of an export: of its pictures up to `PICTURES`, spread evenly, fewer where they are large.

    Args:
        source_sha256: of the checkpoint.
        inputs: that the export was verified on, float32 [N, C, H, W].
        outputs: of the network for them, float64 [N, ...].
        tolerance: that the export was held to; None where ``atol`` and ``rtol`` were given instead.
        errors: of the exported files; without a tolerance, what a device may be off by follows from the largest of
            them, as the tolerance does from PyTorch's own.
        pictures: that the inputs are; none where they are noise.
    """
    count = min(len(inputs), PICTURES, max(1, _INPUT_BYTES // inputs[0].nbytes))
    rows = np.arange(count) * len(inputs) // count
    if tolerance is None:
        tolerance = tolerance_of_files(errors, outputs)
    named = tuple(pictures[row] for row in rows) if pictures else ()
    return GoldenSet(source_sha256, inputs[rows], outputs[rows], tolerance, named)


def arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file that anybody may have written; nothing in it is unpickled.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or says that it holds more than fits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise ValueError(f"it holds more than {MOST_BYTES:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except OSError:
        raise
    except DAMAGES as error:
        raise ValueError(str(error).splitlines()[0] if str(error) else "it is damaged") from error
    if not all(isinstance(array, np.ndarray) for array in found.values()):
        raise ValueError("it holds what is no array")  # numpy gives such members as bytes
    return found


#: What numpy, zipfile and zlib raise at bytes that are no such file; what is not implemented is a RuntimeError. Headers
#: of arrays are Python's literals, which are read by its own parser.
DAMAGES = (
    *(ValueError, KeyError, TypeError, AttributeError, EOFError, OverflowError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, SyntaxError, tokenize.TokenError),
)


def read(path: Path) -> GoldenSet:
    """Reads a golden set that anybody may have written.

    Raises:
        RuntimeLoadError: it cannot be read, or is no golden set.
    """
    try:
        found = arrays(path)
        inputs, outputs, tolerance, meta = (found[name] for name in ("inputs", "outputs", "tolerance", "meta"))
        bounds = {name.removeprefix(_BOUNDS): array for name, array in found.items() if name.startswith(_BOUNDS)}
        return _checked(json.loads(meta.tobytes().decode()), inputs, outputs, tolerance, bounds)
    except OSError as error:
        raise RuntimeLoadError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RuntimeLoadError(
            f"{path} is no golden set ({str(error).splitlines()[0] if str(error) else 'damaged'}); "
            "export again with `overwrite=True`, or remove it"
        ) from error


def _checked(
    meta: dict[str, Any],
    inputs: npt.NDArray[Any],
    outputs: npt.NDArray[Any],
    tolerance: npt.NDArray[Any],
    bounds: dict[str, npt.NDArray[Any]],
) -> GoldenSet:
    if meta["schema_version"] != VERSION:
        raise ValueError(f"it is of schema version {meta['schema_version']}, this program of {VERSION}")
    if inputs.dtype != np.float32 or inputs.ndim != 4 or outputs.dtype != np.float64 or outputs.ndim < 1:
        raise ValueError("its arrays are of other types")
    if not inputs.size or not outputs.size or len(inputs) != len(outputs):
        raise ValueError("it has not one output for each input")
    if tolerance.shape != (1, 2) or tolerance.dtype != np.float64:
        raise ValueError("it has not one tolerance")
    allowed = {str(axis): size for axis, size in enumerate(outputs.shape) if axis > 0}
    if any(axis not in allowed or a.shape != (allowed[axis],) or a.dtype != np.float64 for axis, a in bounds.items()):
        raise ValueError("its bounds are not of its outputs")
    limits = (tolerance, *bounds.values())
    if not all(np.isfinite(array).all() for array in (inputs, outputs, *limits)) or any((a < 0).any() for a in limits):
        raise ValueError("it holds values that are not finite")
    named = tuple(Named(name, label) for name, label in meta.get("pictures", ()))
    right = all(type(one.name) is str and type(one.label) is int and one.label >= 0 for one in named)
    if named and (len(named) != len(inputs) or not right):
        raise ValueError("it has not one picture for each input")
    axes = tuple(AxisBound(int(axis), tuple(bounds[axis].tolist())) for axis in sorted(bounds))
    whole = Tolerance(float(tolerance[0, 0]), float(tolerance[0, 1]), axes)
    return GoldenSet(str(meta["source_sha256"]), inputs, outputs, whole, named)


def _alike(a: Tolerance, b: Tolerance) -> bool:
    """Whether bounds are the same but for rounding."""
    if not math.isclose(a.max, b.max, rel_tol=0.5) or [one.axis for one in a.axes] != [one.axis for one in b.axes]:
        return False
    return all(np.allclose(one.max, other.max, rtol=0.5, atol=0) for one, other in zip(a.axes, b.axes, strict=True))


def already_written(path: Path, golden: GoldenSet) -> bool:
    """Whether this set is there already, from an export of the same checkpoint to another format.

    Raises:
        OutputError: another one, or something else, is there.
    """
    if not path.exists():
        return False
    try:
        there = read(path)
        same = there.source_sha256 == golden.source_sha256 and np.array_equal(there.inputs, golden.inputs)
        same = same and there.outputs.shape == golden.outputs.shape
        # Other threads add up in another order, so the last digits may differ; bounds that were given may differ more.
        if same and _alike(there.tolerance, golden.tolerance) and np.allclose(there.outputs, golden.outputs):
            return True
    except RuntimeLoadError:
        pass
    raise OutputError(
        f"{path} exists, and belongs to another export; give `overwrite=True` to replace it, or choose another output "
        "folder"
    )
