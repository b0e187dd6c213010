"""The published batch files of CIFAR-10, CIFAR-100 and ImageNet-32 (16, 64): rows of pixels, plane by plane.

    row = red plane, green plane, blue plane;  each S x S, row by row

    CIFAR-10      data_batch_1 ... 5, test_batch      data, labels from 0
    CIFAR-100     train, test                         data, fine_labels from 0
    ImageNet-32   train_data_batch_1 ... 10, val_data data, labels from 1; as pickles or as .npz

(Krizhevsky 2009; Chrabaszcz et al. 2017, arXiv 1707.08819)
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.data import pickles
from ssc_deploy.data.dataset import Dataset, Labels, Pixels, Split, check_memory
from ssc_deploy.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_MAX_ROWS = 2_000_000

#: Exceptions of reading a damaged .npz.
_DAMAGED = (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zipfile.LargeZipFile)


@dataclass(frozen=True)
class Publication:
    """The form in which a data set is published.

    Attributes:
        title: for messages.
        files: names of a split's files, without suffix.
        labels: key of the classes.
        first: number of the first class.
        classes: how many there are.
        names: file of the class names and its key; None if they are not published with the images.
    """

    title: str
    files: dict[Split, tuple[str, ...]]
    labels: str
    first: int
    classes: int
    names: tuple[str, str] | None = None


CIFAR_10 = Publication(
    "CIFAR-10",
    {Split.TRAIN: tuple(f"data_batch_{n}" for n in range(1, 6)), Split.TEST: ("test_batch",)},
    *("labels", 0, 10),
    ("batches.meta", "label_names"),
)
CIFAR_100 = Publication(
    "CIFAR-100",
    {Split.TRAIN: ("train",), Split.TEST: ("test",)},
    *("fine_labels", 0, 100),
    ("meta", "fine_label_names"),
)
IMAGENET_32 = Publication(
    "ImageNet-32",
    {Split.TRAIN: tuple(f"train_data_batch_{n}" for n in range(1, 11)), Split.TEST: ("val_data",)},
    *("labels", 1, 1000),
)


def find(folder: Path) -> Publication | None:
    """The data set in the folder, complete or in part; None if it is none of these."""
    if (folder / "meta").is_file() and any((folder / name).is_file() for name in ("train", "test")):
        return CIFAR_100
    for publication in (CIFAR_10, IMAGENET_32):
        if any(_file(folder, name) for names in publication.files.values() for name in names):
            return publication
    return None


def read(folder: Path, publication: Publication, split: Split) -> Dataset:
    """Reads one split.

    Raises:
        DataError: a file is missing, damaged, or holds something else than was published.
    """
    names = publication.files[split]
    files = {name: _file(folder, name) for name in names}
    missing = [name for name, file in files.items() if file is None]
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)} of the {len(names)} files of {publication.title}'s {split} split: "
            "fetch and unpack it again."
        )
    parts, labels, pictures = [], [], []
    for file in files.values():
        assert file is not None  # those would be missing
        rows, numbers = _rows(file, publication)
        parts.append(rows)
        labels.append(numbers)
        pictures += [f"{file.name}[{i}]" for i in range(len(rows))]
    return Dataset(folder, _joined(folder, parts), np.concatenate(labels), _classes(folder, publication), pictures)


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.npz") if path.is_file()), None)


def _rows(file: Path, publication: Publication) -> tuple[Pixels, Labels]:
    """Pixels [N, S, S, 3] and classes [N] of one file."""
    content = _npz(file) if file.suffix.lower() == ".npz" else pickles.read(file)
    rows, labels = content.get("data"), content.get(publication.labels)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype != np.uint8 or not rows.size:
        raise DataError(f"{file} needs the array data, uint8 [images, 3 * side * side], as {publication.title} has it.")
    side = math.isqrt(rows.shape[1] // 3)
    if 3 * side * side != rows.shape[1]:
        raise DataError(f"{file}: rows of {rows.shape[1]} bytes are not square images of three colours.")
    numbers = _numbers(labels)
    if numbers is None or numbers.shape != rows.shape[:1]:
        raise DataError(f"{file} needs the list {publication.labels}, a class for each of its {len(rows)} images.")
    numbers = numbers - publication.first
    if numbers.min() < 0 or numbers.max() >= publication.classes:
        last = publication.first + publication.classes - 1
        raise DataError(f"{file}: classes of {publication.title} are {publication.first} to {last}, other ones occur.")
    return rows.reshape(-1, 3, side, side).transpose(0, 2, 3, 1), numbers


def _numbers(labels: object) -> Labels | None:
    if isinstance(labels, list) and all(type(label) is int and abs(label) < 2**31 for label in labels):
        return np.array(labels, np.int64)
    return labels.astype(np.int64) if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" else None


def _joined(folder: Path, parts: list[Pixels]) -> Pixels:
    """All images in one array. The parts are removed from the list, so that they are not in memory twice."""
    sizes = {part.shape[1:3] for part in parts}
    if len(sizes) > 1:
        text = " and ".join(f"{width}x{height}" for height, width in sorted(sizes))
        raise DataError(f"{folder} holds images of {text}: the folder has files of two data sets; keep one.")
    count = sum(map(len, parts))
    check_memory(folder, count, parts[0].shape[1:3])
    pixels = np.empty((count, *parts[0].shape[1:]), np.uint8)
    start = 0
    while parts:
        part = parts.pop(0)
        pixels[start : start + len(part)] = part
        start += len(part)
    return pixels


def _classes(folder: Path, publication: Publication) -> tuple[str, ...]:
    """The published class names, or numbers from 0."""
    if publication.names is None:
        return tuple(map(str, range(publication.classes)))
    name, key = publication.names
    path = folder / name
    if not path.is_file():
        raise DataError(f"{folder} lacks {name}, which names the classes of {publication.title}: fetch it again.")
    found = pickles.read(path).get(key)
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in found or ()]
    if len(texts) != publication.classes or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{path} needs `{key}`, the {publication.classes} class names: fetch it again.")
    return tuple(texts)


def _npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays ``data`` and ``labels`` of an .npz file; their sizes are checked before anything is unpacked."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in ("data", "labels"):
                    with archive.open(info) as entry:
                        found[name] = _npy(entry, info.file_size)
    except _DAMAGED as error:
        raise DataError(f"{path} is truncated or damaged ({error}): fetch it again.") from error
    return found


def _npy(entry: IO[bytes], size: int) -> npt.NDArray[Any]:
    """Reads an .npy file of ``size`` bytes without Python objects.

    Raises:
        ValueError: the file does not have what its header says, or the header says more than any published file has.
    """
    if np.lib.format.read_magic(entry) != (1, 0):
        raise ValueError("a later version of .npy than is published")
    shape, columns_first, kind = np.lib.format.read_array_header_1_0(entry)
    if kind.kind not in "iuf" or columns_first or not shape or shape[0] > _MAX_ROWS or size > pickles.MAX_BYTES:
        raise ValueError(f"an array {kind}{list(shape)}")
    count = math.prod(shape)
    if count * kind.itemsize + entry.tell() != size:
        raise ValueError(f"{size} bytes for an array {kind}{list(shape)}")
    content = entry.read()
    return np.frombuffer(content, kind, count).reshape(shape)
