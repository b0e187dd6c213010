"""ImageFolder trees, ``<class>/<picture>``, as a folder or as a zip file that is never unpacked.

Classes are numbered in the order of their names, and images come class by class in the order of theirs, by code
points, as torchvision's ``ImageFolder`` has it, on every machine. The tree may lie below a folder ``train`` or
``test`` (``val``), or below any one folder. Hidden files and files that are not images are passed over.
"""

from __future__ import annotations

import abc
import io
import os
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Self

import numpy as np

from ssc_deploy import pictures
from ssc_deploy.data.dataset import UNKNOWN, Dataset, Pixels, Split, check_memory
from ssc_deploy.errors import DataError, PictureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from ssc_deploy.data.dataset import Choice

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"))

#: Names of the folder of a split.
FOLDERS = {Split.TRAIN: ("train", "training"), Split.TEST: ("test", "val", "valid", "validation")}

#: Entries of a zip file that unpack to more bytes are refused.
MAX_ENTRY_BYTES = 64 << 20

_DAMAGED = (OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


class Files(abc.ABC):
    """Files by their names, with slashes; used as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    @abc.abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    @abc.abstractmethod
    def names(self) -> tuple[list[str], list[str]]:
        """Folders and files, in any order."""

    @abc.abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """The content of a file."""


class Folder(Files):
    """A folder and what lies in it; links to folders are not followed."""

    def __exit__(self, *_: object) -> None:
        """Does nothing, since no file is open."""

    def names(self) -> tuple[list[str], list[str]]:
        """See `Files.names`."""
        folders, files = [], []
        for here, below, names in os.walk(self.path):
            prefix = Path(here).relative_to(self.path)
            folders += [(prefix / name).as_posix() for name in below]
            files += [(prefix / name).as_posix() for name in names]
        return folders, files

    def open(self, name: str) -> IO[bytes]:
        """See `Files.open`."""
        try:
            return (self.path / name).open("rb")
        except OSError as error:
            raise DataError(f"{self.path / name} cannot be read: {error.strerror}.") from error


class Zip(Files):
    """A zip file; its entries are read into memory one by one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except _DAMAGED as error:
            raise DataError(f"{path} is truncated, or no zip file ({error}): fetch it again.") from error

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def names(self) -> tuple[list[str], list[str]]:
        """See `Files.names`."""
        infos = self._archive.infolist()
        files = [info.filename for info in infos if not info.is_dir()]
        if len(set(files)) < len(files):
            twice = next(name for name in sorted(files) if files.count(name) > 1)
            raise DataError(f"{self.path} holds {twice} twice: pack it again.")
        # Not every packer writes entries for folders.
        parents = {parent.as_posix() for name in files for parent in PurePosixPath(name).parents if parent.name}
        return sorted(parents | {info.filename.rstrip("/") for info in infos if info.is_dir()}), files

    def open(self, name: str) -> IO[bytes]:
        """See `Files.open`."""
        info = self._archive.getinfo(name)
        if info.file_size > MAX_ENTRY_BYTES:
            raise DataError(
                f"{self.path}: {name} unpacks to {info.file_size >> 20} MB, more than an image has: pack it again."
            )
        try:
            return io.BytesIO(self._archive.read(info))
        except _DAMAGED as error:
            raise DataError(f"{self.path}: {name} is damaged ({error}): fetch the file again.") from error


def read(
    files: Files, split: Split, size: tuple[int, int] | None, *, resize: bool, choose: Choice | None = None
) -> Dataset:
    """Reads and decodes images.

    Args:
        files: of the tree.
        split: which part, if the tree has both.
        size: (H, W) of the images; None for that of the first.
        resize: bring images of another size to ``size`` (see `pictures.read`) instead of refusing them.
        choose: which images; None for all.

    Raises:
        DataError: it is not such a tree, or a class or an image is wrong; the message names it.
    """
    folders, names = files.names()
    root = _root(files.path, folders, split)
    classes = _classes(files.path, root, folders, names)
    names = [name for pictures_of in classes.values() for name in pictures_of]
    labels = np.repeat(np.arange(len(classes)), [len(pictures_of) for pictures_of in classes.values()])
    if choose is not None:
        chosen = choose(labels)
        names, labels = [names[i] for i in chosen], labels[chosen]
    return Dataset(files.path, _pixels(files, names, size, resize=resize), labels, tuple(classes), names)


def unlabelled(files: Files) -> list[str]:
    """Names of the images, sorted, where none lies in a folder of a class; empty where one does.

    They may lie below any one folder, as those of an archive do.
    """
    _, names = files.names()
    images = sorted(name for name in names if _is_picture(name))
    return images if len({name.rpartition("/")[0] for name in images}) == 1 else []


def read_unlabelled(
    files: Files, names: Sequence[str], size: tuple[int, int] | None, *, resize: bool, choose: Choice | None = None
) -> Dataset:
    """Reads and decodes images of unknown classes.

    Args:
        files: that hold them.
        names: of the images, see `unlabelled`; at least one.
        size: see `read`.
        resize: see `read`.
        choose: see `read`; all labels are `UNKNOWN`.

    Raises:
        DataError: an image is wrong; the message names it.
    """
    labels = np.full(len(names), UNKNOWN, np.int64)
    if choose is not None:
        chosen = choose(labels)
        names, labels = [names[i] for i in chosen], labels[chosen]
    return Dataset(files.path, _pixels(files, names, size, resize=resize), labels, (), names)


def _pixels(files: Files, names: Sequence[str], size: tuple[int, int] | None, *, resize: bool) -> Pixels:
    pixels = None
    for i, name in enumerate(names):
        picture = _decoded(files, name, size, resize=resize)
        if pixels is None:
            size = picture.shape[0], picture.shape[1]
            check_memory(files.path, len(names), size)
            pixels = np.empty((len(names), *picture.shape), np.uint8)
        pixels[i] = picture
    assert pixels is not None  # every class has an image
    return pixels


def _root(path: Path, folders: Iterable[str], split: Split) -> str:
    """The folder of the classes, with a slash at its end; empty for the outermost."""
    visible = [name for name in folders if not _hidden(name)]
    root = ""
    while True:
        inner = {name.removeprefix(root) for name in visible if name.startswith(root)}
        here = {name for name in inner if "/" not in name}
        # A class may be called "train", too; but it holds images, not folders.
        outer = {name.partition("/")[0] for name in inner if "/" in name}
        parts = {part: [name for name in names if name in outer] for part, names in FOLDERS.items()}
        if parts[split]:
            root += f"{parts[split][0]}/"
        elif len(here) == 1 and len(inner) > 1:
            root += f"{next(iter(here))}/"
        elif here and here == {name for found in parts.values() for name in found}:
            raise DataError(f"{path} has no folder {' or '.join(FOLDERS[split])}, it has {', '.join(sorted(here))}.")
        else:
            return root


def _classes(path: Path, root: str, folders: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Names of the images of each class, both sorted."""
    below = {name.removeprefix(root) for name in folders if name.startswith(root) and not _hidden(name)}
    classes: dict[str, list[str]] = {name: [] for name in sorted(below) if "/" not in name}
    for name in sorted(names):
        first, slash, _ = name.removeprefix(root).partition("/")
        if name.startswith(root) and slash and first in classes and _is_picture(name):
            classes[first].append(name)
    where = path / root if root else path
    if not classes:
        raise DataError(f"{where} holds no folders of classes: expected is <class>/<image> below it.")
    empty = [name for name, found in classes.items() if not found]
    if empty:
        more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise DataError(f"{where}: the class folder {empty[0]}{more} holds no images: fill or remove it.")
    return classes


def _decoded(files: Files, name: str, size: tuple[int, int] | None, *, resize: bool) -> pictures.Pixels:
    shown = f"{files.path / name}"
    try:
        with files.open(name) as file:
            image = pictures.decoded(file, shown)
        return pictures.read(image, "RGB", size or (image.height, image.width), resize=resize, name=shown)
    except PictureError as error:
        raise DataError(f"{error}.") from error


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not _hidden(name)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
