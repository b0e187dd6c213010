"""A job's folder as one stream of bytes, and what a device sends back as files."""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.runner.contract import RESULT_FILE
from ssc_deploy.profiling.targets.reading import MAX_RESULT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: What a device may send: nothing that would replace a file of the job.
_SENT = re.compile(rf"{re.escape(RESULT_FILE)}|outputs\d+\.npz")


def pack(folder: Path, names: Iterable[str]) -> bytes:
    """A tar archive of files of a folder, without anything that tells of this machine and its user."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            data = (folder / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def unpack(data: bytes, folder: Path, where: str) -> None:
    """Writes result.json and outputs files of a tar archive that a device has sent.

    Args:
        data: the archive.
        folder: of the job.
        where: the target, for messages.

    Raises:
        TargetError: it is no such archive, or holds something else.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.isreg() else None
                if source is None or not _SENT.fullmatch(member.name) or member.size > MAX_RESULT_BYTES:
                    raise TargetError(f"{where} sent {member.name!r}, which is not a file of a result; run it again")
                (folder / member.name).write_bytes(source.read())
    except tarfile.TarError as error:
        raise TargetError(f"{where} sent a result that is damaged ({error}); run it again") from error
