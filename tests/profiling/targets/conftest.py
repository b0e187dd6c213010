"""Phones, boards, and where a job is made."""

from __future__ import annotations

import os

import pytest
import scripted_adb
import sshd

from ssc_deploy.profiling.targets import adb


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
    return phones


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
