"""Phones, boards, and where a job is made."""

from __future__ import annotations

import os

import pytest
import scripted_adb
import sshd
from waiting import PATIENCE

from ssc_deploy.profiling.targets import adb


@pytest.fixture
def phones(tmp_path, monkeypatch):
    """One phone with a good app; what a test changes has to be saved."""
    programs = scripted_adb.install(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SCRIPTED_ADB", str(tmp_path / "phones"))
    monkeypatch.setattr(adb, "_POLL", 0.2)
    monkeypatch.setattr(adb, "_START", PATIENCE)
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
    """A board that is not running yet, which the user's ssh can reach once it is; the test needs `sshd.PROGRAMS`."""
    board = sshd.Board(tmp_path / "board")
    monkeypatch.setenv("PATH", f"{board.client()}:{os.environ['PATH']}")
    return board
