"""The aarch64 system is made whole, once, or not at all; what it lacks is named with the way to get it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest
from programs import ARM_SYSTEM
from waiting import PATIENCE, wait_for

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.targets import qemu_root

MAKE = "from ssc_deploy.profiling.targets import qemu_root; print(qemu_root.arm_root(print).path)"
#: Stops for ever with the first packages downloaded.
STOP_HALF_WAY = f"""
import time
from ssc_deploy.profiling.targets import qemu_root
def download(folder, *_):
    folder.mkdir()
    (folder / "python3.deb").write_bytes(b"half")
    time.sleep({PATIENCE})
qemu_root.download = download
{MAKE}
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("SSC_DEPLOY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def only(tools, folder, monkeypatch):
    """Leaves nothing on the path but these programs."""
    folder.mkdir()
    for tool in tools:
        (folder / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(folder))


def left_in(cache):
    """What a failure left there, apart from the lock."""
    return [path.name for path in cache.glob("*") if path.suffix != ".lock"]


def test_without_the_emulator_the_command_that_installs_it_is_named(cache, tmp_path, monkeypatch):
    only([], tmp_path / "bin", monkeypatch)
    with pytest.raises(TargetError, match="install it with: apt-get install qemu-user-static"):
        qemu_root.arm_root()
    description = targets.parse("qemu:aarch64").describe()
    assert not description.ready
    assert "apt-get install qemu-user-static" in description.detail
    assert not cache.exists()


@pytest.mark.needs("qemu-aarch64-static")
def test_where_there_is_no_apt_it_says_on_what_system_to_run(cache, tmp_path, monkeypatch):
    only(["qemu-aarch64-static"], tmp_path / "bin", monkeypatch)
    with pytest.raises(TargetError, match=r"apt-get and dpkg-deb are not here: .*; run this on Debian or Ubuntu"):
        qemu_root.arm_root()
    assert left_in(cache) == []


@pytest.mark.needs(*ARM_SYSTEM)
def test_a_package_source_without_arm_is_named_by_what_apt_says(cache, tmp_path, monkeypatch):
    (tmp_path / "apt.conf").write_text('Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(TargetError, match=r"cannot be downloaded with apt-get: .*python3.*; look whether apt-get"):
        qemu_root.arm_root()
    assert left_in(cache) == []


@pytest.mark.needs("qemu-aarch64-static")
def test_a_cache_that_cannot_be_written_is_named_with_the_variable_that_moves_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SSC_DEPLOY_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(TargetError, match=r"Not a directory.*; name another folder in .* SSC_DEPLOY_CACHE"):
        qemu_root.arm_root()


def test_its_python_does_not_see_what_is_meant_for_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("LD_PRELOAD", "/elsewhere/lib.so")
    environment = qemu_root.ArmRoot(tmp_path, tmp_path / "qemu").environment()
    assert environment["PYTHONPATH"] == str(tmp_path / "site")
    assert "LD_PRELOAD" not in environment


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_wheels_that_cannot_be_had_leave_nothing(cache, monkeypatch):
    monkeypatch.setattr(qemu_root, "WHEELS", ("onnxruntime==0.0.1",))
    with pytest.raises(TargetError, match=r"the wheels for aarch64 cannot be downloaded: .*onnxruntime==0\.0\.1"):
        qemu_root.arm_root()
    assert left_in(cache) == []


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_after_a_kill_two_at_once_make_it_once_and_whole(cache):
    environment = {**os.environ, "SSC_DEPLOY_CACHE": str(cache)}
    killed = subprocess.Popen([sys.executable, "-c", STOP_HALF_WAY], env=environment, start_new_session=True)
    wait_for(lambda: list(cache.glob("*.part-*/apt/*.deb")))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(left_in(cache)) == 1
    command = [sys.executable, "-c", MAKE]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[0].splitlines() for process in both]
    assert sorted(map(len, said)) == [1, 3]  # one of them said twice that it downloads
    (folder,) = {lines[-1] for lines in said}
    assert [folder] == [str(cache / name) for name in left_in(cache)]
