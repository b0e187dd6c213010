"""The folder that ``export --to c`` writes: C sources for whoever builds it, and the same plan as data.

``<stem>.plan`` holds the words of the plan (int32, little-endian), ``<stem>.weights`` the weights (float32, likewise),
and ``<stem>.json`` what people and this program know by name. Only these three files are read here: the sources of a
package may come from anybody, and are never compiled to run it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.native.plan import Plan, Step, Tensor
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from pathlib import Path

#: Of the JSON file.
VERSION = 1

#: The end of a package's name.
SUFFIX = "_c"

_DATA = (".json", ".plan", ".weights")


@dataclass(frozen=True)
class Contents:
    """The JSON file.

    Attributes:
        stem: of the package's file names.
        metadata: JSON of `ModelMetadata`.
        arena: floats of the arena.
        inputs: names and places.
        outputs: likewise.
        tensors: values inside.
        steps: of the plan.
        unit: names of tensors whose numbers are from 0 to 1.
    """

    stem: str
    metadata: str
    arena: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    steps: tuple[Step, ...]
    unit: tuple[str, ...] = ()


def data_files(stem: str, plan: Plan, metadata: str, unit: tuple[str, ...]) -> dict[str, bytes]:
    """The three files of data, by name."""
    contents = Contents(
        stem, metadata, plan.arena, plan.inputs, plan.outputs, plan.tensors, plan.steps, tuple(sorted(unit))
    )
    text = json.dumps({"schema_version": VERSION, **records.encode(contents)}, sort_keys=True, indent=1)
    return {
        f"{stem}.json": text.encode() + b"\n",
        f"{stem}.plan": plan.words.astype("<i4").tobytes(),
        f"{stem}.weights": plan.weights.astype("<f4").tobytes(),
    }


def is_package(path: Path) -> bool:
    """Whether a folder has the files of a package."""
    return path.is_dir() and _stem(path) is not None


def read(path: Path) -> tuple[Contents, Plan]:
    """Reads a package. What it says about the plan is checked by the engine, before it runs.

    Raises:
        RuntimeLoadError: it is none, or damaged.
    """
    stem = _stem(path) if path.is_dir() else None
    if stem is None:
        raise RuntimeLoadError(
            f"{path} is no package of ssc-deploy: it has not the files NAME.json, NAME.plan and NAME.weights; "
            "export it again with `to='c'`"
        )
    try:
        data = {suffix: (path / (stem + suffix)).read_bytes() for suffix in _DATA}
    except OSError as error:
        raise RuntimeLoadError(f"{path} cannot be read: {error.strerror}") from error
    try:
        contents = records.decode_version(Contents, json.loads(data[".json"]), VERSION, [])
    except (ValueError, RecursionError) as error:
        raise RuntimeLoadError(f"{path / (stem + '.json')} is damaged: {error}; export it again") from error
    if len(data[".plan"]) % 4 or len(data[".weights"]) % 4:
        raise RuntimeLoadError(f"{path} is damaged: a file is cut off; export it again")
    words = np.frombuffer(data[".plan"], "<i4").astype(np.int32)
    weights = np.frombuffer(data[".weights"], "<f4").astype(np.float32)
    fields: dict[str, Any] = {
        name: getattr(contents, name) for name in ("arena", "inputs", "outputs", "tensors", "steps")
    }
    return contents, Plan(words, weights, **fields)


def _stem(path: Path) -> str | None:
    """What the names of the three files have in common; None where they are not there once."""
    found = [one.name.removesuffix(".plan") for one in path.glob("*.plan")]
    if len(found) != 1 or not all((path / (found[0] + suffix)).is_file() for suffix in _DATA):
        return None
    return found[0]
