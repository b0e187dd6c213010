"""Small data sets in every form that is read."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("cat", "dog", "frog")


def pixels(count: int, side: int = 8, seed: int = 0) -> np.ndarray:
    """Random pictures [count, side, side, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def tree(folder: Path, per_class: int = 4, side: int = 8, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Path:
    """``<class>/<i>.png``: pictures whose class shows, as a brightness."""
    rng = np.random.default_rng(seed)
    for index, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            values = rng.integers(0, 60, (side, side, 3)) + index * 190 // max(len(classes) - 1, 1)
            Image.fromarray(values.astype(np.uint8)).save(folder / name / f"{i:04}.png")
    return folder


def packed(folder: Path, path: Path, prefix: str = "") -> Path:
    """A zip file of the folder, its entries below ``prefix``, in an order that is not the sorted one."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*"), reverse=True):
            archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    return path


def rows(pictures: np.ndarray) -> np.ndarray:
    """As the published files lay pictures out."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1))


class _Python2(pickle._Pickler):
    """Writes byte strings and NumPy's names as Python 2 did."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_bytes(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + len(value).to_bytes(4, "little") + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes


def python2(value: Any) -> bytes:
    """The pickle of a dict with byte strings for names, as CIFAR is published."""
    file = io.BytesIO()
    _Python2(file, protocol=2, fix_imports=True).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def cifar10(folder: Path, count: int = 10) -> Path:
    """A ``cifar-10-batches-py`` with ``count`` pictures a file."""
    folder.mkdir(parents=True)
    for seed, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        labels = [(seed + i) % 10 for i in range(count)]
        batch = {
            b"batch_label": b"a batch",
            b"labels": labels,
            b"data": rows(pixels(count, 32, seed)),
            b"filenames": [b"a.png"] * count,
        }
        (folder / name).write_bytes(python2(batch))
    names = [f"class{i}".encode() for i in range(10)]
    (folder / "batches.meta").write_bytes(python2({b"label_names": names, b"num_vis": 3072}))
    return folder


def cifar100(folder: Path, count: int = 10) -> Path:
    """A ``cifar-100-python``."""
    folder.mkdir(parents=True)
    for seed, name in enumerate(["train", "test"]):
        labels = [(7 * i + seed) % 100 for i in range(count)]
        batch = {b"fine_labels": labels, b"coarse_labels": [0] * count, b"data": rows(pixels(count, 32, seed))}
        (folder / name).write_bytes(python2(batch))
    names = [f"fine{i}".encode() for i in range(100)]
    (folder / "meta").write_bytes(python2({b"fine_label_names": names, b"coarse_label_names": [b"a"]}))
    return folder


def imagenet32(folder: Path, *, npz: bool, count: int = 6, protocol: int = 4) -> Path:
    """Batch files of ImageNet-32."""
    folder.mkdir(parents=True)
    for seed, name in enumerate([*(f"train_data_batch_{n}" for n in range(1, 11)), "val_data"]):
        labels = [1 + (seed * 100 + i) % 1000 for i in range(count)]
        batch = {"data": rows(pixels(count, 32, seed)), "labels": labels, "mean": np.full(3072, 127.5)}
        if npz:
            np.savez_compressed(folder / f"{name}.npz", **batch)
        else:
            (folder / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    return folder
