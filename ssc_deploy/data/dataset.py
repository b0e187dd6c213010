"""Decoded images with their classes in memory, for training and evaluation."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy import pictures
from ssc_deploy.errors import DataError, PictureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    #: Is given the class of each image, and returns the indices of those that are to be read, in their order.
    Choice = Callable[["Labels"], npt.NDArray[np.int64]]

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

#: Decoded images of more bytes than this are refused, since they are in memory. ImageNet-32 takes a quarter of it.
MAX_BYTES = 16 << 30

#: The label of an image whose class is not known.
UNKNOWN = -1

_SHOWN = 3


class Split(enum.StrEnum):
    """The part of a data set; a folder may hold both."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True)
class Dataset:
    """Images with their classes, in an order that depends on nothing but the data.

    Attributes:
        path: what was read.
        pixels: uint8 [N, H, W, 3], red first, N > 0.
        labels: int64 [N], indices of ``classes``; `UNKNOWN` where there are none.
        classes: names of the classes; empty where they are not known.
        names: of the images, for messages: the file's path below ``path``, or the file and the index in it.
    """

    path: Path
    pixels: Pixels
    labels: Labels
    classes: tuple[str, ...]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the images."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def part(self, rows: npt.NDArray[np.int64] | slice) -> Dataset:
        """Some of the images."""
        names = self.names[rows] if isinstance(rows, slice) else [self.names[i] for i in rows]
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows], names=names)

    def ordered(self, labels: Sequence[str]) -> Dataset:
        """The same images with the classes numbered as a network's outputs are.

        Args:
            labels: class names in the order of the outputs; the data may lack some.

        Raises:
            DataError: the data has a class that the network does not know.
        """
        unknown = [name for name in self.classes if name not in labels]
        if unknown:
            raise DataError(
                f"{self.path} has {listed(unknown, 'class', 'classes')}, which the network's labels "
                f"({listed(labels, 'class', 'classes')}) do not know: give data of the classes it was trained on."
            )
        order = np.array([list(labels).index(name) for name in self.classes], np.int64)
        return replace(self, labels=order[self.labels], classes=tuple(labels))

    def fitted(self, size: tuple[int, int], *, resize: bool) -> Dataset:
        """The same images in (H, W) of ``size``.

        Raises:
            DataError: they have another size, and ``resize`` is false; or they would not fit into memory.
        """
        if size == self.size:
            return self
        check_memory(self.path, len(self), size)
        try:
            named = zip(self.pixels, self.names, strict=True)
            fitted = [
                pictures.read(picture, "RGB", size, resize=resize, name=f"{self.path / name}")
                for picture, name in named
            ]
        except PictureError as error:
            raise DataError(f"{error}.") from error
        return replace(self, pixels=np.stack(fitted))


def listed(names: Sequence[str], one: str, many: str) -> str:
    """E.g. ``"10 classes (airplane, automobile, bird, ...)"``."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} {one if len(names) == 1 else many} ({', '.join(names[:_SHOWN])}{more})"


def check_memory(path: Path, count: int, size: tuple[int, int]) -> None:
    """Refuses images that would not fit into memory, before the first is decoded.

    Raises:
        DataError: more than `MAX_BYTES`.
    """
    needed = count * size[0] * size[1] * 3
    if needed > MAX_BYTES:
        raise DataError(
            f"{path}: {count} images of {size[1]}x{size[0]} take {needed / 2**30:.0f} GiB decoded, and at most "
            f"{MAX_BYTES >> 30} are held in memory: give fewer, or scale them down."
        )
