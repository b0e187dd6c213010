"""How often a network is right: top-1, top-5, by class, and what it takes for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.data.dataset import Labels

TOP = 5


@dataclass(frozen=True)
class ClassScore:
    """One class.

    Attributes:
        name: of the class.
        pictures: that show it.
        correct: of these, those whose highest output is this class.
    """

    name: str
    pictures: int
    correct: int

    @property
    def accuracy(self) -> float | None:
        """Share that is right, 0..1; None if no image shows the class."""
        return self.correct / self.pictures if self.pictures else None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"name": self.name, "pictures": self.pictures, "correct": self.correct, "top1": self.accuracy}


@dataclass(frozen=True)
class Scores:
    """What a network's outputs are worth on images of known classes.

    Attributes:
        predicted: class of the highest output of each image, int64 [N]; of equal outputs the lower index counts.
        correct: images whose class has the highest output.
        correct_top5: images whose class is among the five highest; None for five classes or fewer.
        confusion: int64 [classes, classes]: images by their true class (row) and the predicted one (column).
        classes: names.
    """

    predicted: Labels
    correct: int
    correct_top5: int | None
    confusion: npt.NDArray[np.int64]
    classes: tuple[str, ...]

    @property
    def pictures(self) -> int:
        """How many were scored."""
        return len(self.predicted)

    @property
    def top1(self) -> float:
        """Share of `correct`, 0..1."""
        return self.correct / self.pictures

    @property
    def top5(self) -> float | None:
        """Share of `correct_top5`, 0..1."""
        return None if self.correct_top5 is None else self.correct_top5 / self.pictures

    @property
    def by_class(self) -> tuple[ClassScore, ...]:
        """Each class on its own."""
        counts = self.confusion.sum(axis=1)
        return tuple(ClassScore(name, int(counts[i]), int(self.confusion[i, i])) for i, name in enumerate(self.classes))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "top1": self.top1,
            "top5": self.top5,
            "pictures": self.pictures,
            "correct": self.correct,
            "by_class": [score.to_dict() for score in self.by_class],
            "confusion": self.confusion.tolist(),
        }


def score(logits: npt.NDArray[np.float32], labels: Labels, classes: tuple[str, ...], source: Path) -> Scores:
    """Scores outputs.

    Args:
        logits: [N, classes], N > 0.
        labels: the true classes [N].
        classes: their names.
        source: of the network, named in errors.

    Raises:
        DataError: an output is not a number.
    """
    if not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise DataError(f"{source} gives NaN or Inf for image {row + 1}: it cannot be scored.")
    # Stable, so that equal outputs rank by their index, with every runtime.
    ranked = np.argsort(-logits, axis=1, kind="stable")
    predicted = ranked[:, 0].astype(np.int64)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    top5 = int((ranked[:, :TOP] == labels[:, None]).any(axis=1).sum()) if len(classes) > TOP else None
    return Scores(predicted, int((predicted == labels).sum()), top5, confusion, classes)
