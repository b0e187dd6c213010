"""What kind of file it is, and whether it may be opened. This is checked before its contents are parsed."""

from __future__ import annotations

import enum
import zipfile
from typing import TYPE_CHECKING

from ssc_deploy.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 512

#: First bytes of files that people give by mistake, and what to say about them.
_OTHER_FILES = (
    (b"version https://git-lfs", "a git-lfs pointer, not the file itself: run `git lfs pull`"),
    (b"<", "a web page or XML, not a checkpoint: download the file itself"),
    (b"{", "a JSON file, not a checkpoint"),
    (b"\x89PNG", "a PNG image, not a checkpoint"),
    (b"\xff\xd8\xff", "a JPEG image, not a checkpoint"),
    (b"GIF8", "a GIF image, not a checkpoint"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"\x89HDF", "an HDF5 file (Keras?), not a PyTorch checkpoint"),
)


class Kind(enum.Enum):
    """How a checkpoint file is built."""

    ZIP = enum.auto()  #: torch.save since 1.6
    LEGACY = enum.auto()  #: torch.save before: a stream of pickles, then raw storages
    SAFETENSORS = enum.auto()


def kind(path: Path) -> Kind:
    """Finds out how the file is built.

    Raises:
        CheckpointError: no such file, unreadable, empty, or something else than a checkpoint; a zip that is broken,
            or hostile (compressed or overlapping entries, which `torch.save` never writes).
    """
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such file.")
    if not path.is_file():
        raise CheckpointError(f"{path} is a folder or a device, not a checkpoint file.")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if not head:
        raise CheckpointError(f"{path} is empty: the download or the saving was interrupted; fetch it again.")
    # A safetensors file begins with the length of a JSON header, 8 bytes, and then the header's brace.
    if path.suffix.lower() == ".safetensors" or (
        head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size
    ):
        return Kind.SAFETENSORS
    if head[4:8] == b"TFL3":
        raise CheckpointError(f"{path} is a TFLite model, not a checkpoint.")
    for opening, what in _OTHER_FILES:
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(opening):
            raise CheckpointError(f"{path} is {what}.")
    if head.startswith(b"PK"):
        _check_zip(path)
        return Kind.ZIP
    if head.startswith(b"\x80"):
        return Kind.LEGACY
    raise CheckpointError(f"{path} is not a PyTorch or safetensors checkpoint: it begins with {head[:8]!r}.")


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path} is truncated or damaged ({error}): the download or the saving was interrupted; fetch it again."
        ) from error
    names = [entry.filename.partition("/")[2] for entry in entries]
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise CheckpointError(
            f"{path} is a TorchScript archive, which holds code: save the weights with "
            "torch.save(module.state_dict(), path) instead."
        )
    if "archive_format" in names or "models/model.json" in names or "serialized_exported_program.json" in names:
        raise CheckpointError(
            f"{path} is a program that torch.export saved, not weights: save torch.save(module.state_dict(), path), or "
            "write it with torch.onnx.export(torch.export.load(path), dynamo=True).save('net.onnx') and give that file."
        )
    if "data.pkl" not in names:
        raise CheckpointError(f"{path} is a zip file, but not one that torch.save wrote (no data.pkl in it).")
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
        what = f"its entry {packed[0]!r} is compressed" if packed else "its entries overlap"
        raise CheckpointError(
            f"{path} is refused: {what}, which torch.save never does and which can unpack to any size."
        )
