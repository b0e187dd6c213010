"""Downloads are whole and of the right hash, or not there; clients that lie or fail stand in for the real ones."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys

import pytest
from waiting import PATIENCE

from ssc_deploy.android import artifacts, clients, fetching, jdk, project, resources
from ssc_deploy.errors import AndroidError

CLIENT = """#!{python}
import os, pathlib, shutil, sys
if os.environ.get("SAYS"):
    sys.exit(os.environ["SAYS"])
out = next(a.partition("=")[2] for a in sys.argv if a.startswith("-DoutputDirectory="))
for path in pathlib.Path({registry!r}).iterdir():
    shutil.copy(path, out)
"""


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A project whose libraries are small, a cache that has its tools, and a Maven that copies from a folder."""
    source = tmp_path / "android_demo"
    for path in (project.CATALOGUE, project.PROPERTIES, project.HASHES):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project.find().root / path, source / path)
    real = project.find(source)
    text = (source / project.HASHES).read_text(encoding="utf-8")
    for name, sha256 in real.hashes.items():
        text = text.replace(sha256, hashlib.sha256(content(name)).hexdigest())
    (source / project.HASHES).write_text(text, encoding="utf-8")
    monkeypatch.setenv("SSC_DEPLOY_CACHE", str(tmp_path / "cache"))
    cached(tmp_path).mkdir(parents=True)
    for package in artifacts.PACKAGES:
        for name in artifacts.member_names(real, package):
            (cached(tmp_path) / name).write_bytes(content(name))
    registry, programs = tmp_path / "registry", tmp_path / "programs"
    registry.mkdir()
    for form in artifacts.MAVEN:
        name = artifacts.file_name(real, form)
        (registry / name).write_bytes(content(name))
    programs.mkdir()
    (programs / "mvn").write_text(CLIENT.format(python=sys.executable, registry=str(registry)))
    (programs / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return project.find(source)


def content(name):
    return f"the content of {name}".encode()


def cached(tmp_path):
    return tmp_path / "cache" / "android" / "files"


def android(found):
    return artifacts.file_name(found, artifacts.ANDROID)


def test_what_is_missing_is_downloaded_once_and_nothing_else_is_left(found, tmp_path, monkeypatch):
    said = []
    parts = fetching.for_building(found, said.append)
    assert parts.library(artifacts.ANDROID).read_bytes() == content(android(found))
    assert [re.sub(r" \d+ ", " N ", line).partition(" into ")[0] for line in said] == [
        "downloading N tools and libraries"
    ]
    assert {path.name for path in cached(tmp_path).parent.iterdir()} == {"files", "lock"}
    monkeypatch.setenv("SAYS", "not to be asked again")
    assert fetching.for_building(found) == parts


def test_a_file_that_was_changed_in_the_cache_is_downloaded_anew(found, tmp_path):
    fetching.for_building(found)
    (cached(tmp_path) / android(found)).write_bytes(b"changed")
    fetching.for_building(found)
    assert (cached(tmp_path) / android(found)).read_bytes() == content(android(found))


def test_a_file_of_another_hash_is_refused_and_not_kept(found, tmp_path):
    (tmp_path / "registry" / android(found)).write_bytes(b"something else")
    with pytest.raises(AndroidError, match=r"Maven Central sent android-all.* is not the file it should be"):
        fetching.for_building(found)
    assert not (cached(tmp_path) / android(found)).exists()
    assert not list((tmp_path / "cache" / "android").glob("part-*"))


def test_what_came_before_a_download_broke_off_is_kept_for_the_next(found, tmp_path):
    (tmp_path / "registry" / android(found)).rename(tmp_path / "later")
    with pytest.raises(AndroidError, match=r"Maven Central did not send android-all"):
        fetching.for_building(found)
    (tmp_path / "later").rename(tmp_path / "registry" / android(found))
    assert fetching.for_building(found).library(artifacts.GSON).is_file()


def test_a_registry_that_is_not_reached_is_said_in_the_client_s_words(found, monkeypatch):
    monkeypatch.setenv("SAYS", "[ERROR] Failed to execute: Unknown host -> [Help 1]\n[ERROR] more")
    with pytest.raises(AndroidError, match=r"mvn cannot download .*: Failed to execute: Unknown host; look whether"):
        fetching.for_building(found)


def test_npm_s_reason_is_the_line_in_words(tmp_path, monkeypatch):
    said = "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error network request failed"
    (tmp_path / "npm").write_text(f"#!{sys.executable}\nimport sys\nsys.exit({said!r})\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AndroidError, match=r"npm cannot download .*: network request failed; look whether"):
        clients.npm("name", "1", tmp_path / "out")


def test_a_host_that_the_tools_are_not_for_is_named_before_anything_is_downloaded(found, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(fetching.platform, "system", lambda: "Darwin")
    with pytest.raises(AndroidError, match="run on Linux x86_64 only, and this is Darwin arm64"):
        fetching.for_building(found)
    assert not list(cached(tmp_path).glob("gson*"))


def test_a_missing_client_is_named_with_its_package(found, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AndroidError, match=r"Maven is not here.*: apt-get install maven"):
        fetching.for_building(found)
    with pytest.raises(AndroidError, match=r"npm is not here.*: apt-get install npm"):
        clients.npm("name", "1", tmp_path / "npm")


def test_a_version_without_a_hash_says_how_to_write_it(found):
    catalogue = found.root / project.CATALOGUE
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(re.sub(r'(?m)^gson = ".*"$', 'gson = "1.0"', text), encoding="utf-8")
    with pytest.raises(AndroidError, match=r"no hash of gson-1\.0\.jar.*python -m android_demo\.tools\.pinning"):
        fetching.for_building(project.find(found.root))


def test_a_cache_that_cannot_be_written_is_named_with_the_variable_that_moves_it(found, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SSC_DEPLOY_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(AndroidError, match=r"cannot be kept in .*; .* environment variable SSC_DEPLOY_CACHE"):
        fetching.for_building(found)


def test_without_a_jdk_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AndroidError, match=r"there is no JDK here; install JDK 17 .*openjdk-17-jdk-headless"):
        jdk.find()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(AndroidError, match="there is no JDK in JAVA_HOME"):
        jdk.find()


def test_a_jdk_that_is_too_old_is_refused(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "javac").write_text("#!/bin/sh\necho javac 11.0.2\n")
    (tmp_path / "bin" / "javac").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(AndroidError, match=r"is javac 11\.0\.2, and too old; install JDK 17"):
        jdk.find()


def test_a_program_that_cannot_be_started_is_named_with_what_helps_with_it(tmp_path):
    broken = tmp_path / "tool"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(AndroidError) as raised:
        jdk.run([str(broken)], "no resources", remedy="buy another")
    assert str(raised.value) == f"no resources: {broken} cannot be run (Exec format error); buy another"
    with pytest.raises(AndroidError, match=r"java cannot be run \(No such file or directory\); install JDK 17"):
        jdk.run([str(tmp_path / "java")], "it does not run")


def test_aapt2_that_cannot_be_started_is_not_taken_for_a_missing_jdk(found):
    parts = fetching.for_building(found)
    parts.member(artifacts.AAPT2).chmod(0o644)  # as on a file system without programs
    with pytest.raises(AndroidError) as raised:
        resources.aapt2(parts, ["version"], "no resources")
    assert "aapt2 cannot be run (Permission denied); see whether programs may be run from" in str(raised.value)
    assert "JDK" not in str(raised.value)


def test_a_pip_that_does_not_answer_is_said_in_a_sentence(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport time\ntime.sleep({PATIENCE})\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(clients, "_ANSWER", 0.5)
    with pytest.raises(AndroidError, match=r"python -m pip has not said its version within 0\.5 s; try again"):
        clients.pypi("name", "1", tmp_path / "out")
