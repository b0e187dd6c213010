"""JSON to frozen dataclasses and back: what comes from a device is checked field by field before it is believed."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

T = TypeVar("T")

#: Nothing that is counted or timed needs more than 64 bits; JSON takes any number of digits.
_LARGEST = 2**63


@dataclass(frozen=True)
class AtLeast:
    """Of an annotated number: no smaller one is read."""

    least: float

    def objection(self, value: Any) -> str | None:
        """What is wrong with a value, as the rest of a sentence; None where nothing is."""
        return f"is {value}, less than {self.least}" if value < self.least else None


@dataclass(frozen=True)
class Matching:
    """Of an annotated text: no other one is read.

    Attributes:
        pattern: of the whole text.
        what: it is, for messages.
    """

    pattern: str
    what: str

    def objection(self, value: Any) -> str | None:
        """See `AtLeast.objection`."""
        return None if re.fullmatch(self.pattern, value) else f"is {value!r:.60}, no {self.what}"


@dataclass(frozen=True)
class NotEmpty:
    """Of an annotated text or tuple."""

    def objection(self, value: Any) -> str | None:
        """See `AtLeast.objection`."""
        return None if value else "is empty"


#: Metadata of a field that is not written where it has its default, so that readers of before need not know it.
SPARSE: dict[str, bool] = {"sparse": True}

Sha256 = Annotated[str, Matching("[0-9a-f]{64}", "SHA-256")]
Count = Annotated[int, AtLeast(0)]
Positive = Annotated[int, AtLeast(1)]
NotNegative = Annotated[float, AtLeast(0)]


def encode(record: Any) -> Any:
    """A dataclass as JSON has it: field by field, tuples as lists."""
    if dataclasses.is_dataclass(record):
        fields = ((field, getattr(record, field.name)) for field in dataclasses.fields(record))
        return {f.name: encode(value) for f, value in fields if not ("sparse" in f.metadata and value == f.default)}
    if isinstance(record, dict):
        return {key: encode(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [encode(value) for value in record]
    return record


def decode(kind: type[T], value: Any) -> T:
    """Reads what `encode` made, or what another program made in its place.

    Args:
        kind: a frozen dataclass whose fields are numbers, texts, such dataclasses, tuples of one kind, dictionaries
            from texts, or optional ones of these, each of which may be annotated with what it must be. A field that
            has a default may be missing; one that the class does not have is ignored, so that a newer program may say
            more.
        value: parsed JSON.

    Raises:
        ValueError: a field is missing or of another type; the message names it.
    """
    decoded: T = _decode(kind, value, "")
    return decoded


def decode_version(kind: type[T], value: Any, version: int) -> T:
    """Reads a record that says of which schema version it is.

    Raises:
        ValueError: it is of another, or as in `decode`.
    """
    if not isinstance(value, dict) or value.get("schema_version") != version:
        raise ValueError(f"it is not of schema version {version}")
    return decode(kind, value)


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is Annotated:
        return _decode_annotated(kind, value, where)
    if origin in {typing.Union, types.UnionType}:
        inner = [option for option in typing.get_args(kind) if option is not type(None)]
        return None if value is None else _decode(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} is no list")
        item = typing.get_args(kind)[0]
        if item is int and all(type(number) is int and abs(number) < _LARGEST for number in value):
            return tuple(value)  # millions of samples
        return tuple(_decode(item, inner, f"{where}[{index}]") for index, inner in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ValueError(f"{where} is no object")
        return {key: _decode(typing.get_args(kind)[1], inner, f"{where}.{key}") for key, inner in value.items()}
    return _decode_record(kind, value, where) if dataclasses.is_dataclass(kind) else _decode_plain(kind, value, where)


def _decode_annotated(kind: Any, value: Any, where: str) -> Any:
    plain, *limits = typing.get_args(kind)
    decoded = _decode(plain, value, where)
    for limit in limits:
        objection = limit.objection(decoded)
        if objection is not None:
            raise ValueError(f"{where} {objection}")
    return decoded


def _decode_plain(kind: Any, value: Any, where: str) -> Any:
    """A number, a text or a truth value."""
    if type(value) is int and abs(value) >= _LARGEST:
        raise ValueError(f"{where} is a number of more than 64 bits")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} is {value!r:.60}, not a {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where} is not finite")
    if kind is str and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where} holds half a character")
    return value


def _decode_record(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where or 'it'} is no object")
    hints, given = _hints(kind), {}
    for field in dataclasses.fields(kind):
        path = f"{where}.{field.name}" if where else field.name
        if field.name in value:
            given[field.name] = _decode(hints[field.name], value[field.name], path)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{path} is missing")
    return kind(**given)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)
