"""What an evaluation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.evaluation.scores import Scores


@dataclass(frozen=True)
class Evaluated:
    """One file and its scores."""

    path: Path
    scores: Scores

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"file": str(self.path), **self.scores.to_dict()}


@dataclass(frozen=True)
class Disagreement:
    """An image that two files take for different classes.

    Attributes:
        picture: its name.
        label: its true class.
        first: file and class, of the first file.
        other: of the one that says something else.
        margin: by how much the other prefers its own class to the first's, in its logits.
        pictures: how many images the two disagree on.
    """

    picture: str
    label: str
    first: tuple[Path, str]
    other: tuple[Path, str]
    margin: float
    pictures: int

    def __str__(self) -> str:
        return (
            f"{self.picture} ({self.label}) is {self.first[1]} to {self.first[0]} and {self.other[1]} to "
            f"{self.other[0]}, by {self.margin:.2g} in its logits; {self.pictures} differ in all"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "picture": self.picture,
            "label": self.label,
            "first": {"file": str(self.first[0]), "class": self.first[1]},
            "other": {"file": str(self.other[0]), "class": self.other[1]},
            "margin": self.margin,
            "pictures": self.pictures,
        }


@dataclass(frozen=True)
class Evaluation:
    """All files on the same images.

    Attributes:
        data: what was read.
        files: in the order given.
        disagreement: the first image that a file takes for another class than the first file does; None where
            all agree on every image.
    """

    data: Path
    files: tuple[Evaluated, ...]
    disagreement: Disagreement | None

    @property
    def ok(self) -> bool:
        """Whether all files agree."""
        return self.disagreement is None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "data": str(self.data),
            "classes": list(self.files[0].scores.classes),
            "files": [file.to_dict() for file in self.files],
            "agree": self.ok,
            "first_disagreement": None if self.disagreement is None else self.disagreement.to_dict(),
        }
