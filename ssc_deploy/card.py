"""A model's card: ``model.toml`` beside its checkpoint, saying what it is, how it was trained and what it reaches."""

from __future__ import annotations

import csv
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CardError, PreprocessingError
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.storage import toml_table

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.storage.toml_table import Table

FILE_NAME = "model.toml"
SCHEMA_VERSION = 1

#: File in the golden folder: a header ``file,label``, then one line for each image.
GOLDEN_LABELS = "labels.csv"


@dataclass(frozen=True)
class Training:
    """How the checkpoint came to be.

    Attributes:
        data: what it was trained on.
        recipe: how, in a sentence.
        command: what trains it again; empty if the card does not say.
        log: a JSON object an epoch, as `training` writes it; None if there is none.
        curve: their image; None if there is none.
    """

    data: str
    recipe: str
    command: str = ""
    log: Path | None = None
    curve: Path | None = None


@dataclass(frozen=True)
class Accuracy:
    """What was measured.

    Attributes:
        top1: share of images whose highest output is their class, 0..1.
        pictures: how many were measured.
        data: which.
        command: what measures it again.
    """

    top1: float
    pictures: int
    data: str
    command: str


@dataclass(frozen=True)
class GoldenPicture:
    """A real image and its true class (index of the output)."""

    path: Path
    label: int


@dataclass(frozen=True)
class Card:
    """What ``model.toml`` says.

    Attributes:
        path: of the card.
        name: display name.
        checkpoint: file name of the checkpoint beside the card.
        sha256: of the checkpoint, hexadecimal.
        arch: architecture, None for a network that is not one of `nets`.
        config: its configuration, in plain values.
        labels: class names in the order of the outputs.
        preprocessing: how an image becomes the input.
        golden: folder of the golden images.
        training: how it was trained.
        accuracy: what it reaches.
    """

    path: Path
    name: str
    checkpoint: str
    sha256: str
    arch: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    golden: Path | None = None
    training: Training | None = None
    accuracy: Accuracy | None = None

    def golden_pictures(self) -> tuple[GoldenPicture, ...]:
        """The golden images with their classes, in the order of their list; empty if the card names no folder.

        Raises:
            CardError: the list is missing or malformed, or names an image that is not there, or a class that is not
                there, or there twice.
        """
        if self.golden is None:
            return ()
        listed = self.golden / GOLDEN_LABELS
        try:
            with listed.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CardError(f"{listed}: the list of golden images cannot be read: {error}.") from error
        pictures = []
        for row in rows:
            name, label = row.get("file"), row.get("label")
            if not name or label not in self.labels:
                raise CardError(f"{listed}: {row} needs a file and a label that {self.path.name} lists as its labels.")
            if self.labels.count(label) > 1:
                raise CardError(
                    f"{listed}: {self.path.name} lists {label!r} more than once in its labels, so the class of {name} "
                    "is not known; give the classes names of their own."
                )
            picture = self.golden / name
            if not _is_inside(picture, self.golden) or not picture.is_file():
                raise CardError(f"{listed}: there is no image {name!r} in {self.golden}.")
            pictures.append(GoldenPicture(picture, self.labels.index(label)))
        if not pictures:
            raise CardError(f"{listed} lists no images under the header `file,label`.")
        return tuple(pictures)


def read(path: Path) -> Card:
    """Reads a card.

    Raises:
        CardError: missing, no TOML, or a key that is missing, unknown or of the wrong form: file and key are named.
    """
    table = toml_table.read(path, CardError, SCHEMA_VERSION)
    picture, training, accuracy = (table.table(key) for key in ("preprocessing", "training", "accuracy"))
    golden = table.take("golden", str, None)
    card = Card(
        path=path,
        name=table.take("name", str),
        checkpoint=table.take("checkpoint", str),
        sha256=table.take("sha256", str).lower(),
        arch=table.take("arch", str, None),
        config=table.take("config", dict, {}),
        labels=table.items("labels", str, ()),
        preprocessing=None if picture is None else _preprocessing(picture),
        golden=None if golden is None else path.parent / golden,
        training=None if training is None else _training(training),
        accuracy=None
        if accuracy is None
        else Accuracy(
            accuracy.take("top1", float),
            accuracy.take("pictures", int),
            accuracy.take("data", str),
            accuracy.take("command", str),
        ),
    )
    for part in (table, picture, training, accuracy):
        if part is not None:
            part.finish()
    if card.golden is not None and not (_is_inside(card.golden, path.parent) and card.golden.is_dir()):
        raise CardError(f"{path}: golden names {golden!r}, which is not a folder beside the card.")
    if card.accuracy is not None and not 0 <= card.accuracy.top1 <= 1:
        raise CardError(f"{path}: accuracy.top1 is a share between 0 and 1, not {card.accuracy.top1}.")
    return card


def find(checkpoint: Path, sha256: str) -> Card | None:
    """The card beside a checkpoint, where there is one that speaks of this very file.

    Warns:
        UserWarning: the card names this file with another SHA-256, and is therefore not used.

    Raises:
        CardError: the card is malformed.
    """
    path = checkpoint.parent / FILE_NAME
    if not path.is_file():
        return None
    card = read(path)
    if card.checkpoint != checkpoint.name:
        return None
    if card.sha256 != sha256:
        warnings.warn(
            f"{path} is not used: it describes a {checkpoint.name} of SHA-256 {card.sha256[:12]}..., "
            f"this one has {sha256[:12]}...",
            stacklevel=2,
        )
        return None
    return card


def _file(table: Table, key: str) -> Path | None:
    """A file beside the card, None if the key is missing."""
    name = table.take(key, str, None)
    if name is None:
        return None
    path: Path = table.path.parent / name
    if not (_is_inside(path, table.path.parent) and path.is_file()):
        raise CardError(f"{table.path}: {table.prefix}{key} names {name!r}, which is not a file beside the card.")
    return path


def _training(table: Table) -> Training:
    return Training(
        table.take("data", str),
        table.take("recipe", str),
        table.take("command", str, ""),
        _file(table, "log"),
        _file(table, "curve"),
    )


def _preprocessing(table: Table) -> Preprocessing:
    mean = table.items("mean", float)
    std = table.items("std", float)
    colour = table.take("colour", str, "RGB")
    try:
        return Preprocessing(mean, std, colour, table.take("resize", str, None))
    except PreprocessingError as error:
        raise CardError(f"{table.path}: {table.prefix}{error}.") from error


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
