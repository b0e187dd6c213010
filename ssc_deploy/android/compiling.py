"""Compiles Java sources to class files, module by module. Each module sees only what it may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.android import artifacts, jdk
from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.android.aar import Aars
    from ssc_deploy.android.fetching import Parts
    from ssc_deploy.android.jdk import Jdk

#: Warnings that are not about the sources: a boot class path that is the JDK's, class files of libraries.
_LINT = "-Xlint:all,-options,-classfile,-processing"


@dataclass(frozen=True)
class Compiler:
    """Compiles with one JDK for one project.

    Attributes:
        jdk: whose javac is used.
        parts: libraries.
        aars: unpacked Android libraries.
        out: folder below which class files are written, one a module.
    """

    jdk: Jdk
    parts: Parts
    aars: Aars
    out: Path

    def modules(self, generated: Path) -> dict[str, Path]:
        """Compiles the main sources of all modules.

        Args:
            generated: folder with R.java.

        Returns:
            Of each module, by its name, the folder of class files.

        Raises:
            AndroidError: a module has no sources, or does not compile, on the oldest JDK without a warning.
        """
        parts = self.parts
        gson, android = parts.library(artifacts.GSON), parts.library(artifacts.ANDROID)
        made = {"core": self._main("core", [gson])}
        made["engine-ort"] = self._main("engine-ort", [made["core"], self.aars.onnxruntime.classes])
        made["engine-tflite"] = self._main("engine-tflite", [made["core"], *(aar.classes for aar in self.aars.tflite)])
        made["app"] = self._main(
            "app", [*made.values(), gson, *(aar.classes for aar in self.aars.all), android], [generated]
        )
        return made

    def compile(self, name: str, sources: Sequence[Path], class_path: Sequence[Path], *, strict: bool = True) -> Path:
        """Compiles the Java files in folders.

        Args:
            name: of the folder of class files, and what errors call it.
            sources: folders.
            class_path: what they may use.
            strict: whether a warning is an error, on the JDK that CI has; newer ones warn of more.

        Returns:
            The folder of class files.

        Raises:
            AndroidError: there are no sources, or they do not compile.
        """
        project = self.parts.project
        files = sorted(str(path) for folder in sources for path in folder.rglob("*.java"))
        if not files:
            raise AndroidError(f"{sources[0]} has no Java sources; name the app's whole source folder with `source`")
        target = self.out / name
        target.mkdir(parents=True)
        listed = self.out / f"{name}.files"
        # An argument file: a backslash or a quote of a path would be read as an escape.
        listed.write_text("".join('"' + file.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for file in files))
        options = ["--release", project.property("demo.java"), "-encoding", "UTF-8", "-proc:none", "-g"]
        checks = [_LINT, "-Werror"] if strict and self.jdk.version == jdk.OLDEST else ["-nowarn"]
        path = os.pathsep.join(map(str, class_path))
        command = [self.jdk.program("javac"), *options, *checks, "-cp", path, "-d", str(target), f"@{listed}"]
        jdk.run(command, f"{name} does not compile")
        return target

    def _main(self, module: str, class_path: Sequence[Path], generated: Sequence[Path] = ()) -> Path:
        return self.compile(module, [self.parts.project.sources(module), *generated], class_path)
