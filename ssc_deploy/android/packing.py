"""Writes an APK's zip with alignment, since Android maps native libraries and stored files directly from it."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes of a memory page on the largest kind of phone, and of a word.
PAGE, WORD = 16384, 4

#: Of the extra field that pads an entry; apksigner knows it and keeps the alignment.
_PADDING = 0xD935
_PADDING_HEAD = 6

#: Of a zip's entry, before its name.
_LOCAL_HEADER = 30

#: What is compressed already, or read in place.
_STORED = (".so", ".arsc", ".onnx", ".tflite", ".png", ".webp", ".zip")

#: The oldest date that a zip can carry: an APK of the same content is the same file.
_DATE = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of files, by their names in it.

    Native libraries are stored at multiples of `PAGE`, what else is stored at multiples of `WORD`, the rest deflated.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 0
            if name.endswith(_STORED):
                entry.compress_type = zipfile.ZIP_STORED
                entry.extra = _padding(packed.tell(), entry, alignment(name))
                archive.writestr(entry, data)
            else:
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def alignment(name: str) -> int:
    """What a stored entry's place must be a multiple of."""
    return PAGE if name.endswith(".so") else WORD


def _padding(offset: int, entry: zipfile.ZipInfo, multiple: int) -> bytes:
    """The extra field behind which the data of an entry at that offset begins at a multiple."""
    head = _LOCAL_HEADER + len(entry.filename.encode()) + _PADDING_HEAD
    pad = -(offset + head) % multiple
    return struct.pack("<HHH", _PADDING, 2 + pad, multiple) + bytes(pad)
