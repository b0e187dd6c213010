"""Writes a folder atomically: it is complete and verified, or does not exist; for files see `storage.files`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import OutputError
from ssc_deploy.storage.files import as_output_error, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def whole(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A folder to fill, which takes its place when the context ends well.

    Until then it is beside its place. If anything fails before, it is removed, and what was in its place stays.

    Args:
        path: of the folder; those above it are made where they are missing.
        overwrite: whether an existing folder may be replaced.
        is_ours: whether a folder may be replaced, so that a wrong name does not delete other folders.

    Raises:
        OutputError: ``path`` exists and may not be replaced, or it cannot be written.
    """
    check_place(path, overwrite=overwrite, is_ours=is_ours)
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(folder_of(path))
        with as_output_error(path):
            beside = Path(tempfile.mkdtemp(prefix=f".{path.name[:64]}.", dir=path.parent))
        cleanup.callback(shutil.rmtree, beside, ignore_errors=True)
        filled = beside / "new"
        with as_output_error(path):
            filled.mkdir()
        yield filled
        check_place(path, overwrite=overwrite, is_ours=is_ours)
        with as_output_error(path):
            swap(filled, path, beside / "old")


def check_place(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool]) -> None:
    """Refuses a place that is taken; see `whole`.

    Raises:
        OutputError: it is.
    """
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise OutputError(f"{path} exists already; give `overwrite=True` to replace it, or choose another name")
    if path.is_symlink() or not path.is_dir() or not is_ours(path):
        raise OutputError(
            f"{path} is something else than what is to be written, and is not replaced; choose another name"
        )


def swap(filled: Path, path: Path, old: Path) -> None:
    """Puts the new folder into its place. If that fails, the old one is restored.

    Args:
        filled: the new folder.
        path: its place.
        old: where a folder that is in the place is moved.
    """
    replaced = path.exists()
    if replaced:
        path.rename(old)
    try:
        filled.rename(path)
    except OSError:
        if replaced:
            old.rename(path)
        raise


def swap_back(filled: Path, path: Path, old: Path) -> None:
    """Undoes `swap`."""
    path.rename(filled)
    if old.exists():
        old.rename(path)
