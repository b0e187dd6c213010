"""Reads TOML that people write strictly: an unknown key is an error."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ssc_deploy.errors import SscDeployError

_KINDS = {
    bool: "true or false",
    str: "a string",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    list: "a list",
}

#: Whole numbers of TOML have 64 bits. Those that Python reads beyond overflow a float, and some cannot be printed.
_WHOLE = range(-(2**63), 2**63)


class Table:
    """A TOML table. Its keys are taken one by one, and those that are left are unknown.

    Args:
        path: of the file, for messages.
        raw: its content.
        error: what is raised.
        name: of the table in the file, with dots; empty for the whole file.
    """

    def __init__(self, path: Path, raw: dict[str, Any], error: type[SscDeployError], name: str = "") -> None:
        self.path, self.error = path, error
        self.prefix, self.left, self.taken = f"{name}." if name else "", dict(raw), list[str]()

    def take(self, key: str, kind: type, *default: Any) -> Any:
        """The value of a key; without a default it must be there. A float may be written as a whole number."""
        self.taken.append(key)
        if key not in self.left:
            if default:
                return default[0]
            raise self.error(f"{self.path}: the key {self.prefix}{key} is missing.")
        value = self.left.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            # Tables and lists may be long, and nested more deeply than Python prints.
            found = _KINDS[type(value)] if isinstance(value, (dict, list)) else repr(value)
            raise self.error(f"{self.path}: {self.prefix}{key} must be {_KINDS[kind]}, not {found}.")
        return value

    def items(self, key: str, kind: type, *default: Any) -> tuple[Any, ...]:
        """A list of one kind of value."""
        values = self.take(key, list, *default)
        return tuple(self._inner(key, {str(i): v}).take(str(i), kind) for i, v in enumerate(values))

    def mapping(self, key: str, kind: type, *default: Any) -> dict[str, Any]:
        """A table of any keys, and values of one kind."""
        values = self.take(key, dict, *default)
        return {name: self._inner(key, values).take(name, kind) for name in values}

    def table(self, key: str) -> Table | None:
        """A table in this one, None if it is missing."""
        raw = self.take(key, dict, None)
        return None if raw is None else self._inner(key, raw)

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables, empty if it is missing."""
        return tuple(self._inner(f"{key}.{i}", raw) for i, raw in enumerate(self.items(key, dict, [])))

    def finish(self) -> None:
        """Raises if keys are left that were not read."""
        for key in self.left:
            near = difflib.get_close_matches(key, self.taken, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise self.error(
                f"{self.path}: the key {self.prefix}{key} is unknown; {hint}known are {', '.join(self.taken)}."
            )

    def _inner(self, key: str, raw: dict[str, Any]) -> Table:
        return Table(self.path, raw, self.error, f"{self.prefix}{key}")


def read(path: Path, error: type[SscDeployError], schema_version: int) -> Table:
    """The whole file, of which ``schema_version`` is taken.

    Raises:
        SscDeployError: as ``error``: missing, no TOML, of another version, or with a whole number beyond 64 bits.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as reason:
        # ValueError: not UTF-8, no TOML, or a number of more digits than Python converts.
        raise error(f"{path} cannot be read: {reason}.") from reason
    for key, value in _scalars(raw):
        if type(value) is int and value not in _WHOLE:
            raise error(f"{path}: {key} is beyond the 64 bits of a whole number.")
    table = Table(path, raw, error)
    if (version := table.take("schema_version", int)) != schema_version:
        raise error(f"{path}: schema_version is {version}, this package reads {schema_version}.")
    return table


def _scalars(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values outside of further tables and lists, by key with dots. Without recursion, since files may nest deeply."""
    left: list[tuple[str, Any]] = list(raw.items())
    while left:
        key, value = left.pop()
        if isinstance(value, (dict, list)):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            left += [(f"{key}.{name}", one) for name, one in inner]
        else:
            yield key, value
