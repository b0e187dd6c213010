"""Phones, boards, and where a job is made."""

from __future__ import annotations

import os
import shutil

import pytest
import scripted_adb
import sshd

from ssc_deploy.profiling.targets import adb

#: Programs that are run here, and the Debian packages that hold them; `.ci/run` installs what is missing.
PACKAGES = {"ssh": "openssh-client", "sshd": "openssh-server", "adb": "adb", "qemu-aarch64-static": "qemu-user-static"}


@pytest.fixture(autouse=True, scope="session")
def programs():
    """Says at once what to install, in place of one puzzling failure after another."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None]
    if missing:
        pytest.fail(f"these tests need: apt-get install {' '.join(missing)}", pytrace=False)


@pytest.fixture
def phones(tmp_path, monkeypatch):
    """One phone with a good app; what a test changes has to be saved."""
    programs = scripted_adb.install(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SCRIPTED_ADB", str(tmp_path / "phones"))
    monkeypatch.setattr(adb, "_POLL", 0.1)
    (tmp_path / "phones").mkdir()
    phones = scripted_adb.Phones(tmp_path / "phones")
    phones.save()
    yield phones
    for app in phones.folder.glob("*/pid"):  # of a phone that nobody reaches any more, too
        scripted_adb.stop(app.parent)


@pytest.fixture
def folder(tmp_path):
    """Where a job is made; its name is one that a careless shell would run."""
    folder = tmp_path / "a job's $(folder)"
    folder.mkdir()
    return folder


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A board that is not running yet, which the user's ssh can reach once it is."""
    board = sshd.Board(tmp_path / "board")
    monkeypatch.setenv("PATH", f"{board.client()}:{os.environ['PATH']}")
    return board
