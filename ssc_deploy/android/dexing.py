"""Class files to Android's byte code, by D8."""

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
    jars = [str(path if path.is_file() else _jar(path, folder / f"{path.name}.jar")) for path in classes]
    out = folder / "dex"
    out.mkdir()
    options = ["--release", "--min-api", parts.project.property("demo.minSdk")]
    library = ["--lib", str(parts.library(artifacts.ANDROID)), "--output", str(out)]
    d8 = parts.member(artifacts.D8)
    # The machine code of its first compiler is enough for a few seconds' work.
    command = java.java([d8], "com.android.tools.r8.D8", *options, *library, *jars, options=["-XX:TieredStopAtLevel=1"])
    jdk.run(command, "D8 cannot translate the classes")
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.dex"))}


def _jar(folder: Path, jar: Path) -> Path:
    with zipfile.ZipFile(jar, "w") as archive:
        for path in sorted(folder.rglob("*.class")):
            archive.write(path, path.relative_to(folder).as_posix())
    return jar
