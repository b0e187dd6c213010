"""Manifest and resources, as aapt2 makes of them what Android reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ssc_deploy.android import artifacts, jdk
from ssc_deploy.errors import AndroidError
from ssc_deploy.storage.cache import CACHE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.android.fetching import Parts

_ANDROID = "http://schemas.android.com/apk/res/android"


@dataclass(frozen=True)
class Linked:
    """What aapt2 makes.

    Attributes:
        apk: with the manifest and the resources in it, and nothing else.
        sources: folder with R.java.
    """

    apk: Path
    sources: Path


def link(parts: Parts, folder: Path) -> Linked:
    """Compiles manifest and resources of the app.

    Args:
        parts: aapt2, and Android's own resources.
        folder: where files are written.

    Raises:
        AndroidError: the manifest or a resource is wrong.
    """
    project = parts.project
    main = project.root / "app" / "src" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    linked = Linked(folder / "base.apk", folder / "generated")
    compiled, manifest = folder / "resources.zip", folder / "AndroidManifest.xml"
    manifest.write_bytes(_manifest(main / "AndroidManifest.xml", project.property("demo.applicationId")))
    said = "the app's resources do not compile"
    aapt2(parts, ["compile", "--dir", str(main / "res"), "-o", str(compiled)], said)
    options = {
        "-I": str(parts.library(artifacts.ANDROID)),
        "--manifest": str(manifest),
        "--java": str(linked.sources),
        "--min-sdk-version": project.property("demo.minSdk"),
        "--target-sdk-version": project.property("demo.targetSdk"),
        "--compile-sdk-version-code": project.property("demo.compileSdk"),
        "--version-code": project.property("demo.versionCode"),
        "--version-name": project.property("demo.versionName"),
        "-o": str(linked.apk),
    }
    # adb puts jobs into the app's own storage, which it may do for debuggable apps only.
    command = ["link", "--debug-mode", *(part for option in options.items() for part in option), str(compiled)]
    aapt2(parts, command, said)
    return linked


def aapt2(parts: Parts, arguments: list[str], said: str) -> str:
    """Runs aapt2; returns what it printed.

    Raises:
        AndroidError: it fails, with ``said`` and what it printed.
    """
    program = parts.member(artifacts.AAPT2)
    remedy = (
        f"see whether programs may be run from {program.parent}, or name another folder in the environment variable "
        f"{CACHE_VARIABLE}"
    )
    return jdk.run([str(program), *arguments], said, remedy=remedy)


def _manifest(path: Path, package: str) -> bytes:
    """The manifest as aapt2 wants it: Gradle's plugin sets these two itself, and refuses a file that says them."""
    for prefix, uri in {"android": _ANDROID, "tools": "http://schemas.android.com/tools"}.items():
        ElementTree.register_namespace(prefix, uri)
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - of the checkout whose Java is run as well
    except (OSError, ElementTree.ParseError) as error:
        raise AndroidError(f"{path} cannot be read: {error}") from error
    application = root.find("application")
    if root.tag != "manifest" or application is None or "package" in root.attrib:
        raise AndroidError(f"{path} must be a manifest with an application, and without package=")
    root.set("package", package)
    # Libraries are mapped from the APK as it is: nothing is copied at installation.
    application.set(f"{{{_ANDROID}}}extractNativeLibs", "false")
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
