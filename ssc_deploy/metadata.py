"""What an exported file says about itself: one JSON object, the same in ONNX and TFLite. Imports no runtime."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

#: Version of the JSON below, and of the JSON that the commands print.
SCHEMA_VERSION = 1

#: Key of the JSON in ONNX ``metadata_props``, and name of the TFLite metadata buffer that holds it.
KEY = "ssc_deploy"


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input: ``(pixel / 255 - mean) / std``, one mean and std a channel.

    Attributes:
        mean: in units of 0..1, in the order of ``colour``.
        std: likewise.
        colour: order of the channels, ``"RGB"``, ``"BGR"`` or ``"L"``.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    colour: str = "RGB"


@dataclass(frozen=True)
class ModelMetadata:
    """What a file needs to tell whoever runs it.

    Attributes:
        network: display name, e.g. ``"SSC-Net-1-9"``.
        source: file name of the checkpoint.
        source_sha256: its SHA-256, hexadecimal.
        layout: of the picture input, ``"NCHW"`` or ``"NHWC"``.
        input_shape: [N, C, H, W] whatever the layout; N is 0 where the batch is dynamic.
        preprocessing: None where the source names none.
        labels: class names in the order of the outputs; empty where the source names none.
        lowering: what carried out each role, e.g. ``{"shift": "depthwise", "shuffle": "transpose"}``.
        versions: of the packages that made the file.
        movements: ``"shift"`` or ``"shuffle"`` by the name of what carries it out: that of its tensors up to any slash.
    """

    network: str
    source: str
    source_sha256: str
    layout: str
    input_shape: tuple[int, int, int, int]
    preprocessing: Preprocessing | None = None
    labels: tuple[str, ...] = ()
    lowering: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    movements: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The JSON object that goes into the file."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Reads `to_json`'s output.

        Raises:
            ValueError: not such an object, or of another schema version.
        """
        raw: Any = json.loads(text)
        if not isinstance(raw, dict) or raw.pop("schema_version", None) != SCHEMA_VERSION:
            raise ValueError(f"metadata is not of schema version {SCHEMA_VERSION}")
        try:
            fields = _with_tuples(raw)
            if fields["preprocessing"] is not None:
                fields["preprocessing"] = Preprocessing(**_with_tuples(fields["preprocessing"]))
            return cls(**fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"metadata lacks or misnames a field: {error}") from error


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists alone; the dataclasses hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
