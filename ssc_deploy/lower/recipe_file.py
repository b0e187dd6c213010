"""Recipes as TOML: written so that people can read and change them, read so that no mistake passes.

    schema_version = 1
    network = "SSC-Net-6-9"
    runtime = "onnxruntime"
    graph = "<SHA-256 of its structure>"
    quantize = "int8"               # left out where it is for float32
    layout = "channel-major"        # of a TFLite file; left out where it is nhwc

    [shift]                         # channels x height x width: what carries it out
    81x32x32 = "flat"
    324x8x8 = "depthwise"

    [dense]                         # of a TFLite file; what is left out is plain
    81x32x32 = "plain"

    [grouped]                       # of a graph of integers; what is left out is plain
    81x32x32 = "join-36"

    [exceptions]                    # single sites, by the name of the feature map that comes out
    "body.7.ssc1.shift" = "slice"

``[versions]``, ``[measured]`` and the list ``trials`` are the evidence; an export does not need them.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import RecipeError
from ssc_deploy.lower.layout import Layout
from ssc_deploy.lower.recipe import CHOSEN, SCHEMA_VERSION, Measured, Recipe, Trial, Verdict
from ssc_deploy.lower.target import Target
from ssc_deploy.storage import toml_table

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.storage.toml_table import Table

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")

#: The package whose lowerings a recipe names.
_PACKAGE = "ssc-deploy"


def read(path: Path) -> Recipe:
    """Reads a recipe.

    Warns:
        UserWarning: it was found with another version of this package, whose files may differ from those measured.

    Raises:
        RecipeError: missing, no TOML, of another schema version, or a key that is missing, unknown or of the wrong
            form: file and key are named.
    """
    table = toml_table.read(path, RecipeError, SCHEMA_VERSION)
    runtime = table.take("runtime", str)
    # A plan of the C engine has one way for each movement, so there is nothing that a recipe could say of it.
    known = [target.value for target in Target if target is not Target.NATIVE]
    if runtime not in known:
        raise RecipeError(f"{path}: runtime must be {' or '.join(known)}, not {runtime!r}.")
    measured = table.table("measured")
    recipe = Recipe(
        network=table.take("network", str),
        target=Target(runtime),
        graph=table.take("graph", str),
        groups={
            f"{role} {label}": lowering
            for role in CHOSEN
            for label, lowering in table.mapping(role.value, str, {}).items()
        },
        exceptions=table.mapping("exceptions", str, {}),
        layout=_layout(table),
        quantize=_quantize(table),
        measured=None if measured is None else _measured(measured),
        trials=tuple(_trial(trial) for trial in table.tables("trials")),
        versions=table.mapping("versions", str, {}),
    )
    table.finish()
    made, here = recipe.versions.get(_PACKAGE), importlib.metadata.version(_PACKAGE)
    if made not in {None, here}:
        warnings.warn(
            f"{path} was found with {_PACKAGE} {made} and this is {here}: the graph it names may not be the fastest "
            "any more; tune again where that matters",
            stacklevel=2,
        )
    return recipe


def dumps(recipe: Recipe) -> str:
    """The file's text; `read` gives an equal recipe."""
    content = recipe.to_dict()
    trials = content.pop("trials", [])
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    parts = ["".join(f"{key} = {_value(value)}\n" for key, value in content.items() if key not in tables)]
    parts += [
        f"[{key}]\n" + "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())
        for key, table in tables.items()
    ]
    if trials:
        # One line each; a list has to stand before the first table.
        parts.insert(1, "trials = [\n" + "".join(f"  {_value(trial)},\n" for trial in trials) + "]\n")
    return "\n".join(parts)


def _quantize(table: Table) -> str:
    name: str = table.take("quantize", str, "")
    if name not in {"", "int8"}:
        raise RecipeError(f'{table.path}: quantize must be "int8", or left out for float32, not {name!r}.')
    return name


def _layout(table: Table) -> str:
    name: str = table.take("layout", str, Layout.NHWC.value)
    if name not in set(Layout):
        raise RecipeError(f"{table.path}: layout must be {' or '.join(Layout)}, not {name!r}.")
    return name


def _measured(table: Table) -> Measured:
    measured = Measured(
        device=table.take("device", str),
        description=table.take("description", str),
        threads=table.take("threads", int),
        batch=table.take("batch", int),
        seconds=table.take("seconds", float),
        complete=table.take("complete", bool),
        ratio=table.take("ratio", float),
        low=table.take("low", float),
        high=table.take("high", float),
        sha256=table.take("sha256", str),
    )
    table.finish()
    return measured


def _trial(table: Table) -> Trial:
    verdict = table.take("verdict", str)
    if verdict not in {known.value for known in Verdict}:
        raise RecipeError(
            f"{table.path}: {table.prefix}verdict is none of {', '.join(known.value for known in Verdict)}."
        )
    numbers = {
        name: table.take(name, float, None) for name in ("ratio", "low", "high", "p50_ms", "against_ms", "control")
    }
    trial = Trial(
        group=table.take("group", str),
        lowering=table.take("lowering", str),
        against=table.take("against", str),
        verdict=Verdict(verdict),
        turns=table.take("turns", int),
        why=table.take("why", str, ""),
        **numbers,
    )
    table.finish()
    return trial


def _key(name: str) -> str:
    return name if _BARE.match(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, float):
        return repr(value)
    # Texts and truth values of JSON are those of TOML, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
