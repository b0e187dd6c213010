"""Reads the pickles that CIFAR and ImageNet-32 are published as, and builds only arrays and plain containers.

No class or function that a file names is ever looked up. Stand-ins for the few names of NumPy keep the description of
an array. It is checked before an array is made: its type is a plain number, and no bytes are missing.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

#: Larger files are refused; the largest published one (a tenth of ImageNet 64x64) has 1.6 GB.
MAX_BYTES = 2 << 30

#: What the unpickler and the stand-ins raise on damaged files.
_DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)


class _Refused(pickle.UnpicklingError):
    """The file names something that is not a part of an array."""


class _Type:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: object, *_: object) -> None:
        self.code = _text(code)
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = _text(state[1]).replace("|", "=")

    def dtype(self) -> np.dtype[Any]:
        if not re.fullmatch("[biuf][1248]", self.code) or self.order not in ("=", "<", ">"):
            raise _Refused(f"an array of type {self.order}{self.code}")
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for `numpy.ndarray` while one is built."""

    def __init__(self, *_: object) -> None:
        self.value: npt.NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, columns_first, content = state
        self.value = _built(content, kind, shape, "F" if columns_first else "C")


def _frombuffer(content: object, kind: object, shape: object, order: object) -> _Array:
    """Stands for the function that NumPy pickles arrays by since protocol 5."""
    array = _Array()
    array.value = _built(content, kind, shape, _text(order))
    return array


def _scalar(kind: object, content: object) -> float:
    """Stands for a single number of NumPy."""
    return float(_built(content, kind, (), "C"))


def _encode(text: object, coding: object) -> bytes:
    """Stands for `codecs.encode`, by which Python 3 writes bytes for Python 2."""
    return _text(text).encode("latin1" if _text(coding) == "latin1" else "ascii")


@dataclass(frozen=True)
class _Marker:
    """Stands for the class `numpy.ndarray` where it is an argument."""


_NUMPY = ("numpy.core", "numpy._core")
_STAND_INS: dict[str, Any] = {
    "numpy.dtype": _Type,
    "numpy.ndarray": _Marker,
    "_codecs.encode": _encode,
    **{f"{package}.multiarray._reconstruct": _Array for package in _NUMPY},
    **{f"{package}.multiarray.scalar": _scalar for package in _NUMPY},
    **{f"{package}.numeric._frombuffer": _frombuffer for package in _NUMPY},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in _STAND_INS:
            raise _Refused(f"{module}.{name}")
        return _STAND_INS[f"{module}.{name}"]


def read(path: Path) -> dict[str, Any]:
    """The dict that the file holds: names as text, arrays as NumPy's, byte strings as bytes.

    Raises:
        DataError: missing, too large, truncated, or a pickle of something else than a dict of arrays and lists.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} has more than {MAX_BYTES >> 30} GiB: it is none of the published files.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        _check_memo(content)
        loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as error:
        raise DataError(
            f"{path} is refused: it is a pickle that asks for {error}, and only arrays are read from pickles; "
            "fetch the published file."
        ) from error
    except _DAMAGED as error:
        reason = str(error).strip().split("\n", 1)[0][:120] or type(error).__name__
        raise DataError(f"{path} is truncated or damaged ({reason}): fetch it again.") from error
    if not isinstance(loaded, dict):
        raise DataError(f"{path} holds a {type(loaded).__name__}, not the dict of a published file: fetch it again.")
    return {
        _text(name): value.value if isinstance(value, _Array) else value
        for name, value in loaded.items()
        if isinstance(name, str | bytes)
    }


def _check_memo(content: bytes) -> None:
    """Refuses indices that would make the unpickler's table of remembered objects larger than the file."""
    for opcode, argument, position in pickletools.genops(content):
        if "PUT" in opcode.name and int(argument or 0) > (position or 0):
            raise pickle.UnpicklingError("an index that no writer gives")


def _built(content: object, kind: object, shape: object, order: str) -> npt.NDArray[Any]:
    if not isinstance(content, bytes | bytearray) or not isinstance(kind, _Type) or not isinstance(shape, tuple):
        raise _Refused("an array of objects")
    return np.frombuffer(content, kind.dtype()).reshape(shape, order="F" if order == "F" else "C")


def _text(value: object) -> str:
    if not isinstance(value, str | bytes):
        raise _Refused(f"a {type(value).__name__} where a name belongs")
    return value.decode("latin1") if isinstance(value, bytes) else value
