"""The app's sources, and what their Gradle files say: versions, API levels, hashes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from xml.etree import ElementTree

import ssc_deploy
from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

FOLDER = "android_demo"
CATALOGUE = Path("gradle", "libs.versions.toml")
PROPERTIES = Path("gradle.properties")
HASHES = Path("gradle", "verification-metadata.xml")

#: In the order of their needs; each has src/main/java, and src/test/java where it has tests.
MODULES = ("core", "engine-ort", "engine-tflite", "app")

#: XML namespace of Gradle's file of hashes.
_NAMESPACE = "{https://schema.gradle.org/dependency-verification}"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Library:
    """A library of the catalogue, as Maven names it."""

    group: str
    name: str
    version: str


@dataclass(frozen=True)
class Project:
    """The app's source folder, with what its Gradle files say.

    Attributes:
        root: the folder ``android_demo``.
        versions: by the catalogue's names.
        libraries: by the catalogue's names.
        properties: gradle.properties.
        hashes: SHA-256 (hexadecimal) of what may be downloaded, by file name.
    """

    root: Path
    versions: Mapping[str, str]
    libraries: Mapping[str, Library]
    properties: Mapping[str, str]
    hashes: Mapping[str, str]

    def version(self, name: str) -> str:
        """A version of the catalogue.

        Raises:
            AndroidError: it is not there.
        """
        return self._known(self.versions, name, CATALOGUE)

    def library(self, name: str) -> Library:
        """A library of the catalogue.

        Raises:
            AndroidError: it is not there.
        """
        return self._known(self.libraries, name, CATALOGUE)

    def property(self, name: str) -> str:
        """A value of gradle.properties.

        Raises:
            AndroidError: it is not there.
        """
        return self._known(self.properties, name, PROPERTIES)

    def sources(self, module: str, kind: str = "main") -> Path:
        """The folder of a module's Java sources; ``kind`` is main, test, or stubs."""
        return self.root / module / "src" / kind / "java"

    def _known(self, table: Mapping[str, T], name: str, path: Path) -> T:
        if name not in table:
            raise AndroidError(f"{self.root / path} does not say {name}; take the file of this version of ssc-deploy")
        return table[name]


def find(source: Path | None = None, *, pinned: bool = True) -> Project:
    """The app's sources.

    Args:
        source: the folder; without it, ``android_demo`` of the checkout that this package is part of, or of the
            current folder.
        pinned: whether the hashes are read, too.

    Raises:
        AndroidError: there are none, or their Gradle files cannot be read.
    """
    if source is not None:
        if not (source / CATALOGUE).is_file():
            raise AndroidError(f"{source} is not the app's source folder: it has no {CATALOGUE}; name {FOLDER}/")
        return _read(source.absolute(), pinned)
    for place in (Path(ssc_deploy.__file__).parents[1] / FOLDER, Path.cwd() / FOLDER):
        if (place / CATALOGUE).is_file():
            return _read(place, pinned)
    raise AndroidError(
        f"the app's sources are not part of the installed package; get ssc-deploy's source and name its folder "
        f"{FOLDER} with `source`"
    )


def checkout() -> Path:
    """The checkout of ssc-deploy that this package is part of.

    Raises:
        AndroidError: it is installed from a wheel.
    """
    root = Path(ssc_deploy.__file__).parents[1]
    if not (root / FOLDER / "tools").is_dir():
        raise AndroidError("the app's tests need a checkout of ssc-deploy; run them with the ssc-deploy of one")
    return root


def _read(root: Path, pinned: bool) -> Project:
    versions, libraries = _catalogue(root / CATALOGUE)
    return Project(root, versions, libraries, _properties(root / PROPERTIES), _hashes(root / HASHES) if pinned else {})


def _catalogue(path: Path) -> tuple[dict[str, str], dict[str, Library]]:
    try:
        raw = tomllib.loads(_text(path))
        versions = {name: str(value) for name, value in raw["versions"].items()}
        libraries = {}
        for name, value in raw["libraries"].items():
            group, _, artifact = value["module"].partition(":")
            libraries[name] = Library(group, artifact, versions[value["version"]["ref"]])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise AndroidError(f"{path} is not a version catalogue as Gradle reads it: {error!r}") from error
    return versions, libraries


def _properties(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in _text(path).splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _hashes(path: Path) -> dict[str, str]:
    try:
        document = ElementTree.fromstring(_text(path))  # noqa: S314 - of the checkout whose Java is run as well
        return {
            artifact.attrib["name"]: artifact.find(f"{_NAMESPACE}sha256").attrib["value"]  # type: ignore[union-attr]
            for artifact in document.iter(f"{_NAMESPACE}artifact")
        }
    except (ElementTree.ParseError, KeyError, AttributeError) as error:
        raise AndroidError(f"{path} is not a file of hashes as Gradle reads it: {error}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise AndroidError(f"{path} is larger than any such file; take the file of this version of ssc-deploy")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AndroidError(f"{path} cannot be read: {error}") from error
