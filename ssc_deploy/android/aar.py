"""Android's libraries: their classes, and their native code for each kind of processor."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.android import artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.android.fetching import Parts


@dataclass(frozen=True)
class Aar:
    """An Android library.

    Attributes:
        path: of the ``.aar``.
        classes: its classes, unpacked.
    """

    path: Path
    classes: Path

    def libraries(self, abi: str) -> dict[str, bytes]:
        """Its native libraries for a kind of processor, by their place in an APK."""
        with zipfile.ZipFile(self.path) as archive:
            found = [name for name in archive.namelist() if name.startswith(f"jni/{abi}/") and name.endswith(".so")]
            return {f"lib/{name.removeprefix('jni/')}": archive.read(name) for name in found}


@dataclass(frozen=True)
class Aars:
    """The libraries in the app: ONNX Runtime's, and TFLite's two."""

    onnxruntime: Aar
    tflite: tuple[Aar, Aar]

    @property
    def all(self) -> tuple[Aar, ...]:
        """All three."""
        return (self.onnxruntime, *self.tflite)


def unpack(parts: Parts, folder: Path) -> Aars:
    """Unpacks their classes into a folder, which is made."""
    return Aars(
        _unpack(parts.member(artifacts.ONNXRUNTIME_AAR), folder),
        (
            _unpack(parts.library(artifacts.TFLITE), folder),
            _unpack(parts.library(artifacts.TFLITE_API), folder),
        ),
    )


def _unpack(path: Path, folder: Path) -> Aar:
    folder.mkdir(parents=True, exist_ok=True)
    classes = folder / f"{path.stem}.jar"
    with zipfile.ZipFile(path) as archive:
        classes.write_bytes(archive.read("classes.jar"))
    return Aar(path, classes)
