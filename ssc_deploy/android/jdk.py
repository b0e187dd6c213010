"""The JDK of this machine, and running its programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What Robolectric needs for Android 15; D8 and apksigner would do with less.
OLDEST = 17

_SECONDS = 900
_INSTALL = f"install JDK {OLDEST} (Debian: apt-get install openjdk-{OLDEST}-jdk-headless), or set JAVA_HOME to one"


@dataclass(frozen=True)
class Jdk:
    """A Java development kit.

    Attributes:
        folder: where its programs are.
        version: 17, 21 ...
    """

    folder: Path
    version: int

    def program(self, name: str) -> str:
        """One of its programs, as the first word of a command."""
        return str(self.folder / name)

    def java(self, class_path: Sequence[Path], main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """A command that runs a class."""
        return [self.program("java"), *options, "-cp", os.pathsep.join(map(str, class_path)), main, *arguments]


def find() -> Jdk:
    """The JDK of ``$JAVA_HOME``, or else of the path.

    Raises:
        AndroidError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin", "javac")) if home else shutil.which("javac")
    if not found or not Path(found).is_file():
        raise AndroidError(f"there is no JDK {f'in JAVA_HOME ({home})' if home else 'here'}; {_INSTALL}")
    folder = Path(found).resolve().parent
    said = run([str(folder / "javac"), "-version"], "javac does not run")
    version = re.search(r"javac (\d+)", said)
    if version is None or int(version[1]) < OLDEST:
        raise AndroidError(f"the JDK in {folder} is {said.strip()}, and too old; {_INSTALL}")
    return Jdk(folder, int(version[1]))


def run(command: Sequence[str], said: str, *, folder: Path | None = None, remedy: str = _INSTALL) -> str:
    """Runs a program to its end.

    Args:
        command: the program with its arguments.
        said: what an error begins with.
        folder: where it runs.
        remedy: what to do where the program itself cannot be started; by default, what helps with one of the JDK's.

    Returns:
        What it printed, errors included.

    Raises:
        AndroidError: it fails, or takes too long; with what it printed, since that is for the app's developers.
    """
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=folder,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AndroidError(f"{said}: it did not end within {_SECONDS} s; try again on a quieter machine") from error
    except OSError as error:
        raise AndroidError(f"{said}: {command[0]} cannot be run ({error.strerror}); {remedy}") from error
    if done.returncode:
        raise AndroidError(f"{said}: {done.stdout.strip()[:4000] or f'exit code {done.returncode}'}")
    return done.stdout
