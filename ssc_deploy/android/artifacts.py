"""What the app is built and tested with: which file of which package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssc_deploy.android.project import Project


@dataclass(frozen=True)
class Form:
    """Which of a library's files on Maven Central it is.

    Attributes:
        library: its name in the catalogue.
        kind: the file's suffix.
        classifier: the part of the name behind the version, if any.
    """

    library: str
    kind: str = "jar"
    classifier: str = ""


@dataclass(frozen=True)
class Package:
    """A package of another registry, of which some files are taken.

    Attributes:
        registry: ``npm`` or ``pypi``.
        name: of the package.
        version: its name in the catalogue.
        members: where in the package they are, by the name each is kept under; ``!/`` leads into an archive inside.
            A ``*`` stands for any letters of a name.
    """

    registry: str
    name: str
    version: str
    members: dict[str, str]


ANDROID = Form("android-all")
GSON = Form("gson")
TFLITE = Form("tensorflow-lite", "aar")
TFLITE_API = Form("tensorflow-lite-api", "aar")
ROBOLECTRIC_ANDROID = Form("android-all-instrumented")
SNIFFER = Form("animal-sniffer")
ASM = Form("asm")

#: Levels of Android's API that classes are checked against, by the level.
LEVELS = {26: Form("gummy-bears-api-26", "signature"), 34: Form("gummy-bears-api-34", "signature")}

#: On the class path of the tests, with all that they need in turn.
TESTING = (
    ASM,
    GSON,
    Form("junit"),
    Form("json-schema-validator"),
    Form("onnxruntime"),
    Form("robolectric"),
    Form("slf4j-nop"),
)

#: Everything that comes from Maven Central, with what it needs in turn.
MAVEN = (ANDROID, ROBOLECTRIC_ANDROID, TFLITE, TFLITE_API, SNIFFER, *LEVELS.values(), *TESTING)

ONNXRUNTIME_AAR = "onnxruntime-repack-{}.aar"
D8 = "mobsf-{}-bundletool.jar"
AAPT2 = "mobsf-{}-aapt2"
APKSIGNER = "mobsf-{}-apksigner.jar"

#: ONNX Runtime's Android library is on Maven Central for Gradle, too, but the package below holds the same for npm.
PACKAGES = (
    Package(
        "npm",
        "com.github.asus4.onnxruntime",
        "onnxruntime-repack",
        {ONNXRUNTIME_AAR: "package/Plugins/Android/onnxruntime.aar"},
    ),
    Package(
        "pypi",
        "mobsf",
        "mobsf",
        {
            D8: "mobsf/StaticAnalyzer/tools/bundletool-all-*.jar",
            APKSIGNER: "mobsf/StaticAnalyzer/tools/apksigner.jar",
            AAPT2: "mobsf/StaticAnalyzer/tools/apktool_*.jar!/prebuilt/linux/aapt2_64",
        },
    ),
)


def file_name(project: Project, form: Form) -> str:
    """The name of a library's file: ``NAME-VERSION[-CLASSIFIER].KIND``."""
    library = project.library(form.library)
    return "-".join(part for part in (library.name, library.version, form.classifier) if part) + f".{form.kind}"


def archive_name(project: Project, package: Package) -> str:
    """The name of a package's own file, as its registry's client writes it."""
    suffix = {"npm": ".tgz", "pypi": "-py3-none-any.whl"}[package.registry]
    return f"{package.name}-{project.version(package.version)}{suffix}"


def member_names(project: Project, package: Package) -> dict[str, str]:
    """Where in the package its members are, by the file name each is kept under."""
    version = project.version(package.version)
    return {name.format(version): place for name, place in package.members.items()}
