"""An aarch64 system in a folder: Python, ONNX Runtime and LiteRT as they are on ARM, run by qemu-user.

It is made once and kept in the user's cache directory. Nothing of this machine's system is changed and no rights are
needed: apt-get works on a state of its own, in which nothing is installed, so that it resolves what python3 needs and
downloads it, and the packages are unpacked into the folder. The runtimes are the wheels that an ARM board would get.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.storage.cache import CACHE_VARIABLE, cache_folder, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Say = Callable[[str], None]

#: The newest that run under qemu 7.2: ONNX Runtime 1.28 crashes at its start there, LiteRT 2.3.0 when it is invoked.
#: flatbuffers is what the runtimes import; nothing else of what their packages name is needed to run a file.
WHEELS = ("onnxruntime==1.27.0", "ai-edge-litert==2.1.0", "numpy==2.4.6", "flatbuffers==25.12.19")

#: What apt-get resolves; libstdc++6 is what the wheels link to.
_PACKAGES = ("python3", "libstdc++6")

#: The oldest first; pip, unlike uv, wants each that a wheel may be tagged with.
_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")

#: A core of 2019 with dot products and half floats, as in boards and phones of today.
CPU = "cortex-a76"

_RECORD = "root.json"
_SCHEMA_VERSION = 1
_SECONDS = 900

_IMPORTS = """
import json, platform
import numpy, onnxruntime
from ai_edge_litert.interpreter import Interpreter
print(json.dumps({"machine": platform.machine(), "python": platform.python_version()}))
"""


@dataclass(frozen=True)
class ArmRoot:
    """An aarch64 system in a folder.

    Attributes:
        path: of the folder.
        emulator: the program that runs it.
    """

    path: Path
    emulator: Path

    def command(self, *arguments: str | Path) -> list[str]:
        """What runs its Python with arguments."""
        python = self.path / "system" / "usr" / "bin" / "python3"
        return [str(self.emulator), "-cpu", CPU, "-L", str(self.path / "system"), str(python), *map(str, arguments)]

    def environment(self) -> dict[str, str]:
        """The variables to run it with: this process's own, without what is meant for its Python."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QEMU_", "LD_"))}
        return {**kept, "PYTHONPATH": str(self.path / "site"), "PYTHONNOUSERSITE": "1"}


def emulator() -> Path:
    """The program that runs aarch64 processes here.

    Raises:
        TargetError: it is not installed.
    """
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        if found := shutil.which(name):
            return Path(found)
    raise TargetError("qemu-user is not installed; install it with: apt-get install qemu-user-static")


def ready() -> bool:
    """Whether the root is there already, so that `arm_root` downloads nothing."""
    return (_final() / _RECORD).is_file()


def arm_root(say: Say = lambda _line: None) -> ArmRoot:
    """The root, made if it is not there: about 45 MB are downloaded, 200 MB kept.

    Processes that ask at the same time make it once; a root that was not finished is never seen.

    Args:
        say: is called with a line about what takes time.

    Raises:
        TargetError: qemu is missing, this is not Debian, or what is needed cannot be downloaded or does not run.
    """
    program, final = emulator(), _final()
    if ready():
        return ArmRoot(final, program)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with locked(final.with_name(f"{final.name}.lock")):
            if not ready():
                _make(final, program, say)
    except OSError as error:
        raise TargetError(
            f"the aarch64 system cannot be kept in {final.parent} ({error.strerror}); "
            f"name another folder in the environment variable {CACHE_VARIABLE}"
        ) from error
    return ArmRoot(final, program)


def _final() -> Path:
    versions = "-".join(wheel.partition("==")[2] for wheel in WHEELS)
    return cache_folder() / f"qemu-aarch64-{_SCHEMA_VERSION}-{versions}"


def _make(final: Path, program: Path, say: Say) -> None:
    """Makes the root beside its place, tries it, and puts it there in one step; called by one process at a time."""
    prefix = f"{final.name}.part-"
    for left in final.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed, since we hold the lock
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
    try:
        say("downloading Python for aarch64 from this system's package source")
        unpack(download(folder / "apt", _PACKAGES, "Python"), folder / "system")
        shutil.rmtree(folder / "apt")
        say(f"downloading wheels for aarch64: {', '.join(WHEELS)}")
        _install_wheels(folder / "site", _python_version(folder / "system"))
        root = ArmRoot(folder, program)
        tried = _run(root.command("-c", _IMPORTS), "the aarch64 system does not run", root.environment())
        record = {"schema_version": _SCHEMA_VERSION, "wheels": WHEELS, **json.loads(tried.splitlines()[-1])}
        (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        folder.chmod(0o755)
        if final.exists():  # without its record: half deleted by hand
            shutil.rmtree(final)
        folder.rename(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def download(folder: Path, packages: Sequence[str], name: str) -> list[Path]:
    """Downloads Debian packages of aarch64 and what they need, with apt-get on a state of its own in the folder.

    Args:
        folder: is made.
        packages: their names.
        name: what they are, for messages.

    Raises:
        TargetError: this is not Debian, or they cannot be downloaded.
    """
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise TargetError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not here: the aarch64 system is made of "
            "Debian packages; run this on Debian or Ubuntu, or in a container of it"
        )
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",  # else it warns that the user _apt cannot see the folder
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-q", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]
    said = f"{name} for aarch64 cannot be downloaded with apt-get"
    hint = "; look whether apt-get update works here, and whether the package source has arm64"
    # A source among several that cannot be reached ends it with an error, though the others may be all that is needed.
    try:
        updated = subprocess.run([*apt, "update"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{said}: it has not answered for {_SECONDS:.0f} s{hint}") from error
    try:
        _run([*apt, "install", "-y", "--download-only", "--no-install-recommends", *packages], said, hint=hint)
    except TargetError as error:
        if updated.returncode:
            raise TargetError(f"{said}: {_reason(updated.stdout + updated.stderr)}{hint}") from error
        raise
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def unpack(packages: Sequence[Path], folder: Path) -> None:
    """Unpacks Debian packages into a folder, which is made.

    Raises:
        TargetError: one is damaged.
    """
    folder.mkdir()
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package), str(folder)], f"{package.name} cannot be unpacked")
    for name in ("bin", "lib", "sbin"):
        # Links that a package of newer releases leaves to the installer.
        if not (folder / name).exists():
            (folder / name).symlink_to(f"usr/{name}")


def _python_version(system: Path) -> str:
    """E.g. ``"3.11"``."""
    names = [path.name for path in (system / "usr" / "bin").glob("python3.*")]
    versions = sorted(name.removeprefix("python") for name in names if re.fullmatch(r"python3\.\d+", name))
    if not versions:
        raise TargetError("the package source has no Python 3 for aarch64; run this on Debian or Ubuntu")
    return versions[-1]


def _install_wheels(folder: Path, version: str) -> None:
    """Unpacks wheels of aarch64, with uv or else with pip, whichever is here."""
    common = ["--target", str(folder), "--python-version", version, "--only-binary", ":all:", "--no-deps", *WHEELS]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python-platform", "aarch64-manylinux_2_28", *common]
    else:
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True, timeout=60, check=False).returncode:
            found = shutil.which("pip") or shutil.which("pip3")
            if found is None:
                raise TargetError("neither uv nor pip is here to download wheels; install one with: pip install uv")
            pip = [found]
        platforms = [part for name in _PLATFORMS for part in ("--platform", name)]
        command = [*pip, "install", "--quiet", "--implementation", "cp", *platforms, *common]
    _run(command, "the wheels for aarch64 cannot be downloaded")


def _run(command: Sequence[str], said: str, environment: Mapping[str, str] | None = None, hint: str = "") -> str:
    """Runs a program to its end; returns what it printed.

    Raises:
        TargetError: it fails, with ``said``, the first line that it gives as its reason, and ``hint``.
    """
    # Not in the current folder: uv would use the constraints of a project there.
    run = functools.partial(subprocess.run, capture_output=True, text=True, errors="replace", cwd="/", check=False)
    try:
        done = run(command, timeout=_SECONDS, env=environment)
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"{said}: it did not end within {_SECONDS} s{hint}") from error
    if done.returncode:
        raise TargetError(f"{said}: {_reason(done.stderr or done.stdout) or f'exit code {done.returncode}'}{hint}")
    return done.stdout


def _reason(text: str) -> str:
    """What in a program's output says why it fails."""
    lines = [line.strip(" \t\r×│╰─▶") for line in text.splitlines()]
    first = next((i for i, line in enumerate(lines) if re.match(r"(E|ERROR|error): ", line)), 0)
    reasons = [re.sub(r"^(E|ERROR|error|cause): +", "", line).rstrip(".") for line in lines[first:] if line]
    return "; ".join(reasons)[:300]
