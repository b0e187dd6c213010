"""Class files to Android's byte code, by D8; records and newer calls become what the oldest Android has."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from ssc_deploy.android import artifacts, jdk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ssc_deploy.android.fetching import Parts
    from ssc_deploy.android.jdk import Jdk


def dex(java: Jdk, parts: Parts, classes: Iterable[Path], folder: Path) -> dict[str, bytes]:
    """Translates classes.

    Args:
        java: runs D8.
        parts: D8, and Android's own classes.
        classes: jars, and folders of class files.
        folder: for files in between; it is made.

    Returns:
        ``classes.dex`` and those that follow it, by their names in an APK.

    Raises:
        AndroidError: D8 refuses a class.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jars = [path if path.is_file() else _jar(path, folder / f"{path.name}.jar") for path in classes]
    out = folder / "dex"
    _d8(java, parts, jars, out)
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.dex"))}


def desugar(java: Jdk, parts: Parts, classes: Path, class_path: Iterable[Path], folder: Path) -> Path:
    """Translates classes as `dex` does, to class files: what Android's API is asked for can be read from these.

    Args:
        java: runs D8.
        parts: D8, and Android's own classes.
        classes: a folder of class files.
        class_path: jars, and folders of class files, that they use.
        folder: for the class files and files in between; it is made.

    Returns:
        The folder of translated class files.

    Raises:
        AndroidError: D8 refuses a class.
    """
    folder.mkdir(parents=True)
    jars = [path if path.is_file() else _jar(path, folder / f"{index}.jar") for index, path in enumerate(class_path)]
    out = folder / "classes"
    used = [option for jar in jars for option in ("--classpath", str(jar))]
    _d8(java, parts, [_jar(classes, folder / "program.jar")], out, "--classfile", *used)
    return out


def _d8(java: Jdk, parts: Parts, jars: Iterable[Path], out: Path, *options: str) -> None:
    out.mkdir()
    level = ["--release", "--min-api", parts.project.property("demo.minSdk")]
    library = ["--lib", str(parts.library(artifacts.ANDROID)), "--output", str(out)]
    command = java.java(
        [parts.member(artifacts.D8)],
        "com.android.tools.r8.D8",
        *(*level, *library, *options, *map(str, jars)),
        options=["-XX:TieredStopAtLevel=1"],  # its first compiler is enough for a few seconds' work
    )
    jdk.run(command, "D8 cannot translate the classes")


def _jar(folder: Path, jar: Path) -> Path:
    with zipfile.ZipFile(jar, "w") as archive:
        for path in sorted(folder.rglob("*.class")):
            archive.write(path, path.relative_to(folder).as_posix())
    return jar
