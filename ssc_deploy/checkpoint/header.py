"""The description in our own checkpoints: a plain dict beside the tensors, readable with `weights_only=True`."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CheckpointError, shown
from ssc_deploy.metadata import Preprocessing  # noqa: TC001 - decoding looks at the types of fields
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Value of the key ``format`` in our own files, and key of the JSON in safetensors metadata.
FORMAT = "ssc_deploy"
VERSION = 1

#: The same for the state of a training, which also holds the weights of its network.
TRAINING_FORMAT = "ssc_deploy training"
TRAINING_VERSION = 1

#: Keys beside the header's own.
_FORMAT_KEYS = ("format", "format_version")


@dataclass(frozen=True)
class Header:
    """A checkpoint's description of its network; every field may be missing.

    Attributes:
        arch: name of the architecture.
        config: its configuration, in plain numbers, strings and lists.
        labels: class names in the order of the outputs.
        preprocessing: how an image becomes the input.
    """

    arch: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None

    def to_dict(self) -> dict[str, Any]:
        """What goes into the file, in plain containers."""
        return {"format": FORMAT, "format_version": VERSION, **records.encode(self)}

    @classmethod
    def beside_weights(cls, raw: Mapping[object, object]) -> Header | None:
        """The header of a dict that also holds the weights, and perhaps other values; see `from_dict`.

        For the state of a training, it is the description of its network.
        """
        if raw.get("format") == TRAINING_FORMAT and raw.get("version") == TRAINING_VERSION:
            run = raw.get("run")
            about = run if isinstance(run, dict) else {}
            named = {"arch": "architecture", "config": "configuration", "labels": "classes"}
            told: dict[object, object] = {key: about[name] for key, name in named.items() if name in about}
            return cls.from_dict({"format": FORMAT, "format_version": VERSION} | told)
        known = (*_FORMAT_KEYS, *(field.name for field in dataclasses.fields(cls)))
        return cls.from_dict({key: raw[key] for key in known if key in raw})

    @classmethod
    def from_dict(cls, raw: Mapping[object, object]) -> Header | None:
        """Reads `to_dict`'s output; None if this is not our own file.

        Warns:
            UserWarning: it has keys that this program does not know, and that are ignored.

        Raises:
            CheckpointError: it is our own file, and its header is of a later version or malformed.
        """
        if raw.get("format") != FORMAT:
            return None
        if raw.get("format_version") != VERSION:
            raise CheckpointError(
                f"the checkpoint is of format version {raw.get('format_version')!r}, this package reads {VERSION}: "
                "use a newer ssc-deploy."
            )
        unknown: list[str] = []
        try:
            header = records.decode(cls, {k: v for k, v in raw.items() if k not in _FORMAT_KEYS}, unknown)
        except (ValueError, RecursionError) as error:
            reason = "it nests without end" if isinstance(error, RecursionError) else str(error)
            raise CheckpointError(f"the checkpoint's header is malformed: {reason}.") from error
        if unknown:
            names = ", ".join(map(shown, unknown))
            warnings.warn(
                f"the checkpoint's header holds what this version of ssc-deploy does not know ({names}), and ignores",
                stacklevel=2,
            )
        return header
