"""JSON Schemas (draft 2020-12) of the records that `records` reads: the same types, limits and required keys.

A class may say more in ``KEYWORDS``: keywords of JSON Schema that relate its fields to each other. What a schema
cannot say, the class checks when it is created.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
import typing
from typing import Any

from ssc_deploy.storage import records

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}

#: The range of numbers without a limit in `records`.
_ENDS: dict[Any, dict[str, Any]] = {
    int: {"minimum": 1 - records.LARGEST, "maximum": records.LARGEST - 1},
    float: {"minimum": -sys.float_info.max, "maximum": sys.float_info.max},
}

#: Keywords that replace one of `_ENDS`.
_INSTEAD = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def schema_of(kind: type, name: str, version: int, description: str) -> dict[str, Any]:
    """The schema of a file that holds one record. It takes no keys that the record does not have.

    Args:
        kind: a frozen dataclass, as `records.decode` takes it.
        name: of the file.
        version: of its format.
        description: of the file.
    """
    found: dict[str, Any] = {}
    whole = _record(kind, found)
    return {
        "$schema": DIALECT,
        "$id": f"urn:ssc-deploy:schema:{name.partition('.')[0]}:{version}",
        "title": name,
        **whole,
        "description": description,
        "$defs": dict(sorted(found.items())),
    }


def _schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The schema of one type. ``found`` gets the records in it by their names."""
    plain, limits = records.unwrapped(kind)
    if limits:
        inner = _schema(plain, found)
        for limit in limits:
            more = limit.keywords(inner.get("type", "object"))
            inner = {key: value for key, value in inner.items() if key not in {_INSTEAD.get(name) for name in more}}
            inner |= more
        return inner
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        (option,) = (option for option in arguments if option is not type(None))
        return {"anyOf": [{"type": "null"}, _schema(option, found)]}
    if origin is tuple:
        ends: dict[str, Any] = (
            {} if arguments[-1] is Ellipsis else {"minItems": len(arguments), "maxItems": len(arguments)}
        )
        return {"type": "array", **ends, "items": _schema(arguments[0], found)}
    if origin is dict:
        name = _schema(arguments[0], found)
        names: dict[str, Any] = {} if name == {"type": "string"} else {"propertyNames": name}
        return {"type": "object", **names, "additionalProperties": _schema(arguments[1], found)}
    if dataclasses.is_dataclass(kind):
        key = kind.__name__  # type: ignore[union-attr]
        if key not in found:
            found[key] = {}  # for a record that contains itself
            found[key] = _record(kind, found)
        return {"$ref": f"#/$defs/{key}"}
    return {"type": _PLAIN[kind], **_ENDS.get(kind, {})}


def _record(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    hints, told = records.hints(kind), _descriptions(kind)
    fields = dataclasses.fields(kind)
    return {
        "description": inspect.cleandoc(kind.__doc__).partition("\n\n")[0].replace("\n", " "),
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if records.is_required(kind, field)],
        "properties": {
            field.name: {"description": told[field.name], **_schema(hints[field.name], found)} for field in fields
        },
        **getattr(kind, "KEYWORDS", {}),
    }


def _descriptions(kind: type) -> dict[str, str]:
    """What the docstring says of each field."""
    _, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    section = attributes.partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", section, re.MULTILINE)
    return {name: re.sub(r"\bNone\b", "null", " ".join(text.split())) for name, text in entries}
