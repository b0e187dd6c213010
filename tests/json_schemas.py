"""What the schemas say of a value."""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from ssc_deploy.schemas import generated


def violation(name: str, value: Any) -> str | None:
    """Why a value is not what a schema describes, with the place in it; None where it is.

    Args:
        name: of the schema.
        value: parsed JSON.
    """
    error = best_match(_validator(name).iter_errors(value))
    return None if error is None else f"{error.json_path}: {error.message}"


@functools.cache
def _validator(name: str) -> Any:
    return Draft202012Validator(json.loads(generated.path(name).read_text(encoding="utf-8")))
