"""Raw weights or averaged ones (EMA, SWA): what the names in a checkpoint, and the layouts of known trainers, tell.

Layouts that names alone would mislead about:

- Lightning's ``WeightAveraging`` callback saves the averaged weights as ``state_dict`` and the raw ones as
  ``current_model_state``.
- mmengine's ``EMAHook`` swaps the two while it saves: ``state_dict`` is the averaged one, and ``ema_state_dict`` (with
  ``steps`` and ``module.``) holds the raw weights. Its files tell mmengine's version.
- mmcv's ``EMAHook`` (``ema_backbone_conv1_weight`` beside ``backbone.conv1.weight``) swaps them at the end of an epoch,
  before or after the file is written, depending on the order of hooks: the file does not tell.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any


class Role(enum.Enum):
    """What a set of weights is."""

    RAW = "raw"
    AVERAGED = "averaged"
    UNKNOWN = "raw or averaged, which the file does not tell"


_AVERAGED = {"average", "averaged", "avg", "ema", "ewma", "polyak", "shadow", "swa", "emamodel", "modelema"}
#: Also the words that deny the average's name: ``model_non_ema``.
_RAW = {"collected", "current", "live", "online", "raw", "no", "non", "not", "without", "nonema"}


def words(name: str) -> list[str]:
    """The words of a name, in small letters: ``EMACallback`` and ``ema_callback`` give ``ema`` and ``callback``."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def of_place(place: str) -> Role | None:
    """What the innermost of the dotted names says that says something; None if none does."""
    for part in reversed(place.split(".")):
        found = set(words(part))
        if found & _RAW:
            return Role.RAW
        if found & _AVERAGED:
            return Role.AVERAGED
    return None


def of_layout(loaded: Mapping[Any, Any]) -> dict[str, Role]:
    """What the layout of a whole file says about the dicts directly in it, against their names."""
    if "current_model_state" in loaded and "state_dict" in loaded:
        return {"state_dict": Role.AVERAGED, "current_model_state": Role.RAW}
    averaged = loaded.get("ema_state_dict")
    if "state_dict" in loaded and isinstance(averaged, Mapping) and _is_of_mmengine(averaged):
        meta = loaded.get("meta")
        if "message_hub" in loaded or (isinstance(meta, Mapping) and "mmengine_version" in meta):
            return {"state_dict": Role.AVERAGED, "ema_state_dict": Role.RAW}
        return {"state_dict": Role.UNKNOWN, "ema_state_dict": Role.UNKNOWN}
    return {}


def _is_of_mmengine(averaged: Mapping[Any, Any]) -> bool:
    return "steps" in averaged and any(str(name).startswith("module.") for name in averaged)
