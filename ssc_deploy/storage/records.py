"""JSON to frozen dataclasses and back: what comes from outside is checked field by field before it is believed.

This is the one decoder of what the program itself writes: the metadata of exported files, headers of checkpoints,
golden sets, bundles, jobs, results. What people write by hand (cards, recipes) is read by `toml_table`, for which an
unknown key is an error.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from ssc_deploy.errors import SscDeployError

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


def decode(kind: type[T], value: Any, unknown: list[str] | None = None) -> T:
    """Reads what `encode` made, or what another program made in its place.

    Args:
        kind: a frozen dataclass whose fields are numbers, texts, such dataclasses, tuples, dictionaries from texts, or
            optional ones of these, each of which may be annotated with what it must be. A field that has a default may
            be missing. One that the class does not have is ignored, so that a newer program may say more.
        value: parsed JSON.
        unknown: gets the names of the fields that are ignored.

    Raises:
        ValueError: a field is missing or of another type, or the class refuses them together; the message names it.
    """
    decoded: T = _Decoder([] if unknown is None else unknown).decode(kind, value, "")
    return decoded


def decode_version(kind: type[T], value: Any, version: int, unknown: list[str] | None = None) -> T:
    """Reads a record that says of which schema version it is.

    Raises:
        ValueError: it is of another, or as in `decode`.
    """
    if not isinstance(value, dict) or type(value.get("schema_version")) is not int:
        raise ValueError(f"it is not of schema version {version}")
    said = value["schema_version"]
    if said != version:
        newer = "; use a newer ssc-deploy" if said > version else ""
        raise ValueError(f"it is of schema version {said}, and this program reads schema version {version}{newer}")
    hidden = [] if unknown is None else unknown
    decoded = decode(kind, value, hidden)
    if "schema_version" in hidden:
        hidden.remove("schema_version")
    return decoded


@dataclass(frozen=True)
class _Decoder:
    """One pass over a value; ``unknown`` gets the names of the fields that no class has."""

    unknown: list[str]

    def decode(self, kind: Any, value: Any, where: str) -> Any:
        if kind is Any:
            return value
        origin = typing.get_origin(kind)
        if origin is Annotated:
            return self._annotated(kind, value, where)
        if origin in {typing.Union, types.UnionType}:
            inner = [option for option in typing.get_args(kind) if option is not type(None)]
            return None if value is None else self.decode(inner[0], value, where)
        if origin is tuple:
            return self._tuple(typing.get_args(kind), value, where)
        if origin is dict:
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                raise ValueError(f"{where} is no object")
            item = typing.get_args(kind)[1]
            return {key: self.decode(item, inner, f"{where}.{key}") for key, inner in value.items()}
        return self._record(kind, value, where) if dataclasses.is_dataclass(kind) else _plain(kind, value, where)

    def _annotated(self, kind: Any, value: Any, where: str) -> Any:
        plain, *limits = typing.get_args(kind)
        decoded = self.decode(plain, value, where)
        for limit in limits:
            objection = limit.objection(decoded)
            if objection is not None:
                raise ValueError(f"{where} {objection}")
        return decoded

    def _tuple(self, items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        """Of any length (``tuple[int, ...]``) or of one (``tuple[int, int]``)."""
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} is no list")
        if items[-1] is not Ellipsis and len(value) != len(items):
            raise ValueError(f"{where} has {len(value)} values, not {len(items)}")
        if items[0] is int and all(type(number) is int and abs(number) < _LARGEST for number in value):
            return tuple(value)  # millions of samples
        return tuple(self.decode(items[0], inner, f"{where}[{index}]") for index, inner in enumerate(value))

    def _record(self, kind: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{where or 'it'} is no object")
        hints, given = _hints(kind), {}
        fields = dataclasses.fields(kind)
        for field in fields:
            path = _path(where, field.name)
            if field.name in value:
                given[field.name] = self.decode(hints[field.name], value[field.name], path)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise ValueError(f"{path} is missing")
        known = {field.name for field in fields}
        self.unknown.extend(_path(where, f"{name!s:.60}") for name in value if name not in known)
        try:
            return kind(**given)
        except (ValueError, SscDeployError) as error:  # what the values are together is for the class to say
            raise ValueError(f"{where}: {error}" if where else str(error)) from error


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _plain(kind: Any, value: Any, where: str) -> Any:
    """A number, a text or a truth value."""
    if type(value) is int and abs(value) >= _LARGEST:
        raise ValueError(f"{where} is a number of more than 64 bits")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} is {_shown(value)}, not a {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where} is not finite")
    if kind is str and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where} holds half a character")
    return value


def _shown(value: Any) -> str:
    """A value in a message; lists and objects may be long, and nested more deeply than Python prints."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    return "null" if value is None else f"{value!r:.60}"


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)
