"""The networks that have a name, and which of them come with trained weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssc_deploy import card as cards
from ssc_deploy.nets.sizes import NAMED, named

if TYPE_CHECKING:
    from ssc_deploy.card import Card

#: Where models stand unless told otherwise: ``models/<name>/model.toml``.
FOLDER = Path("models")


@dataclass(frozen=True)
class Entry:
    """A network, and its trained weights where there are some.

    Attributes:
        name: of `nets.NAMED`; ``--net`` and ``--arch`` take it.
        network: its title.
        parameters: with 10 classes.
        checkpoint: trained weights; None for a definition only.
        top1: what they reach, 0..1; None where their card does not say.
        pictures: how many that was measured on; 0 where their card does not say.
    """

    name: str
    network: str
    parameters: int
    checkpoint: Path | None = None
    top1: float | None = None
    pictures: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {**asdict(self), "checkpoint": None if self.checkpoint is None else str(self.checkpoint)}


def models(folder: Path | None = None) -> tuple[Entry, ...]:
    """Every named network, in the order of the paper's tables.

    Args:
        folder: of the trained models; None for ``models/`` below the current folder, or else beside this package, as
            in a clone.

    Raises:
        CardError: a model's card is malformed.
    """
    where = _folder() if folder is None else folder
    return tuple(_entry(name, where / name / cards.FILE_NAME) for name in NAMED)


def _folder() -> Path:
    return FOLDER if FOLDER.is_dir() else Path(__file__).parents[1] / FOLDER


def _entry(name: str, path: Path) -> Entry:
    with torch.device("meta"):
        network = named(name)
    card: Card | None = cards.read(path) if path.is_file() else None
    parameters = sum(p.numel() for p in network.parameters())
    if card is None:
        return Entry(name, network.title, parameters)
    measured = card.accuracy
    return Entry(
        name,
        network.title,
        parameters,
        path.parent / card.checkpoint,
        measured.top1 if measured else None,
        measured.pictures if measured else 0,
    )
