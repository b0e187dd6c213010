"""Configurations of networks: frozen dataclasses whose fields are read from strings, TOML and checkpoints alike."""

from __future__ import annotations

import dataclasses
import difflib
import enum
import typing
from typing import Any, TypeVar

from ssc_deploy.errors import NetworkError

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse(config_type: type[Config], values: Mapping[str, object], base: Config | None = None) -> Config:
    """A configuration from named values, each a string (``"9"``) or already of its field's type.

    Args:
        config_type: the dataclass; every field has a default.
        values: what differs from ``base``.
        base: where the other fields come from; None for the defaults.

    Raises:
        NetworkError: an unknown name (the known are listed), or a value that its field does not take.
    """
    types = typing.get_type_hints(config_type)
    for name in values:
        if name not in types:
            raise NetworkError(f"unknown argument {name!r}; {near(name, types)}the known are {', '.join(types)}.")
    parsed = {name: _value(name, value, types[name]) for name, value in values.items()}
    return dataclasses.replace(base or config_type(), **parsed)


def to_dict(config: DataclassInstance) -> dict[str, Any]:
    """The configuration in plain numbers, strings and lists, as `parse` reads it back."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def near(name: str, known: typing.Iterable[str]) -> str:
    """``"did you mean 'x'? "``, or nothing where no known name is near."""
    matches = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {matches[0]!r}? " if matches else ""


def require(holds: bool, sentence: str) -> None:
    """Raises `NetworkError` with the sentence unless the condition holds."""
    if not holds:
        raise NetworkError(sentence)


def _value(name: str, value: object, wanted: Any) -> object:
    if typing.get_origin(wanted) is tuple:
        item = typing.get_args(wanted)[0]
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            raise NetworkError(f"argument {name!r} takes a list with commas between, not {value!r}.")
        return tuple(_value(name, part.strip() if isinstance(part, str) else part, item) for part in parts if part)
    if issubclass(wanted, enum.StrEnum):
        choices = [member.value for member in wanted]
        if value not in choices:
            raise NetworkError(f"argument {name!r} takes one of {', '.join(choices)}, not {value!r}.")
        return wanted(value)
    # bool is an int to Python, so that True must be kept from passing as a number.
    if type(value) is wanted:
        return value
    if wanted is float and type(value) is int:
        return float(value)
    if isinstance(value, str):
        try:
            return _TRUTH[value.lower()] if wanted is bool else wanted(value)
        except (KeyError, ValueError):
            pass
    kind = {int: "a whole number", float: "a number", bool: "true or false"}[wanted]
    raise NetworkError(f"argument {name!r} takes {kind}, not {value!r}.")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value
