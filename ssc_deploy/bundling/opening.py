"""Opens a bundle from any source: its names, sizes and hashes are checked before anything is used."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import golden
from ssc_deploy.bundling import limits
from ssc_deploy.bundling.manifest import FILE_NAME, Manifest
from ssc_deploy.errors import BundleError
from ssc_deploy.profiling.job import read_json
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.storage.files import as_output_error

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = npt.NDArray[Any]

_NAME = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A bundle whose files are all there and whole.

    Attributes:
        folder: that it lies in.
        manifest: its model.json.
    """

    folder: Path
    manifest: Manifest

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The golden images [count, H, W, C]."""
        rule, count = self.manifest.preprocessing, self.manifest.golden.count
        shape = (count, rule.height, rule.width, rule.preprocessing.channels)
        return self._array(self.manifest.golden.pixels, np.dtype(np.uint8), shape)

    def inputs(self) -> npt.NDArray[np.float32]:
        """The golden inputs [count, C, H, W], finite."""
        rule, count = self.manifest.preprocessing, self.manifest.golden.count
        shape = (count, rule.preprocessing.channels, rule.height, rule.width)
        return self._array(self.manifest.golden.inputs, np.dtype(np.float32), shape)

    def outputs(self) -> npt.NDArray[np.float64]:
        """The golden outputs [count, classes], finite."""
        shape = (self.manifest.golden.count, len(self.manifest.labels))
        return self._array(self.manifest.golden.outputs, np.dtype(np.float64), shape)

    def block_values(self) -> list[npt.NDArray[np.float64]]:
        """What the blocks compute for the debug image, finite; empty if the bundle was made without."""
        debug = self.manifest.debug
        if debug is None:
            return []
        try:
            found = golden.arrays(self.folder / debug.values)
            values = [found[f"block.{i}"] for i in range(len(debug.blocks))]
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(
                f"{debug.values} of the bundle has not the blocks that model.json names ({error})"
            ) from error
        for array in values:
            self._check(debug.values, array, np.dtype(np.float64), array.shape)
        return values

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """An array of a golden file, which is not read before its header says that it is the one expected."""
        path = self.folder / name
        try:
            with path.open("rb") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                found, _, kind = read(file)
                if found != shape or kind != dtype:
                    raise BundleError(f"{name} of the bundle holds {kind} {list(found)}, not {dtype} {list(shape)}")
            array = np.load(path, allow_pickle=False)
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
        except golden.DAMAGES as error:
            raise BundleError(f"{name} of the bundle is damaged, or no array file; make the bundle again") from error
        return self._check(name, array, dtype, shape)

    def _check(self, name: str, array: Array, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        if array.dtype != dtype or array.shape != shape or not array.size:
            raise BundleError(
                f"{name} of the bundle holds {array.dtype} {list(array.shape)}, not {dtype} {list(shape)}"
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{name} of the bundle holds NaN or Inf; make the bundle again")
        return array


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Opens a bundle; a zip is unpacked into a temporary folder meanwhile.

    Args:
        path: a folder, or a ``.zip`` with the files at its root.

    Raises:
        BundleError: it is none, of another schema version, contradicts itself, or a file is missing, damaged, or one
            that model.json does not name.
        OutputError: there is no room to unpack it.
    """
    if path.is_dir():
        yield _checked(path, path)
        return
    if not path.is_file():
        raise BundleError(f"{path} is not there; give a folder or a .zip that `ssc_deploy.bundle()` made")
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-") as name:
        _unpack(path, Path(name))
        yield _checked(Path(name), path)


def _unusable(path: Path, reason: str) -> BundleError:
    return BundleError(f"{path} is not a bundle that can be used: {reason}; make it again with `ssc_deploy.bundle()`")


def _too_much_json(path: Path) -> BundleError:
    return _unusable(path, f"its {FILE_NAME} is larger than {limits.MOST_JSON:,} bytes")


def _checked(folder: Path, path: Path) -> Opened:
    """The bundle in ``folder``, which came from ``path``."""
    manifest = _manifest(folder / FILE_NAME, path)
    there = dict(_files(folder, path))
    size = there.pop(FILE_NAME, None)
    if size is None:
        raise _unusable(path, f"{FILE_NAME} is not an ordinary file")
    if (excess := limits.excess(manifest)) is not None:
        raise _unusable(path, excess)
    for name in there.keys() - manifest.files.keys():
        raise _unusable(path, f"it holds {name!r:.100}, which {FILE_NAME} does not name")
    for name, entry in manifest.files.items():
        if name not in there:
            raise _unusable(path, f"{name} is missing")
        if there[name] != entry.bytes or sha256_of(folder / name) != entry.sha256:
            raise _unusable(path, f"{name} is damaged: its size or its SHA-256 is not what {FILE_NAME} says")
    return Opened(folder, manifest)


def _manifest(file: Path, path: Path) -> Manifest:
    try:
        if file.stat().st_size > limits.MOST_JSON:
            raise _too_much_json(path)
        return Manifest.from_dict(read_json(file))
    except OSError as error:
        raise _unusable(path, f"its {FILE_NAME} cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        reason = "it nests without end" if isinstance(error, RecursionError) else str(error)
        raise _unusable(path, f"of its {FILE_NAME}, {reason}") from error


def _files(folder: Path, path: Path) -> Iterator[tuple[str, int]]:
    """Ordinary files below a folder with their sizes."""
    for here, folders, names in os.walk(folder):
        for name in (*folders, *names):
            below = Path(here, name)
            mode = below.lstat().st_mode
            if stat.S_ISREG(mode):
                yield below.relative_to(folder).as_posix(), below.lstat().st_size
            elif not stat.S_ISDIR(mode):
                raise _unusable(path, f"{name!r:.100} in it is a link, or no ordinary file")


def _unpack(path: Path, folder: Path) -> None:
    """Unpacks a zip whose names lead nowhere else, and that holds no more than its directory says."""
    try:
        if path.stat().st_size > limits.MOST_ARCHIVE:
            most = f"{limits.MOST_ARCHIVE:,}"
            raise _unusable(path, f"it has more than the {most} bytes of an archive that the app takes")
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_directory(path, entries)
            for entry in entries:
                _unpack_entry(archive, entry, folder)
    except OSError as error:
        raise _unusable(path, f"it cannot be read ({error.strerror or error})") from error
    except golden.DAMAGES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _unusable(path, f"it is cut off, damaged, or no zip file ({reason:.200})") from error


def _check_directory(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    for name in names:
        if not _NAME.fullmatch(name) or {".", ".."} & {*name.split("/")} or len(name) > 200:
            raise _unusable(path, f"it holds a file called {name!r:.100}")
    folded = {name.casefold() for name in names}
    if len(names) > limits.MOST_FILES + 1 or len(folded) < len(names):
        raise _unusable(path, "it holds too many files, or two of one name")
    if folded & {parent.as_posix() for name in folded for parent in PurePosixPath(name).parents}:
        raise _unusable(path, "a file of it is a folder as well")
    sizes = {entry.filename: entry.file_size for entry in entries}
    if FILE_NAME not in sizes:
        raise _unusable(path, f"it holds no {FILE_NAME}")
    if sizes.pop(FILE_NAME) > limits.MOST_JSON:
        raise _too_much_json(path)
    if sum(sizes.values()) > limits.MOST_UNPACKED:
        raise _unusable(path, f"it unpacks to more than {limits.MOST_UNPACKED:,} bytes")


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename
    with archive.open(entry) as source, as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            # zipfile itself reads no more than the directory's size, and checks the sum at the end.
            while chunk := source.read(_CHUNK):
                file.write(chunk)
