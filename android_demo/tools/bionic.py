"""Android's native libraries on desktop Linux: the very code that an APK carries, on another C library.

Android's C library, bionic, and that of desktop Linux agree on nearly all that the two runtimes call. What is left is a
small library in C, which stands in for bionic, and a copy of each runtime's library that no longer asks for versions of
symbols. So it is neither Android nor bionic; it is the runtimes' own code, with the kernels that a phone runs.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.android import jdk
from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ssc_deploy.android.aar import Aar

_SOURCE = Path(__file__).with_name("bionic.c")
_STAND_IN = "libbionic.so"

#: Libraries of Android that the stand-in stands in for.
_NAMES = ("libc.so", "libm.so", "libdl.so", "liblog.so", "libandroid.so")

#: What compiles the stand-in for a kind of processor, and the Debian package that it comes in.
_COMPILERS = {
    "x86_64": ("gcc", "gcc"),
    "arm64-v8a": ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
}

#: It asks for symbols of its own by name; Android looks for these in the library itself, desktop Linux only in what is
#: preloaded. Unless it finds them, TFLite runs without XNNPACK, which a phone runs.
_PRELOADED = "libtensorflowlite_jni.so"

#: The level of Android's API that the libraries are told: the app's oldest.
_LEVEL = 26

_DYNAMIC = 2  # the program header of what the loader reads
_UNREAD = 21  # DT_DEBUG, in which the loader reads nothing
_VERSIONS = range(
    0x6FFFFFF0, 0x70000000
)  # VERSYM, RELACOUNT, RELCOUNT, FLAGS_1, VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM
_KEPT = range(0x6FFFFFF9, 0x6FFFFFFC)  # RELACOUNT, RELCOUNT, FLAGS_1


@dataclass(frozen=True)
class Prepared:
    """Native libraries that a Java machine on desktop Linux can load.

    Attributes:
        folder: where they are.
    """

    folder: Path

    def options(self) -> list[str]:
        """Of a Java machine, so that it finds them."""
        return [f"-Djava.library.path={self.folder}"]

    def environment(self) -> dict[str, str]:
        """Variables that it needs."""
        preloaded = [self.folder / name for name in (_STAND_IN, _PRELOADED) if (self.folder / name).exists()]
        return {"LD_PRELOAD": ":".join(map(str, preloaded)), "LD_LIBRARY_PATH": str(self.folder)}


def prepare(aars: Iterable[Aar], abi: str, folder: Path) -> Prepared:
    """Writes the libraries of AARs for a kind of processor, and the stand-in for Android's C library, into a folder.

    Args:
        aars: whose libraries.
        abi: x86_64 or arm64-v8a.
        folder: is made.

    Raises:
        AndroidError: there is no C compiler for that processor.
    """
    libraries = {name: data for aar in aars for name, data in aar.libraries(abi).items()}
    return prepare_libraries(libraries, abi, folder)


def prepare_libraries(libraries: Mapping[str, bytes], abi: str, folder: Path) -> Prepared:
    """As `prepare`, with libraries that are at hand.

    Args:
        libraries: by their paths, of which the name counts.
        abi: see `prepare`.
        folder: see `prepare`.

    Raises:
        AndroidError: there is no C compiler for that processor.
    """
    compiler, package = _COMPILERS[abi]
    if shutil.which(compiler) is None:
        raise AndroidError(f"{compiler} is not here; install it with: apt-get install {package}")
    folder.mkdir(parents=True)
    options = ["-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-Wl,--no-as-needed", f'-DLEVEL="{_LEVEL}"']
    command = [compiler, *options, "-o", str(folder / _STAND_IN), str(_SOURCE), "-lm", "-ldl"]
    remedy = f"install it anew with: apt-get install --reinstall {package}"
    jdk.run(command, "the stand-in for Android's C library does not compile", remedy=remedy)
    for name in _NAMES:
        (folder / name).symlink_to(_STAND_IN)
    for name, data in libraries.items():
        (folder / Path(name).name).write_bytes(without_versions(data))
    return Prepared(folder)


def without_versions(library: bytes) -> bytes:
    """A 64-bit ELF file in whose dynamic section nothing speaks of versions of symbols any more."""
    patched = bytearray(library)
    (table,), (size, count) = struct.unpack_from("<Q", library, 32), struct.unpack_from("<HH", library, 54)
    for header in range(table, table + size * count, size):
        kind, place, length = struct.unpack_from("<I4xQ16xQ", library, header)
        if kind == _DYNAMIC:
            for entry in range(place, place + length, 16):
                (tag,) = struct.unpack_from("<Q", library, entry)
                if tag in _VERSIONS and tag not in _KEPT:
                    struct.pack_into("<Q", patched, entry, _UNREAD)
    return bytes(patched)
