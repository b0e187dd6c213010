"""Files that are either whole and verified, or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    """Writes a file that exists only once it has been verified.

    The bytes go to a temporary file beside ``path`` (of the same suffix, so that runtimes know the format), are brought
    to the disk, verified there, and only then moved over ``path`` in one step. Whatever goes wrong, the temporary file
    is removed, and a file that stood at ``path`` before stays as it was.

    Args:
        path: the file to write; its folder is made where it is missing.
        data: the whole content.
        verify: is called with the temporary file; raises where the file must not be kept. What it raises is passed on.
        overwrite: whether a file that stands at ``path`` may be replaced.

    Raises:
        OutputError: ``path`` exists and ``overwrite`` is false; or it cannot be written.
    """
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"{path} exists already; give --overwrite to replace it, or choose another output folder")
    with _folder(path):
        temporary = _write_temporary(path, data)
        try:
            verify(temporary)
            with _as_output_error(path):
                temporary.chmod(0o666 & ~_umask())
                _move(temporary, path, overwrite)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)


def _write_temporary(path: Path, data: bytes) -> Path:
    """A new file beside ``path`` with that content, on the disk."""
    with _as_output_error(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
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
def _folder(path: Path) -> Iterator[None]:
    """Makes the folder of ``path``; where the body fails, the folders that were made are removed again."""
    folder = path.parent
    missing = [p for p in (folder, *folder.parents) if not os.path.lexists(p)]
    try:
        with _as_output_error(path):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # never made, or somebody else has put a file there
                made.rmdir()
        raise


def _move(temporary: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, refuses what somebody has put there while we verified
    except FileExistsError:
        raise OutputError(f"{path} was written by somebody else in the meantime; give --overwrite") from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        temporary.replace(path)  # a file system without hard links


def _sync(folder: Path) -> None:
    """Brings the new name to the disk, where folders can be synced; the file itself is there already."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    """What files of this process are denied; mkstemp makes files that nobody else may read."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"{path} cannot be written: {reason}") from error
