"""Arrays in .npy and .npz files that anybody may have written; nothing in them is unpickled."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pathlib import Path

#: What numpy, zipfile and zlib raise at bytes that are no such file; what is not implemented is a RuntimeError. Headers
#: of arrays are Python's literals, which are read by its own parser.
DAMAGES = (
    *(ValueError, KeyError, TypeError, AttributeError, EOFError, OverflowError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, SyntaxError, tokenize.TokenError),
)


def read(path: Path, most: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file by their names.

    Args:
        path: of the file.
        most: bytes; a file that says it holds more, the headers of its arrays among that, is not read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or says that it holds more than fits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > most:
                raise ValueError(f"it holds more than {most:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except OSError:
        raise
    except DAMAGES as error:
        raise ValueError(_reason(error)) from error
    if not all(isinstance(array, np.ndarray) for array in found.values()):
        raise ValueError("it holds what is not an array")  # numpy gives such members as bytes
    return found


def read_one(path: Path) -> npt.NDArray[Any]:
    """The array of an .npy file, which stays on disk until it is looked at.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or no such file.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except DAMAGES as error:
        raise ValueError(_reason(error)) from error
    if not isinstance(found, np.ndarray):
        raise ValueError("it is an .npz file")
    return found


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it is damaged"
