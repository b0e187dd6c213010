"""TFLite's own metadata: how an image becomes the input, and the names of the classes, for MediaPipe and its like.

The buffer ``TFLITE_METADATA`` holds a flatbuffer of the schema "M001" (metadata_schema.fbs of TensorFlow Lite, which
MediaPipe ships). The labels are a file ``labels.txt`` in a zip archive behind the model's own bytes, where such readers
look for it; readers of the model stop before it. Of the schema this writes:

    ModelMetadata      0 name  1 description  3 subgraph_metadata  7 min_parser_version
    SubGraphMetadata   2 input_tensor_metadata  3 output_tensor_metadata
    TensorMetadata     0 name  1 description  3 content  4 process_units  5 stats  6 associated_files
    Content            0 content_properties_type  1 content_properties
    ImageProperties    0 color_space
    ProcessUnit        0 options_type  1 options
    NormalizationOptions, Stats   0 mean, max  1 std, min
    AssociatedFile     0 name  1 description  2 type

MediaPipe 1.2 loads files whose mean and std are the same for all channels, and refuses others, with this or without.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from flatbuffers import builder as flatbuffer

from ssc_deploy.output_kind import OutputKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.metadata import ModelMetadata

#: Name of the buffer.
KEY = "TFLITE_METADATA"

#: Name of the file behind the model.
LABELS = "labels.txt"

_IDENTIFIER = b"M001"
_PARSER = "1.0.0"

# Values of the schema's enumerations.
_FEATURE, _IMAGE = 1, 2  # ContentProperties
_COLOURS = {"RGB": 1, "L": 2}  # ColorSpaceType; it has no BGR
_NORMALIZATION = 1  # ProcessUnitOptions
_AXIS_LABELS = 2  # AssociatedFileType


def build(metadata: ModelMetadata) -> bytes | None:
    """The content of the buffer.

    Returns:
        None where readers could do nothing with it: the network takes no image, nobody told how one becomes its input,
        or in an order of colours that the schema does not have.
    """
    rule = metadata.preprocessing
    if rule is None or rule.colour not in _COLOURS or metadata.image is None or metadata.outputs:
        return None
    builder: Any = flatbuffer.Builder(512)  # type: ignore[no-untyped-call]  # it has no types
    unit = 255.0  # the schema counts in bytes: (pixel - mean) / std
    # What is the same for all channels is written once, which is all that MediaPipe takes.
    pairs = dict.fromkeys(zip(rule.mean, rule.std, strict=True))
    numbers = list(pairs) if len(pairs) == 1 else list(zip(rule.mean, rule.std, strict=True))
    mean, std = (np.asarray(values, np.float32) * np.float32(unit) for values in zip(*numbers, strict=True))
    options = _table(builder, {0: _floats(builder, mean), 1: _floats(builder, std)})
    image = _table(builder, {}, {0: _COLOURS[rule.colour]})
    taken = _tensor(
        builder,
        "image",
        "One image; see the process unit for its normalization.",
        _table(builder, {1: image}, {0: _IMAGE}),
        {
            4: _tables(builder, [_table(builder, {1: options}, {0: _NORMALIZATION})]),
            5: _table(builder, {0: _floats(builder, (unit - mean) / std), 1: _floats(builder, -mean / std)}),
        },
    )
    kind = metadata.output.kind if metadata.output is not None else OutputKind.SCORES
    files = {}
    if metadata.labels:
        described = {0: builder.CreateString(LABELS), 1: builder.CreateString("One class a line.")}
        files[6] = _tables(builder, [_table(builder, described, {2: _AXIS_LABELS})])
    content = _table(builder, {1: _table(builder, {})}, {0: _FEATURE})
    returned = _tensor(builder, "output", f"What the network returns: {kind}.", content, files)
    subgraph = _table(builder, {2: _tables(builder, [taken]), 3: _tables(builder, [returned])})
    root = {
        0: builder.CreateString(metadata.network),
        1: builder.CreateString(f"{metadata.network}, exported by ssc-deploy."),
        3: _tables(builder, [subgraph]),
        7: builder.CreateString(_PARSER),
    }
    builder.Finish(_table(builder, root), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def with_labels(data: bytes, labels: Sequence[str]) -> bytes:
    """A model with its labels behind it, as an archive whose entry is stored, with the same bytes every time."""
    stream = io.BytesIO()
    stream.write(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(LABELS), "\n".join(labels) + "\n")
    return stream.getvalue()


def _tensor(builder: Any, name: str, description: str, content: int, more: dict[int, int]) -> int:
    texts = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    return _table(builder, {**texts, 3: content, **more})


def _table(builder: Any, offsets: dict[int, int], numbers: dict[int, int] | None = None) -> int:
    """A table of the offsets and one-byte numbers by their field's place in the schema."""
    fields = {**offsets, **(numbers or {})}
    builder.StartObject(max(fields, default=-1) + 1)
    for place in sorted(offsets):
        builder.PrependUOffsetTRelativeSlot(place, offsets[place], 0)
    for place, number in (numbers or {}).items():
        builder.PrependInt8Slot(place, number, 0)
    return int(builder.EndObject())


def _tables(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, numbers: Any) -> int:
    return int(builder.CreateNumpyVector(np.asarray(numbers, np.float32)))
