"""The app's tests on a Java machine of this host: core and engines with real runtimes, the app under Robolectric."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from android_demo.tools import bionic, test_data
from ssc_deploy.android import aar, apk, artifacts, dexing, fetching, jdk, packing, project, resources
from ssc_deploy.android.compiling import Compiler
from ssc_deploy.errors import AndroidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from android_demo.tools.bionic import Prepared
    from android_demo.tools.test_data import Data

    Progress = Callable[[str, str], None]

#: Where tests put pictures of the screens, below the app's sources.
SCREENSHOTS = Path("build", "screenshots")

#: The level of Android's API that a module may use without asking; the app asks for what came after its oldest.
_LEVELS = {"core": 26, "engine-ort": 26, "engine-tflite": 26, "app": 34}

#: Classes that are not Android's, as the check of the API level has them.
_OTHERS = "org.sscdeploy.*,com.google.gson.*,ai.onnxruntime.*,org.tensorflow.lite.*,com.android.tools.r8.*"

#: TFLite's library can be loaded once in a process, and Robolectric loads the classes above it once a configuration.
_ALONE = "TfliteTest"

_JAVA = Path(__file__).parent
_SECONDS = 900
_SUMMARY = re.compile(r"^passed (\d+) failed (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class SuiteReport:
    """The tests of one module.

    Attributes:
        name: of the suite.
        passed: tests that passed.
        failed: tests that failed, were left out, or did not come to an end.
        seconds: that it took.
        output: what the tests printed, with each failure.
    """

    name: str
    passed: int
    failed: int
    seconds: float
    output: str

    @property
    def ok(self) -> bool:
        """Whether there were tests, and all passed."""
        return self.passed > 0 and not self.failed

    def __str__(self) -> str:
        if not self.passed + self.failed:
            return f"no test ran · {self.seconds:.0f} s"
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.passed} passed{failed} · {self.seconds:.0f} s"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "ok": self.ok}


@dataclass(frozen=True)
class SuitesReport:
    """All suites.

    Attributes:
        suites: in the order they ran.
        screenshots: pictures of the screens that the tests took.
    """

    suites: tuple[SuiteReport, ...]
    screenshots: tuple[Path, ...]

    @property
    def ok(self) -> bool:
        """Whether all suites had tests, and all passed."""
        return all(suite.ok for suite in self.suites)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        suites = [suite.to_dict() for suite in self.suites]
        return {"ok": self.ok, "suites": suites, "screenshots": [str(path) for path in self.screenshots]}


def run(
    *, source: Path | None = None, data: Path | None = None, progress: Progress = lambda _stage, _line: None
) -> SuitesReport:
    """Compiles the app with its tests, and runs these.

    Args:
        source: the app's sources, ``android_demo``; where this package is part of a checkout, that one's by default.
        data: where bundles and samples that the tests read are kept for the next run; made where it is not there.
        progress: is called with each suite that ends, and what came of it.

    Raises:
        AndroidError: sources, the JDK or a download are missing or wrong, or the sources do not compile.
    """
    found, java = project.find(source), jdk.find()
    parts = fetching.for_testing(found, lambda line: progress("fetch", line))
    screenshots = found.root / SCREENSHOTS
    shutil.rmtree(screenshots, ignore_errors=True)
    screenshots.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-android-") as temporary:
        folder = Path(temporary)
        libraries = aar.unpack(parts, folder / "aars")
        linked = resources.link(parts, folder / "resources")
        compiler = Compiler(java, parts, libraries, folder / "classes")
        modules = compiler.modules(linked.sources)
        progress("compile", ", ".join(modules))
        read = test_data.made(data or folder / "data", screenshots)
        progress("data", f"bundles of {', '.join(path.stem for path in sorted(read.bundles.iterdir()))}")
        native = bionic.prepare(libraries.tflite, "x86_64", folder / "native")
        tests = _Run(compiler, modules, read, native, folder)
        suites = []
        kinds = (tests.levels, tests.core, tests.engine_ort, tests.engine_tflite, lambda: tests.app(linked.apk))
        for suite in kinds:
            suites.append(suite())
            progress(suites[-1].name, str(suites[-1]))
    return SuitesReport(tuple(suites), tuple(sorted(screenshots.rglob("*.png"))))


@dataclass(frozen=True)
class _Run:
    """One run of the tests.

    Attributes:
        compiler: compiles them.
        modules: what they test.
        data: what they read.
        native: TFLite's own Android library, which the tests run on this host; ONNX Runtime has one for it.
        folder: where they write.
    """

    compiler: Compiler
    modules: dict[str, Path]
    data: Data
    native: Prepared
    folder: Path

    @property
    def parts(self) -> fetching.Parts:
        return self.compiler.parts

    @property
    def _all(self) -> list[Path]:
        """The classes of all modules and of the libraries that they use."""
        libraries = [library.classes for library in self.compiler.aars.all]
        return [*self.modules.values(), *libraries, self.parts.library(artifacts.GSON)]

    @property
    def _android(self) -> Path:
        return self.parts.library(artifacts.ANDROID)

    def levels(self) -> SuiteReport:
        """Holds what the modules call, once D8 has put older calls in place of newer ones, against Android's levels."""
        start, output, failed = time.monotonic(), [], 0
        for module, level in _LEVELS.items():
            folder = self.folder / "desugared" / module
            classes = self.modules[module]
            newer = newer_calls(self.compiler.jdk, self.parts, classes, self._all, level=level, folder=folder)
            failed += bool(newer)
            output.append(newer)
        seconds = time.monotonic() - start
        return SuiteReport("api-levels", len(_LEVELS) - failed, failed, seconds, "".join(output))

    def core(self) -> SuiteReport:
        """The tests of core."""
        return self._module("core", [self.modules["core"]])

    def engine_ort(self) -> SuiteReport:
        """The tests of ONNX Runtime's engine, on its library for this host; they use core's, too."""
        used = [self.modules[name] for name in ("core", "engine-ort")]
        return self._module("engine-ort", [*used, self.folder / "classes" / "core-test"])

    def engine_tflite(self) -> SuiteReport:
        """The tests of TFLite's engine."""
        used = [self.modules[name] for name in ("core", "engine-tflite")]
        aars = [library.classes for library in self.compiler.aars.tflite]
        return self._module("engine-tflite", [*used, self.folder / "classes" / "core-test", *aars])

    def app(self, linked: Path) -> SuiteReport:
        """The tests of the app, under Robolectric; they use core's, too."""
        path = [*self.modules.values(), self.folder / "classes" / "core-test"]
        path += [library.classes for library in self.compiler.aars.tflite]
        stubs = self.compiler.compile("app-stubs", [self._sources("app", "stubs")], [self._android], strict=False)
        config = self.folder / "robolectric" / "com" / "android" / "tools"
        config.mkdir(parents=True)
        resources_apk = self.folder / "resources.apk"
        resources_apk.write_bytes(self._with_assets(linked))
        (config / "test_config.properties").write_text(f"android_resource_apk={resources_apk}\n", encoding="utf-8")
        options = [
            "-XX:TieredStopAtLevel=1",  # half the time: nothing here runs for long
            "-Drobolectric.offline=true",
            f"-Drobolectric.dependency.dir={self.parts.folder}",
        ]
        return self._module("app", [*path, stubs, self.folder / "robolectric"], [self._android], options)

    def _sources(self, module: str, kind: str) -> Path:
        return self.parts.project.sources(module, kind)

    def _module(
        self, module: str, used: Sequence[Path], last: Sequence[Path] = (), options: Sequence[str] = ()
    ) -> SuiteReport:
        """Compiles and runs the tests of a module: together, but those that need a process of their own."""
        start = time.monotonic()
        path = [*used, *self.parts.test_class_path(), *last]
        try:
            classes = self.compiler.compile(f"{module}-test", [self._sources(module, "test")], path)
        except AndroidError as error:
            return SuiteReport(module, 0, 1, time.monotonic() - start, str(error))
        names = [file.relative_to(classes).with_suffix("").as_posix() for file in classes.rglob("*Test.class")]
        together = sorted(name.replace("/", ".") for name in names if not name.endswith(_ALONE))
        alone = [[name.replace("/", ".")] for name in sorted(names) if name.endswith(_ALONE)]
        files = self._sources(module, "test").with_name("resources")
        report = SuiteReport(module, 0, 0, 0.0, "")
        for group in ([together] if together else []) + alone:
            report = _added(report, self._junit([classes, files, *path], group, options))
        return replace(report, seconds=time.monotonic() - start)

    def _junit(self, path: Sequence[Path], names: Sequence[str], options: Sequence[str]) -> str:
        """What a Java machine prints that runs test classes."""
        written = self.folder / "written"
        written.mkdir(exist_ok=True)
        settings = [
            *("-Xmx3g", "-Djava.awt.headless=true", "-Duser.language=en", "-Duser.timezone=UTC"),
            f"-Djava.io.tmpdir={written}",
            *self.native.options(),
            *self.data.properties(),
            *options,
        ]
        java = self.compiler.jdk
        command = java.java(path, str(_JAVA / "RunTests.java"), *names, options=settings)
        return _java(command, self.folder, self.native.environment()).stdout

    def _with_assets(self, linked: Path) -> bytes:
        """The resources as an APK, with the assets that the tests expect in it."""
        with zipfile.ZipFile(linked) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        main = self.parts.project.root / "app" / "src" / "main"
        own = {p.relative_to(main).as_posix(): p for p in (main / "assets").rglob("*") if p.is_file()}
        bundle = self.data.carried
        carried = {apk.BUNDLE + p.relative_to(bundle).as_posix(): p for p in bundle.rglob("*") if p.is_file()}
        return packing.pack({**files, **{name: path.read_bytes() for name, path in {**own, **carried}.items()}})


def newer_calls(
    java: jdk.Jdk, parts: fetching.Parts, classes: Path, class_path: Sequence[Path], *, level: int, folder: Path
) -> str:
    """What classes ask of Android that a level of its API does not have, once D8 has desugared them.

    Args:
        java: runs D8 and the check.
        parts: both, and the signatures of the level.
        classes: a folder of class files.
        class_path: jars, and folders of class files, that they use.
        level: a key of `artifacts.LEVELS`.
        folder: for files in between; it is made.

    Returns:
        A line for each call; empty where there is none.

    Raises:
        AndroidError: D8 refuses a class, or the check does not end.
    """
    desugared = dexing.desugar(java, parts, classes, class_path, folder)
    tools = [parts.library(form) for form in (artifacts.SNIFFER, artifacts.ASM)]
    signature = str(parts.library(artifacts.LEVELS[level]))
    done = _java(java.java(tools, str(_JAVA / "CheckApiLevel.java"), signature, _OTHERS, str(desugared)))
    return (done.stdout or f"exit code {done.returncode}") if done.returncode else ""


def _added(report: SuiteReport, printed: str) -> SuiteReport:
    """A suite's report with what another Java machine printed."""
    summary = _SUMMARY.findall(printed)
    if not summary:
        # It ended before its tests did.
        return replace(report, failed=report.failed + 1, output=report.output + printed)
    passed, failed = map(int, summary[-1])
    return replace(report, passed=report.passed + passed, failed=report.failed + failed, output=report.output + printed)


def _java(
    command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, **(environment or {})},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AndroidError(
            f"tests of the app did not end within {_SECONDS} s; run them on a quieter machine"
        ) from error
