"""Folders that come to be whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ssc_deploy.errors import OutputError
from ssc_deploy.storage import folders


def ours(folder):
    return (folder / "mark").exists()


def fill(path, text="new", *, overwrite=False):
    with folders.whole(path, overwrite=overwrite, is_ours=ours) as folder:
        (folder / "mark").write_text(text)
        (folder / "below").mkdir()
    return path


def everything(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_folder_takes_its_place_when_it_is_full(tmp_path):
    fill(tmp_path / "a" / "b")
    assert everything(tmp_path) == {"a", "a/b", "a/b/mark", "a/b/below"}
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o777 & ~umask


def test_one_that_stands_there_is_replaced_as_a_whole(tmp_path):
    fill(tmp_path / "b", "old")
    (tmp_path / "b" / "more").write_text("more")
    fill(tmp_path / "b", overwrite=True)
    assert everything(tmp_path) == {"b", "b/mark", "b/below"}
    assert (tmp_path / "b" / "mark").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_nothing_is_left_and_nothing_is_lost(tmp_path, error):
    def broken_off(place):
        with folders.whole(place, overwrite=True, is_ours=ours) as folder:
            (folder / "mark").write_text("new")
            raise error

    fill(tmp_path / "b", "old")
    for place in (tmp_path / "b", tmp_path / "new" / "c"):
        with pytest.raises(error):
            broken_off(place)
    assert everything(tmp_path) == {"b", "b/mark", "b/below"}
    assert (tmp_path / "b" / "mark").read_text() == "old"


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    fill(tmp_path / "b", "old")
    rename = Path.rename

    def failing(path, target):
        if path.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="cannot be written: permission denied"):
        fill(tmp_path / "b", overwrite=True)
    assert everything(tmp_path) == {"b", "b/mark", "b/below"}
    assert (tmp_path / "b" / "mark").read_text() == "old"


def test_what_is_not_ours_is_never_replaced(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "file").write_text("dear")
    fill(tmp_path / "b")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    with pytest.raises(OutputError, match="give `overwrite=True` to replace it"):
        fill(tmp_path / "b")
    for name in ("letters", "file", "link"):
        with pytest.raises(OutputError, match="is not replaced; choose another name"):
            fill(tmp_path / name, overwrite=True)


def test_what_somebody_puts_there_meanwhile_is_not_replaced(tmp_path):
    def write_meanwhile():
        with folders.whole(tmp_path / "b", overwrite=False, is_ours=ours):
            fill(tmp_path / "b", "theirs")

    with pytest.raises(OutputError, match="exists already"):
        write_meanwhile()
    assert (tmp_path / "b" / "mark").read_text() == "theirs"


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a part of the path is a file"):
        fill(tmp_path / "file" / "b")
