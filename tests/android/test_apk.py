"""The APK is what it should be: read by Android's own tools, and byte by byte."""

from __future__ import annotations

import shutil
import subprocess
import zipfile

import pytest
from cli.tester import ssc
from programs import APP

from ssc_deploy.android import apk, artifacts, building, fetching, jdk, project
from ssc_deploy.errors import AndroidError, BundleError, OutputError

pytestmark = [pytest.mark.android, pytest.mark.slow, pytest.mark.needs(*APP)]


@pytest.fixture(scope="module")
def built(bundle, tmp_path_factory):
    """An APK for the phones of today, with a bundle in it."""
    return building.build(bundle, tmp_path_factory.mktemp("apk") / "demo.apk")


@pytest.fixture(scope="module")
def tools():
    return jdk.find(), fetching.for_building(project.find())


def test_it_asks_for_no_more_than_the_camera(built):
    assert set(built.apk.permissions) <= {"android.permission.CAMERA"}


def test_it_is_for_the_levels_and_processors_that_it_says(built):
    assert (built.apk.package, built.apk.min_sdk, built.apk.target_sdk) == ("org.sscdeploy.demo", 26, 35)
    assert built.apk.abis == ("arm64-v8a",)


def test_every_native_library_begins_at_a_page_of_16_kb(built):
    data = built.path.read_bytes()
    names = {library.name.rpartition("/")[2] for library in built.apk.libraries}
    assert names == {"libonnxruntime.so", "libonnxruntime4j_jni.so", "libtensorflowlite_jni.so"}
    for library in built.apk.libraries:
        assert library.offset % 16384 == 0
        assert data[library.offset : library.offset + 4] == b"\x7fELF"


def test_onnx_runtime_s_libraries_load_on_pages_of_16_kb_and_tflite_s_is_said_not_to(built):
    loads = {library.name.rpartition("/")[2]: library.load_alignment for library in built.apk.libraries}
    assert loads.pop("libtensorflowlite_jni.so") == 4096
    assert set(loads.values()) == {16384}
    readme = (project.find().root / "README.md").read_text(encoding="utf-8")
    assert "library is built for pages of 4 KB" in readme


@pytest.mark.needs("readelf")
def test_readelf_sees_the_same_alignment(built, tmp_path):
    with zipfile.ZipFile(built.path) as archive:
        for library in built.apk.libraries:
            path = tmp_path / "library.so"
            path.write_bytes(archive.read(library.name))
            said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
            loads = [int(line.split()[-1], 16) for line in said.splitlines() if line.split()[:1] == ["LOAD"]]
            assert min(loads) == library.load_alignment


def test_without_its_bundle_it_is_at_most_32_mb_and_a_download_of_13_mb(built):
    with zipfile.ZipFile(built.path) as archive:
        bundle = sum(entry.compress_size for entry in archive.infolist() if entry.filename.startswith(apk.BUNDLE))
    assert built.apk.bytes - bundle <= 32e6
    assert built.apk.download_bytes - bundle <= 13e6


def test_it_is_signed_by_the_schemes_of_android_8_and_later(built):
    assert built.apk.schemes == (2, 3)


def test_it_is_debuggable_since_adb_brings_jobs_into_its_own_storage(built, tools):
    aapt2 = str(tools[1].member(artifacts.AAPT2))
    done = subprocess.run([aapt2, "dump", "badging", built.path], capture_output=True, text=True, check=True)
    assert "application-debuggable" in done.stdout
    assert "launchable-activity: name='org.sscdeploy.demo." in done.stdout


def test_the_bundle_in_it_is_the_one_that_was_given(built, bundle):
    given = {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    with zipfile.ZipFile(built.path) as archive:
        carried = {
            name.removeprefix(apk.BUNDLE): archive.read(name)
            for name in archive.namelist()
            if name.startswith(apk.BUNDLE)
        }
    assert carried == given


def test_a_byte_that_changes_breaks_the_signature(built, tools, tmp_path):
    data = bytearray(built.path.read_bytes())
    data[built.apk.libraries[0].offset + 1000] ^= 1
    (tmp_path / "changed.apk").write_bytes(data)
    with pytest.raises(AndroidError, match=r"the signature of changed\.apk does not hold"):
        apk.read(*tools, tmp_path / "changed.apk")


def test_a_zip_of_the_bundle_makes_the_same_apk_in_json(bundle, built, tmp_path):
    shutil.make_archive(str(tmp_path / "ssc_1_9"), "zip", bundle)
    outcome = ssc("android", "build", tmp_path / "ssc_1_9.zip", "-o", tmp_path / "demo.apk", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["download_bytes"] == built.apk.download_bytes
    assert (tmp_path / "demo.apk").read_bytes() == built.path.read_bytes()


def test_a_damaged_bundle_is_refused_and_nothing_written(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "damaged.bundle")
    model = tmp_path / "damaged.bundle" / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(BundleError, match=r"model\.onnx is damaged"):
        building.build(tmp_path / "damaged.bundle", tmp_path / "out" / "demo.apk")
    assert not (tmp_path / "out").exists()


def test_what_stands_there_is_kept(bundle, tmp_path):
    (tmp_path / "demo.apk").write_text("mine")
    with pytest.raises(OutputError, match=r"demo\.apk exists already; give `overwrite=True`"):
        building.build(bundle, tmp_path / "demo.apk")
    assert (tmp_path / "demo.apk").read_text() == "mine"


def test_sources_that_do_not_compile_are_named_and_nothing_written(bundle, tmp_path):
    source = shutil.copytree(project.find().root, tmp_path / "app", ignore=shutil.ignore_patterns("build"))
    wrong = source / "core" / "src" / "main" / "java" / "org" / "sscdeploy" / "core" / "Wrong.java"
    wrong.write_text("package org.sscdeploy.core; final class Wrong { int x = ; }", encoding="utf-8")
    with pytest.raises(AndroidError, match=r"(?s)core does not compile.*Wrong\.java:1: error"):
        building.build(bundle, tmp_path / "demo.apk", source=source)
    assert not (tmp_path / "demo.apk").exists()
