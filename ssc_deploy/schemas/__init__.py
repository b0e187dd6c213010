"""JSON Schemas (draft 2020-12) of the files that cross to devices, in the one place where Python and Java find them.

``model`` is a bundle's model.json, ``job`` and ``result`` are what a target is asked and answers, ``status`` is how far
the demo app is. ``tests/schemas`` holds files that each must accept and refuse, on either side.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

#: Each is ``<name>.schema.json`` in this folder.
NAMES = ("model", "job", "result", "status")

_LONGEST = 200


def violation(name: str, value: Any) -> str | None:
    """Why a value is not what a schema describes.

    Args:
        name: of the schema, one of `NAMES`.
        value: parsed JSON.

    Returns:
        the most telling reason, ``"golden.count: 3 is less than the minimum of 16"``; None where there is none.

    Raises:
        RecursionError: the value nests without end.
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator(name).iter_errors(value))  # type: ignore[no-untyped-call]
    if error is None:
        return None
    where = error.json_path.removeprefix("$").removeprefix(".")
    reason = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]} ..."
    return f"{where}: {reason}" if where else reason


def path(name: str) -> Path:
    """The schema's file."""
    return Path(__file__).with_name(f"{name}.schema.json")


@functools.cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(path(name).read_text(encoding="utf-8")))
