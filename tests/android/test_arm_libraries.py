"""The arm64 libraries of the APK give the golden outputs, in the app's own engines and golden replay.

What this is: the native code that a phone would run, out of the APK, below the Java classes that the app consists of,
on an aarch64 instruction set that qemu-user emulates. What it is not: Android. The Java machine is OpenJDK, not ART;
the C library is glibc, not bionic (`android_demo.tools.bionic` stands in for the difference); the kernel is this
host's. And nothing here says how long anything takes on an ARM core.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from android.arm_java import arm_java
from programs import APP, ARM_SYSTEM

from android_demo.tools import bionic
from ssc_deploy.android import aar, artifacts, building, fetching, jdk, project
from ssc_deploy.android.compiling import Compiler

PROGRAMS = (*APP, *ARM_SYSTEM, "aarch64-linux-gnu-gcc")

pytestmark = [pytest.mark.android, pytest.mark.slow, pytest.mark.needs(*PROGRAMS)]

ABI = "arm64-v8a"


@pytest.fixture(scope="module")
def replayed(bundle, tmp_path_factory):
    """Of each engine, what it says of the golden set: its version, pictures, verdict, and errors."""
    folder = tmp_path_factory.mktemp("arm")
    parts = fetching.for_building(project.find())
    apk = building.build(bundle, folder / "demo.apk", abis=(ABI,)).path
    with zipfile.ZipFile(apk) as archive:
        libraries = {name: archive.read(name) for name in archive.namelist() if name.startswith(f"lib/{ABI}/")}
    native = bionic.prepare_libraries(libraries, ABI, folder / "native")
    aars = aar.unpack(parts, folder / "aars")
    compiler = Compiler(jdk.find(), parts, aars, folder / "classes")
    path = [parts.library(artifacts.GSON), *(library.classes for library in aars.all)]
    for module in ("core", "engine-ort", "engine-tflite"):
        path.append(compiler.compile(module, [project.find().sources(module)], path))
    program = folder / "program"
    program.mkdir()
    shutil.copy(Path(__file__).with_name("ReplayGolden.java"), program)
    path.append(compiler.compile("replay", [program], path))
    command = arm_java().command(
        *native.options(),
        "-XX:TieredStopAtLevel=1",
        "-cp",
        os.pathsep.join(map(str, path)),
        "ReplayGolden",
        str(bundle),
        environment=native.environment(),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("replayed ")]
    return {
        engine: (arch, version, int(count), verdict, float(most), float(rms))
        for _, arch, engine, version, count, verdict, most, rms in lines
    }


@pytest.mark.parametrize(("engine", "library"), [("onnxruntime", "onnxruntime"), ("tflite", "tensorflow-lite")])
def test_an_engine_s_arm_code_gives_the_golden_outputs(replayed, bundle, engine, library):
    arch, version, count, verdict, most, rms = replayed[engine]
    golden = json.loads((bundle / "model.json").read_text(encoding="utf-8"))["golden"]
    assert (arch, version) == ("aarch64", project.find().version(library))
    assert (count, verdict) == (golden["count"], "PASSED")
    assert 0 < most <= golden["tolerance"]["max"]
    assert 0 < rms <= golden["tolerance"]["rms"]
