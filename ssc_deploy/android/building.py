"""The app as an APK, with a bundle in it: the steps in order."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy.android import aar, apk, artifacts, dexing, fetching, jdk, packing, project, resources, signing
from ssc_deploy.android.abis import ABIS, DEFAULT_ABIS
from ssc_deploy.android.compiling import Compiler
from ssc_deploy.bundling.checking import check_bundle
from ssc_deploy.bundling.manifest import FILE_NAME
from ssc_deploy.bundling.opening import opened
from ssc_deploy.errors import AndroidError, OutputError, VerificationError
from ssc_deploy.storage.files import as_output_error, write_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ssc_deploy.android.apk import ApkReport

    Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class BuildReport:
    """An APK that was built and verified.

    Attributes:
        path: where it is.
        apk: what it is.
    """

    path: Path
    apk: ApkReport

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"path": str(self.path), **self.apk.to_dict()}


def build(
    bundle: Path,
    output: Path,
    *,
    abis: Sequence[str] = DEFAULT_ABIS,
    source: Path | None = None,
    overwrite: bool = False,
    progress: Progress = lambda _stage, _line: None,
) -> BuildReport:
    """Builds the app with a bundle in it, signed with a debug key.

    Args:
        bundle: folder or ``.zip``; it is checked first.
        output: the APK. It exists only if it has been verified.
        abis: kinds of processors to take native libraries for.
        source: the app's sources, ``android_demo``; where this package is part of a checkout, that one's by default.
        overwrite: whether a file at ``output`` may be replaced.
        progress: is called with each step that ends, and what came of it.

    Raises:
        BundleError: the bundle is damaged.
        VerificationError: a model of the bundle does not compute what its golden set says.
        AndroidError: sources, the JDK or a download are missing or wrong, or the sources do not compile.
        OutputError: ``output`` exists, or cannot be written.
    """
    abis = tuple(dict.fromkeys(abis))
    _refuse_early(output, abis, overwrite)
    found, java = project.find(source), jdk.find()
    carried = _read(bundle, progress)
    parts = fetching.for_building(found, lambda line: progress("fetch", line))
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-android-") as temporary:
        steps = _Build(java, parts, Path(temporary), progress)
        signed = steps.sign(steps.assemble(carried, abis))
    report: list[ApkReport] = []

    def verify(path: Path) -> None:
        report.append(apk.read(java, parts, path))
        apk.check(path, report[0], carried, abis)

    write_verified(output, signed, verify, overwrite)
    made = report[0]
    schemes = " and ".join(f"v{scheme}" for scheme in made.schemes)
    progress("verify", f"signed ({schemes}), aligned, the bundle in it as given · debug key · {', '.join(made.abis)}")
    progress(
        "apk", f"{output}   {_mb(made.bytes)}, {_mb(made.download_bytes)} compressed · Android API {made.min_sdk}+"
    )
    return BuildReport(output, made)


def _read(bundle: Path, progress: Progress) -> dict[str, bytes]:
    """The files of a bundle, by their paths in it, after it has been checked."""
    report = check_bundle(bundle)
    if not report.ok:
        raise VerificationError(f"{bundle} is not built in: {report.failures[0]}")
    with opened(bundle) as whole:
        files = {name: (whole.folder / name).read_bytes() for name in (FILE_NAME, *whole.manifest.files)}
    proved = f"{report.name} · {report.pictures} golden images on {', '.join(m.runtime for m in report.models)}"
    progress("bundle", f"{bundle}: {proved} · {_mb(sum(map(len, files.values())))}")
    return files


def _refuse_early(output: Path, abis: Sequence[str], overwrite: bool) -> None:
    """Refuses before the downloads what would be refused at the end."""
    if unknown := [abi for abi in abis if abi not in ABIS]:
        raise AndroidError(f"{unknown[0]!r} is not a kind of processor of Android; choose among {', '.join(ABIS)}")
    if not abis:
        raise AndroidError(f"an APK needs native libraries; choose among {', '.join(ABIS)}")
    if not overwrite and os.path.lexists(output):
        raise OutputError(f"{output} exists already; give `overwrite=True` to replace it, or choose another name")
    if output.parent.is_dir():
        with as_output_error(output), tempfile.TemporaryFile(dir=output.parent):
            pass


@dataclass(frozen=True)
class _Build:
    """One build: its tools, the folder for its files, and its progress callback."""

    java: jdk.Jdk
    parts: fetching.Parts
    folder: Path
    progress: Progress

    def assemble(self, bundle: Mapping[str, bytes], abis: Sequence[str]) -> bytes:
        """The APK, not yet signed."""
        libraries = aar.unpack(self.parts, self.folder / "aars")
        linked = resources.link(self.parts, self.folder / "resources")
        with zipfile.ZipFile(linked.apk) as archive:
            base = {name: archive.read(name) for name in archive.namelist()}
        native = {name: data for abi in abis for one in libraries.all for name, data in one.libraries(abi).items()}
        main = self.parts.project.root / "app" / "src" / "main"
        assets = {p.relative_to(main).as_posix(): p.read_bytes() for p in _files(main / "assets")}
        carried = {f"{apk.BUNDLE}{name}": data for name, data in sorted(bundle.items())}
        code = self._code(libraries, linked.sources)
        return packing.pack({**base, **code, **native, **assets, **carried})

    def sign(self, packed: bytes) -> bytes:
        """The APK, signed."""
        unsigned, signed = self.folder / "unsigned.apk", self.folder / "signed.apk"
        unsigned.write_bytes(packed)
        signing.sign(self.java, self.parts, unsigned, signed)
        return signed.read_bytes()

    def _code(self, libraries: aar.Aars, generated: Path) -> dict[str, bytes]:
        compiled = Compiler(self.java, self.parts, libraries, self.folder / "classes").modules(generated)
        self.progress("compile", f"{', '.join(compiled)} · javac and aapt2")
        jars = [self.parts.library(artifacts.GSON), *(library.classes for library in libraries.all)]
        code = dexing.dex(self.java, self.parts, [*compiled.values(), *jars], self.folder / "dexing")
        self.progress("dex", f"{_mb(sum(map(len, code.values())))} of byte code · D8")
        return code


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
