"""What our own checkpoints say about themselves: a plain dict beside the tensors, readable with `weights_only=True`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CheckpointError
from ssc_deploy.metadata import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Value of the key ``format`` in a file of ours, and key of the JSON in safetensors metadata.
FORMAT = "ssc_deploy"
VERSION = 1

#: The same of the state of a training of ours, which holds its network's weights, too.
TRAINING_FORMAT = "ssc_deploy training"
TRAINING_VERSION = 1


@dataclass(frozen=True)
class Header:
    """A checkpoint's description of its network; every field may be missing.

    Attributes:
        arch: name of the architecture.
        config: its configuration, in plain numbers, strings and lists.
        labels: class names in the order of the outputs.
        preprocessing: how a picture becomes the input.
    """

    arch: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain containers only: what goes into the file."""
        picture = self.preprocessing and {
            "mean": list(self.preprocessing.mean),
            "std": list(self.preprocessing.std),
            "colour": self.preprocessing.colour,
        }
        plain = dataclasses.asdict(self) | {"labels": list(self.labels), "preprocessing": picture}
        return {"format": FORMAT, "format_version": VERSION, **plain}

    @classmethod
    def from_dict(cls, raw: Mapping[object, object]) -> Header | None:
        """Reads `to_dict`'s output, or what a training's state says of its network; None where this is no file of ours.

        Raises:
            CheckpointError: a file of ours whose header is of a later version or malformed.
        """
        if raw.get("format") == TRAINING_FORMAT and raw.get("version") == TRAINING_VERSION:
            run = raw.get("run")
            about = run if isinstance(run, dict) else {}
            named = {"arch": "architecture", "config": "configuration", "labels": "classes"}
            raw = {"format": FORMAT, "format_version": VERSION, **{key: about.get(name) for key, name in named.items()}}
        if raw.get("format") != FORMAT:
            return None
        if raw.get("format_version") != VERSION:
            raise CheckpointError(
                f"the checkpoint is of format version {raw.get('format_version')!r}, this package reads {VERSION}: "
                "use a newer ssc-deploy."
            )
        arch, config, labels, picture = (raw.get(key) for key in ("arch", "config", "labels", "preprocessing"))
        if not isinstance(arch, str | None) or not isinstance(config, dict):
            raise CheckpointError("the checkpoint's header is malformed: arch must be a name and config a dict.")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise CheckpointError("the checkpoint's header is malformed: labels must be a list of names.")
        return cls(arch, config, tuple(labels), None if picture is None else _preprocessing(picture))


def _preprocessing(raw: object) -> Preprocessing:
    if isinstance(raw, dict):
        mean, std, colour = raw.get("mean"), raw.get("std"), raw.get("colour")
        numbers = [n for part in (mean, std) if isinstance(part, list) for n in part]
        if (
            isinstance(mean, list)
            and isinstance(std, list)
            and isinstance(colour, str)
            and len(mean) == len(std) == len(colour)
            and all(type(number) in (int, float) for number in numbers)
            and all(std)
        ):
            return Preprocessing(tuple(map(float, mean)), tuple(map(float, std)), colour)
    raise CheckpointError(
        "the checkpoint's header is malformed: preprocessing needs mean, std (not 0) and colour, one a channel."
    )
