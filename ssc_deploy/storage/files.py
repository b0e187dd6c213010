"""Writes files atomically: a file is complete and verified, or does not exist."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or write to another disk",
    errno.EDQUOT: "the disk quota is used up; free some space, or write to another disk",
    errno.EFBIG: "the file would be larger than this process may write; raise the limit (ulimit -f)",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file; choose another folder",
    errno.EEXIST: "a part of the path is a file; choose another folder",
    errno.EISDIR: "it is a folder; choose another name",
    errno.ENAMETOOLONG: "the name is too long for the file system; choose a shorter one",
}


def write_verified(path: Path, data: bytes, verify: Callable[[Path], None], overwrite: bool) -> None:
    """Writes one file that exists only once it has been verified; see `together`.

    Args:
        path: the file to write; its folder is made if it is missing.
        data: the whole content.
        verify: is called with the temporary file. It raises if the file must not be kept, and that exception is passed
            on.
        overwrite: whether a file that stands at ``path`` may be replaced.

    Raises:
        OutputError: ``path`` exists and ``overwrite`` is false; or it cannot be written.
    """
    with together(overwrite=overwrite) as files:
        verify(files.add(path, data))


@contextlib.contextmanager
def together(*, overwrite: bool) -> Iterator[Files]:
    """Several files that are written all, or none.

    Each file is written to a temporary file beside its place (with the same suffix, so that runtimes know the format)
    and synced to the disk, where it can be verified. When the context ends without an exception, all are moved to their
    places, one step for each. If anything fails, also during the moves, the temporary files and new folders are
    removed, and the places hold what they held before. Only if the process is killed between two moves, some files are
    new and others old.

    Args:
        overwrite: whether existing files may be replaced.

    Raises:
        OutputError: a file cannot be moved to its place.
    """
    with contextlib.ExitStack() as cleanup:
        files = Files(cleanup, overwrite=overwrite)
        yield files
        files.move()


class Files:
    """The result of `together`: it takes files, and moves them to their places at the end."""

    def __init__(self, cleanup: contextlib.ExitStack, *, overwrite: bool) -> None:
        self._cleanup, self._overwrite = cleanup, overwrite
        self._temporaries: dict[Path, Path] = {}
        self._folders: dict[Path, Path] = {}

    def add(self, path: Path, data: bytes) -> Path:
        """Writes the temporary file that is to become ``path``, and returns where it is.

        Raises:
            OutputError: ``path`` exists and may not be replaced; or it cannot be written.
        """
        if not self._overwrite and os.path.lexists(path):
            raise OutputError(
                f"{path} exists already; give `overwrite=True` to replace it, or choose another output folder"
            )
        self._cleanup.enter_context(folder_of(path))
        temporary = _write_temporary(path, data)
        self._cleanup.callback(temporary.unlink, missing_ok=True)
        self._temporaries[path] = temporary
        return temporary

    def add_folder(self, path: Path, contents: Mapping[str, bytes]) -> Path:
        """Writes the temporary folder that is to become ``path``, and returns where it is, under the same name.

        Args:
            path: of the folder. One that is there is replaced only if it has no other files than ``contents``.
            contents: its files, by name.

        Raises:
            OutputError: ``path`` exists and may not be replaced; or it cannot be written.
        """
        from ssc_deploy.storage import folders

        folders.check_place(path, overwrite=self._overwrite, is_ours=lambda found: _holds_only(found, contents))
        self._cleanup.enter_context(folder_of(path))
        with as_output_error(path):
            beside = Path(tempfile.mkdtemp(prefix=f".{path.name[:64]}.", dir=path.parent))
        self._cleanup.callback(shutil.rmtree, beside, ignore_errors=True)
        filled = beside / path.name
        with as_output_error(path):
            filled.mkdir()
            for name, data in contents.items():
                (filled / name).write_bytes(data)
        self._folders[path] = filled
        return filled

    def discard(self, path: Path) -> None:
        """Leaves a file out that was added, or was not."""
        self._folders.pop(path, None)
        temporary = self._temporaries.pop(path, None)
        if temporary is not None:
            temporary.unlink(missing_ok=True)

    def move(self) -> None:
        """Moves all files to their places, or none: if one cannot be moved, the earlier ones are moved back."""
        from ssc_deploy.storage import folders

        last = next(reversed(self._temporaries), None)
        with contextlib.ExitStack() as until, contextlib.ExitStack() as undo:
            for path, filled in self._folders.items():
                with as_output_error(path):
                    old = filled.parent / "old"
                    folders.swap(filled, path, old)
                    undo.callback(folders.swap_back, filled, path, old)
            for path, temporary in self._temporaries.items():
                with as_output_error(path):
                    temporary.chmod(0o666 & ~_umask())
                    # A move is one step, so nothing must be undone after the last one.
                    kept = None if path == last else _kept(path, until)
                    _move(temporary, path, self._overwrite)
                    undo.callback(_put_back, path, kept)
                _sync(path.parent)
            undo.pop_all()


def _holds_only(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder has files of these names alone, so that replacing it loses nothing else."""
    return all(one.name in contents and one.is_file() for one in folder.iterdir())


def _kept(path: Path, until: contextlib.ExitStack) -> Path | None:
    """A second name for the existing file at ``path`` until the end of the context; None if there is no file."""
    if not os.path.lexists(path):
        return None
    folder = until.enter_context(tempfile.TemporaryDirectory(prefix=f".{path.stem[:64]}.", dir=path.parent))
    kept = Path(folder) / path.name
    try:
        os.link(path, kept, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(path, kept, follow_symlinks=False)
    return kept


def _put_back(path: Path, kept: Path | None) -> None:
    """Restores what ``path`` held before."""
    with as_output_error(path):
        if kept is None:
            path.unlink(missing_ok=True)
        else:
            kept.replace(path)


def _write_temporary(path: Path, data: bytes) -> Path:
    """A new file beside ``path`` with that content, on the disk."""
    with as_output_error(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OutputError(f"{path} is not an ordinary file, and is not replaced; choose another name")
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:64]}.", suffix=path.suffix, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


@contextlib.contextmanager
def folder_of(path: Path) -> Iterator[None]:
    """Makes the folder of ``path``. If the body fails, the new folders are removed."""
    folder = path.parent
    missing = [p for p in (folder, *folder.parents) if not os.path.lexists(p)]
    try:
        with as_output_error(path):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # it was never made, or another program has put a file there
                made.rmdir()
        raise


def _move(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, this refuses a file that appeared during the verification
    except FileExistsError:
        raise OutputError(f"{path} was written by somebody else in the meantime; give `overwrite=True`") from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        temporary.replace(path)  # a file system without hard links


def _sync(folder: Path) -> None:
    """Syncs the folder to the disk, if the system can do it. The file itself is synced already."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    """The umask of this process, since mkstemp makes files that only the owner may read."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def as_output_error(path: Path) -> Iterator[None]:
    """Turns what the system says about a file into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"{path} cannot be written: {reason}") from error
