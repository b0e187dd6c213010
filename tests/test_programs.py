"""A test whose program is missing is skipped with the name of its package; where that is not wanted, it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import programs
import pytest

ONE = "tests/profiling/targets/test_qemu_root.py::test_where_there_is_no_apt_it_says_on_what_system_to_run"


def test_what_is_missing_is_named_once_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.lacking(["adb", "adb"]) == "adb not installed; install with: apt-get install adb"
    assert programs.lacking(["gcc", "uv"]) == (
        "gcc, uv not installed; install with: apt-get install gcc libc6-dev; pip install uv"
    )


def test_of_what_is_here_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "adb").touch(mode=0o755)
    assert programs.lacking(["adb"]) == ""


def test_a_jdk_is_looked_for_where_the_app_s_build_looks(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "javac").touch(mode=0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert programs.lacking(["javac"]) == ""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert programs.lacking(["javac"]).endswith("apt-get install openjdk-17-jdk-headless")


def test_a_program_that_nobody_knows_is_a_mistake():
    with pytest.raises(KeyError):
        programs.lacking(["no-such-program"])


@pytest.mark.slow
@pytest.mark.parametrize(("required", "code", "said"), [("", 0, "1 skipped"), ("1", 1, "1 error")])
def test_a_missing_program_skips_a_test_or_where_it_is_required_fails_it(tmp_path, required, code, said):
    environment = {**os.environ, "PATH": str(tmp_path), programs.REQUIRE: required}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", ONE]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert said in done.stdout
    assert "qemu-aarch64-static not installed; install with: apt-get install qemu-user-static" in done.stdout
