"""JSON to frozen dataclasses and back. Data from outside is checked field by field.

This is the decoder of everything that the program itself writes: the metadata of exported files, headers of
checkpoints, golden sets, bundles, jobs, results. `toml_table` reads what people write (cards, recipes). There an
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
from typing import Annotated, Any, Protocol, TypeVar

from ssc_deploy.errors import SscDeployError

T = TypeVar("T")

#: Counts and times need at most 64 bits. JSON allows any number of digits.
LARGEST = 2**63


class Limit(Protocol):
    """What the annotation of a field says beside its type. Reading checks it, and the JSON Schemas say it."""

    def objection(self, value: Any) -> str | None:
        """What is wrong with a value, as the rest of a sentence; None if nothing is."""

    def keywords(self, kind: str) -> dict[str, Any]:
        """The same as keywords of JSON Schema.

        Args:
            kind: the JSON type of the value: ``"string"``, ``"array"``, ``"object"``, ``"number"`` ...
        """


@dataclass(frozen=True)
class AtLeast:
    """Of an annotated number: no smaller one is read."""

    least: float

    def objection(self, value: Any) -> str | None:
        """See `Limit`."""
        return f"is {value}, less than {self.least}" if value < self.least else None

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `Limit`."""
        return {"minimum": self.least}


@dataclass(frozen=True)
class AtMost:
    """Of an annotated number: no larger one is read."""

    most: float

    def objection(self, value: Any) -> str | None:
        """See `Limit`."""
        return f"is {value}, more than {self.most}" if value > self.most else None

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `Limit`."""
        return {"maximum": self.most}


@dataclass(frozen=True)
class Above:
    """Of an annotated number: neither this one nor a smaller one is read."""

    bound: float

    def objection(self, value: Any) -> str | None:
        """See `Limit`."""
        return f"is {value}, not more than {self.bound}" if value <= self.bound else None

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `Limit`."""
        return {"exclusiveMinimum": self.bound}


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
        """See `Limit`."""
        return None if re.fullmatch(self.pattern, value) else f"is {value!r:.60}, no {self.what}"

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `Limit`."""
        return {"pattern": rf"^(?:{self.pattern})(?![\s\S])"}  # `$` would match before a line break at the end, too


@dataclass(frozen=True)
class OneOf:
    """Of an annotated text or number: one of a few."""

    values: tuple[str | int, ...]

    def objection(self, value: Any) -> str | None:
        """See `Limit`."""
        return None if value in self.values else f"is {value!r:.60}, not {' or '.join(map(str, self.values))}"

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `Limit`."""
        return {"enum": list(self.values)} if len(self.values) > 1 else {"const": self.values[0]}


@dataclass(frozen=True)
class Size:
    """Of an annotated text, tuple or dictionary: how many characters or items it has.

    Attributes:
        least: no fewer.
        most: no more; None if there may be any number.
    """

    least: int = 0
    most: int | None = None

    def objection(self, value: Any) -> str | None:
        """See `Limit`."""
        if len(value) < self.least:
            return f"has a length of {len(value)}, less than {self.least}" if value else "is empty"
        if self.most is not None and len(value) > self.most:
            return f"has a length of {len(value)}, more than {self.most}"
        return None

    def keywords(self, kind: str) -> dict[str, Any]:
        """See `Limit`."""
        what = {"string": "Length", "array": "Items", "object": "Properties"}[kind]
        limits = {"min": self.least or None, "max": self.most}
        return {f"{name}{what}": value for name, value in limits.items() if value is not None}


#: Metadata of a field that is not written if it has its default, so that older readers do not need to know it.
SPARSE: dict[str, bool] = {"sparse": True}

NOT_EMPTY = Size(1)

Sha256 = Annotated[str, Matching("[0-9a-f]{64}", "SHA-256")]
Count = Annotated[int, AtLeast(0)]
Positive = Annotated[int, AtLeast(1)]
NotNegative = Annotated[float, AtLeast(0)]


def is_required(kind: Any, field: dataclasses.Field[Any]) -> bool:
    """Whether a field of a record must be there when it is read.

    It must if it has no default, or is the version of a format. If ``COMPLETE`` of the class is true, defaults are only
    for callers in Python, and all fields must be there except sparse ones.
    """
    has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    complete = getattr(kind, "COMPLETE", False) and "sparse" not in field.metadata
    return not has_default or complete or field.name == "schema_version"


def encode(record: Any) -> Any:
    """A dataclass as JSON: its fields, with tuples as lists."""
    if dataclasses.is_dataclass(record):
        fields = ((field, getattr(record, field.name)) for field in dataclasses.fields(record))
        return {f.name: encode(value) for f, value in fields if not ("sparse" in f.metadata and value == f.default)}
    if isinstance(record, dict):
        return {key: encode(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [encode(value) for value in record]
    return record


def decode(kind: type[T], value: Any, unknown: list[str] | None = None) -> T:
    """Reads the output of `encode`, or of another program that writes the format.

    Args:
        kind: a frozen dataclass whose fields are numbers, texts, such dataclasses, tuples, dictionaries from texts, or
            optional ones of these, each of which may be annotated with what it must be (`Limit`). Some fields may be
            missing (`is_required`). One that the class does not have is ignored, so that a newer program may say more.
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
                raise ValueError(f"{where} is not an object")
            name, item = typing.get_args(kind)
            keys = {key: self.decode(name, key, f"{where}: the name {key!r:.60}") for key in value}
            return {keys[key]: self.decode(item, inner, f"{where}.{key:.60}") for key, inner in value.items()}
        return self._record(kind, value, where) if dataclasses.is_dataclass(kind) else _plain(kind, value, where)

    def _annotated(self, kind: Any, value: Any, where: str) -> Any:
        plain, limits = unwrapped(kind)
        decoded = self.decode(plain, value, where)
        for limit in limits:
            objection = limit.objection(decoded)
            if objection is not None:
                raise ValueError(f"{where} {objection}")
        return decoded

    def _tuple(self, items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        """Of any length (``tuple[int, ...]``) or of one (``tuple[int, int]``)."""
        if not isinstance(value, list | tuple):
            raise ValueError(f"{where} is not a list")
        if items[-1] is not Ellipsis and len(value) != len(items):
            raise ValueError(f"{where} has {len(value)} values, not {len(items)}")
        numbers = _numbers(items[0], value)  # millions of samples
        if numbers is not None:
            return numbers
        return tuple(self.decode(items[0], inner, f"{where}[{index}]") for index, inner in enumerate(value))

    def _record(self, kind: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{where or 'it'} is not an object")
        types_of, given = hints(kind), {}
        fields = dataclasses.fields(kind)
        for field in fields:
            path = _path(where, field.name)
            if field.name in value:
                given[field.name] = self.decode(types_of[field.name], value[field.name], path)
            elif is_required(kind, field):
                raise ValueError(f"{path} is missing")
        known = {field.name for field in fields}
        self.unknown.extend(_path(where, f"{name!s:.60}") for name in value if name not in known)
        try:
            return kind(**given)
        except (ValueError, SscDeployError) as error:  # the class checks its values together
            raise ValueError(f"{where}: {error}" if where else str(error)) from error


def _numbers(kind: Any, values: list[Any] | tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The numbers, if all are right. None if one is wrong or of another type; then they are read one by one."""
    plain, limits = unwrapped(kind)
    if plain not in {int, float} or not values or not all(isinstance(limit, _ENDS) for limit in limits):
        return None
    if not all(type(number) is plain for number in values):
        return None
    least, most = min(values), max(values)
    whole = all(map(math.isfinite, values)) if plain is float else least > -LARGEST and most < LARGEST
    right = whole and not any(limit.objection(end) for limit in limits for end in (least, most))
    return tuple(values) if right else None


def unwrapped(kind: Any) -> tuple[Any, tuple[Limit, ...]]:
    """A type without its annotation, and the limits that are the annotation."""
    if typing.get_origin(kind) is not Annotated:
        return kind, ()
    plain, *limits = typing.get_args(kind)
    return plain, tuple(limits)


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _plain(kind: Any, value: Any, where: str) -> Any:
    """A number, a text or a truth value."""
    if type(value) is int and abs(value) >= LARGEST:
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


#: Limits that hold for all numbers if they hold for the smallest and the largest.
_ENDS = (AtLeast, AtMost, Above)


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """The types of a record's fields, with their annotations."""
    return typing.get_type_hints(kind, include_extras=True)
