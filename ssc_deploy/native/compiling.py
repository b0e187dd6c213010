"""The host's C compiler, and shared libraries made by it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.storage.cache import cache_folder

#: Where the C files of the engine are.
SOURCES = Path(__file__).parent

#: What every build of the engine needs: additions and products are not joined unless the source says so.
FLAGS = ("-std=c11", "-O2", "-ffp-contract=off")

#: Seconds that one file may take.
_LIMIT = 300


def sources() -> list[Path]:
    """The C files of the engine and its headers, in order."""
    return sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")])


def threads() -> list[Path]:
    """The pool of threads that packages bring: nothing of the engine needs it, and it alone needs the C library."""
    return sorted((SOURCES / "threads").glob("*.[ch]"))


def compiler() -> list[str]:
    """The command of a C compiler: ``$CC``, or the first of cc, gcc, clang and ziglang that is installed.

    Raises:
        RuntimeLoadError: there is none.
    """
    chosen = os.environ.get("CC", "").split()
    if chosen and shutil.which(chosen[0]):
        return chosen
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise RuntimeLoadError(
        "the C engine needs a C compiler, and none is here; install one (on Debian: apt install gcc), or the package "
        "ziglang (pip install ziglang)"
    )


def library() -> Path:
    """The engine as a shared library of this host. It is compiled once, and kept in the cache.

    Raises:
        RuntimeLoadError: there is no compiler, or it fails.
    """
    command = compiler()
    digest = hashlib.sha256(repr((command, FLAGS, _version(command))).encode())
    for source in sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    path = cache_folder() / "native" / f"ssc_engine-{digest.hexdigest()[:32]}.so"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        compile_library([one for one in sources() if one.suffix == ".c"], path, command)
    return path


def compile_library(files: list[Path], path: Path, command: list[str] | None = None) -> None:
    """Compiles C files into a shared library, which is there whole or not at all.

    Args:
        files: that have no ``main``.
        path: of the library.
        command: of the compiler; default `compiler`.

    Raises:
        RuntimeLoadError: the compiler fails.
    """
    with tempfile.TemporaryDirectory(prefix=".ssc-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        arguments = [*(command or compiler()), *FLAGS, "-shared", "-fPIC", "-o", str(made), *map(str, files)]
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=_LIMIT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeLoadError(f"the C compiler {arguments[0]} does not run: {error}") from error
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), "it gives no reason")
            raise RuntimeLoadError(f"the C compiler {arguments[0]} fails on the engine: {first.strip()[:300]}")
        made.replace(path)


def _version(command: list[str]) -> str:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
