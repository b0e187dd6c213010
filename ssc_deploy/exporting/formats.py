"""The file formats that an export writes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ssc_deploy.errors import EmitError
from ssc_deploy.lower.target import Target
from ssc_deploy.native import package

if TYPE_CHECKING:
    from collections.abc import Iterable


class Format(enum.StrEnum):
    """Formats that an export can write; the value is what a user writes."""

    ONNX = "onnx"
    TFLITE = "tflite"
    C = "c"  #: a folder of C sources

    @property
    def target(self) -> Target:
        """The runtime that the format's files are lowered for."""
        return {Format.ONNX: Target.ONNXRUNTIME, Format.TFLITE: Target.LITERT, Format.C: Target.NATIVE}[self]

    def name_of(self, stem: str) -> str:
        """Of the file, or of the folder."""
        return f"{stem}{package.SUFFIX}" if self is Format.C else f"{stem}.{self.value}"


def formats_of(names: Iterable[str]) -> list[Format]:
    """The formats with these names, without repetitions.

    Raises:
        EmitError: none are given, or one is unknown.
    """
    known = {f.value: f for f in Format}
    listed = list(dict.fromkeys(names))
    for name in listed:
        if name not in known:
            raise EmitError(f"there is no format {name!r}; export to {' or '.join(known)}")
    if not listed:
        raise EmitError(f"no format is given; export to {' or '.join(known)}")
    return [known[name] for name in listed]
