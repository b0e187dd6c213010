"""Reads an APK from the file itself and by Android's own tools, and checks that it is as it should be."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.android import packing, resources, signing
from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ssc_deploy.android.fetching import Parts
    from ssc_deploy.android.jdk import Jdk

#: Where the bundle is, among the APK's files.
BUNDLE = "assets/bundle/"

_FORBIDDEN = "android.permission.INTERNET"

#: Of an entry's local header, and of an entry of the list of files at the end of a zip.
_LOCAL_HEADER, _LIST_ENTRY = 30, 46
_NAME_LENGTH = 26

#: Of ELF: the 64-bit class, and the segments that are loaded.
_ELF64, _LOAD = 2, 1


@dataclass(frozen=True)
class NativeLibrary:
    """A library in an APK.

    Attributes:
        name: its path in the APK.
        bytes: its size.
        offset: where in the APK it begins, in bytes.
        load_alignment: what its segments are aligned to in memory, in bytes; a system whose pages are larger refuses
            to load it.
    """

    name: str
    bytes: int
    offset: int
    load_alignment: int


@dataclass(frozen=True)
class ApkReport:
    """An APK.

    Attributes:
        package: the app's name for Android.
        version: the one that people read.
        min_sdk: level of Android's API that it needs.
        target_sdk: level that it is written for.
        permissions: what it may ask its user for.
        abis: kinds of processors that it has native libraries for.
        schemes: by which it is signed; all hold.
        libraries: native ones.
        bytes: its size.
        download_bytes: its size when every entry is deflated, as a store sends it.
    """

    package: str
    version: str
    min_sdk: int
    target_sdk: int
    permissions: tuple[str, ...]
    abis: tuple[str, ...]
    schemes: tuple[int, ...]
    libraries: tuple[NativeLibrary, ...]
    bytes: int
    download_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "libraries": [vars(library) for library in self.libraries]}


def read(java: Jdk, parts: Parts, path: Path) -> ApkReport:
    """Reads an APK, and checks its signature.

    Raises:
        AndroidError: it is not an APK, or its signature does not hold.
    """
    badging = resources.aapt2(parts, ["dump", "badging", str(path)], f"{path.name} is not an APK")
    schemes = signing.schemes(java, parts, path)
    with zipfile.ZipFile(path) as archive:
        libraries = tuple(
            NativeLibrary(entry.filename, entry.file_size, _offset(archive, entry), load_alignment(archive.read(entry)))
            for entry in archive.infolist()
            if entry.filename.endswith(".so")
        )
        download = sum(_deflated(entry, archive.read(entry)) for entry in archive.infolist())
    return ApkReport(
        package=_one(r"^package: name='([^']*)'", badging),
        version=_one(r"^package:.* versionName='([^']*)'", badging),
        min_sdk=int(_one(r"^(?:minSdk|sdk)Version:'(\d+)'", badging)),
        target_sdk=int(_one(r"^targetSdkVersion:'(\d+)'", badging)),
        permissions=tuple(re.findall(r"^uses-permission(?:-sdk-\d+)?: name='([^']*)'", badging, re.MULTILINE)),
        abis=tuple(re.findall(r"'([^']*)'", _one(r"^native-code: (.*)$", badging))),
        schemes=schemes,
        libraries=libraries,
        bytes=path.stat().st_size,
        download_bytes=download,
    )


def check(path: Path, report: ApkReport, bundle: Mapping[str, bytes], abis: tuple[str, ...]) -> None:
    """Checks that an APK is what it should be.

    Args:
        path: of the APK.
        report: on it.
        bundle: the files that it should contain, by their paths in the bundle.
        abis: the kinds of processors that it should support.

    Raises:
        AndroidError: it is something else.
    """
    if _FORBIDDEN in report.permissions:
        raise AndroidError(f"the app would ask for {_FORBIDDEN}; it needs no network, so take that from its manifest")
    if set(report.abis) != set(abis):
        raise AndroidError(f"the APK has libraries for {', '.join(report.abis)} instead of {', '.join(abis)}")
    if not {2, 3} <= set(report.schemes):
        raise AndroidError(f"the APK is signed by the schemes {report.schemes} only; it should be by 2 and 3")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type == zipfile.ZIP_STORED and entry.file_size:
                multiple = packing.alignment(entry.filename)
                if (offset := _offset(archive, entry)) % multiple:
                    raise AndroidError(f"{entry.filename} is at byte {offset} of the APK, no multiple of {multiple}")
        carried = {name for name in archive.namelist() if name.startswith(BUNDLE)}
        if carried != {BUNDLE + name for name in bundle} or any(
            archive.read(BUNDLE + name) != data for name, data in bundle.items()
        ):
            raise AndroidError("the APK carries another bundle than the one that was given")


def load_alignment(library: bytes) -> int:
    """What the segments of an ELF file are aligned to in memory, in bytes: the least of them.

    Raises:
        AndroidError: it is not an ELF file.
    """
    if library[:4] != b"\x7fELF" or len(library) < 64:
        raise AndroidError("a native library is not an ELF file; take the AAR of the version that is pinned")
    # Where a header of either class says the table's place, its entries' size and number, and an entry its alignment.
    word, place, counts, aligned = ("<Q", 32, 54, 48) if library[4] == _ELF64 else ("<I", 28, 42, 28)
    table = _number(word, library, place)
    size, count = _number("<H", library, counts), _number("<H", library, counts + 2)
    headers = [table + i * size for i in range(count)]
    return min(_number(word, library, h + aligned) for h in headers if _number("<I", library, h) == _LOAD)


def _number(form: str, data: bytes, place: int) -> int:
    return int(struct.unpack_from(form, data, place)[0])


def _offset(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Where an entry's data begins in the file."""
    assert archive.fp is not None  # open
    archive.fp.seek(entry.header_offset + _NAME_LENGTH)
    header = archive.fp.read(4)
    return entry.header_offset + _LOCAL_HEADER + _number("<H", header, 0) + _number("<H", header, 2)


def _deflated(entry: zipfile.ZipInfo, data: bytes) -> int:
    """Bytes of an entry, with what a zip says about it, when it is compressed and not aligned."""
    overhead = _LOCAL_HEADER + _LIST_ENTRY + 2 * len(entry.filename.encode())
    return overhead + min(len(data), len(zlib.compress(data, 9)))


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else "0"
