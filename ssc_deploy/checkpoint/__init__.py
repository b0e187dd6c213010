"""Reads any checkpoint file safely into tensors by name. Code in a file is never run.

container -> (unpickle | safetensors) -> entries (the dicts of tensors in it) -> candidates (the sets that a module
could be loaded with) -> choice (raw or averaged) -> loading.

Names are imported when they are first used, so that `container` can look at a file before torch is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssc_deploy.checkpoint.header import Header
    from ssc_deploy.checkpoint.loading import Loaded, load_into, load_tensors
    from ssc_deploy.checkpoint.reader import Checkpoint, digest_of, of_state, read
    from ssc_deploy.checkpoint.writer import save

__all__ = ["Checkpoint", "Header", "Loaded", "digest_of", "load_into", "load_tensors", "of_state", "read", "save"]

_HOMES = {
    "Checkpoint": "reader",
    "Header": "header",
    "Loaded": "loading",
    "load_into": "loading",
    "load_tensors": "loading",
    "digest_of": "reader",
    "of_state": "reader",
    "read": "reader",
    "save": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
