"""What ``ssc-deploy android`` refuses before it downloads anything."""

from __future__ import annotations

from cli.tester import refused, ssc


def test_a_kind_of_processor_that_does_not_exist_is_refused(tmp_path):
    outcome = ssc("android", "build", tmp_path / "a.bundle", "-o", tmp_path / "demo.apk", "--abi", "arm")
    assert outcome.code == 2
    assert "'arm' is not one of 'arm64-v8a', 'armeabi-v7a', 'x86_64', 'x86'" in outcome.err


def test_an_apk_that_stands_there_is_kept(tmp_path):
    (tmp_path / "demo.apk").write_text("mine")
    assert "demo.apk exists already; give --overwrite" in refused(
        "android", "build", tmp_path / "a.bundle", "-o", tmp_path / "demo.apk"
    )
    assert (tmp_path / "demo.apk").read_text() == "mine"


def test_a_place_that_takes_no_file_is_refused_before_the_bundle_is_read(tmp_path):
    # Of the kernel, and closed even to root; there is no such bundle either.
    said = refused("android", "build", tmp_path / "a.bundle", "-o", "/proc/demo.apk")
    assert "/proc/demo.apk cannot be written" in said


def test_another_folder_s_sources_are_refused(tmp_path):
    for command in (["build", tmp_path / "a.bundle", "-o", tmp_path / "demo.apk"], ["test"]):
        said = refused("android", *command, "--source", tmp_path)
        assert "is not the app's source folder" in said


def test_without_a_jdk_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = refused("android", "build", tmp_path / "a.bundle", "-o", tmp_path / "demo.apk")
    assert "there is no JDK in JAVA_HOME" in said
    assert "openjdk-17-jdk-headless" in said
