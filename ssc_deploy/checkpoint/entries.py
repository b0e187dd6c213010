"""The tensors in a checkpoint file, by the dict that holds them. Nothing is chosen here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ssc_deploy.checkpoint import roles
from ssc_deploy.checkpoint.roles import Role
from ssc_deploy.checkpoint.unpickle import Inert
from ssc_deploy.errors import shown

#: Depth of nested dicts that are searched: more than any trainer writes, and less than Python's recursion limit.
_DEPTH = 64

_NO_TENSOR = "is not a tensor (a NumPy array?); save tensors."

#: Words in the names of dicts that hold other state of a training.
_TRAINING = {"amp", "opt", "optim", "optimizer", "optimizers", "rng", "scaler", "scheduler", "schedulers"}

#: Words in the names of dicts that hold gradients, which have the names and shapes of weights.
_GRADIENTS = {"grad", "grads", "gradient", "gradients"}

#: Counters of how often an average was updated: torch and Lightning, torch_ema, YOLO and its descendants, and
#: ema-pytorch, which only says whether it was updated.
_UPDATES = ("n_averaged", "num_updates", "updates", "initted")

EXTRA_STATE = "_extra_state"


@dataclass(frozen=True)
class Entry:
    """One dict (or list) of tensors in a checkpoint.

    Attributes:
        place: the names of the dicts around it, joined with dots; ``""`` if the whole file is one dict of tensors.
        values: its tensors by name, and the extra state of modules. In a list, the name is the position.
        versions: the state dict's ``_metadata`` for each module, by the module's path.
        unusable: why a tensor cannot be used, by name; such a tensor is not in ``values``.
        role: raw or averaged weights, if the layout of the file says it.
        is_list: whether it is a list, in the order of the parameters.
        updates: how often the average in it was updated; None if it does not say.
    """

    place: str
    values: dict[str, object]
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    role: Role | None = None
    is_list: bool = False
    updates: int | None = None

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """Those of the values that are tensors."""
        return {name: value for name, value in self.values.items() if isinstance(value, torch.Tensor)}

    def full_name(self, name: str) -> str:
        """The name of one of its tensors in the file."""
        return f"{self.place}.{name}" if self.place else name


def find(loaded: object) -> tuple[Entry, ...]:
    """All dicts of tensors in a file, and lists of averaged tensors, without the state of an optimizer."""
    found = _find(loaded, (), None, set())
    if not isinstance(loaded, Mapping):
        return found
    known = roles.of_layout(loaded)
    averaging = loaded.get("averaging_state")
    updates = _updates(averaging, None) if isinstance(averaging, Mapping) else None
    told = []
    for entry in found:
        role = known.get(entry.place.partition(".")[0])
        counted = updates if role is Role.AVERAGED and entry.updates is None else entry.updates
        told.append(dataclasses.replace(entry, role=role, updates=counted))
    return tuple(told)


def _find(value: object, place: tuple[str, ...], updates: int | None, seen: set[int]) -> tuple[Entry, ...]:
    """The entries in a value.

    Args:
        value: of the file.
        place: the names of the dicts around it.
        updates: how often an average was updated, by the dicts around it.
        seen: the ids of the containers that were searched. Each is searched once, since a dict may hold itself.
    """
    where = ".".join(place)
    descends = id(value) not in seen and len(place) < _DEPTH
    seen.add(id(value))
    if _is_pairs(value):
        value = dict(value)  # type: ignore[call-overload]  # such as list(module.named_parameters())
    if isinstance(value, Mapping) and value and all(type(name) is int for name in value):
        value = [value[name] for name in sorted(value)]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = {str(i): item for i, item in enumerate(value)}
        if roles.of_place(where) is not None and items and _are_arrays(items.values()):
            tensors: dict[str, object] = {n: item for n, item in items.items() if isinstance(item, torch.Tensor)}
            unusable = {name: _NO_TENSOR for name in items if name not in tensors}
            return (Entry(where, tensors, unusable=unusable, is_list=True, updates=updates),)
        if not descends or any(isinstance(item, torch.Tensor) for item in value):
            return ()
        inside = [_find(item, (*place, name), updates, seen) for name, item in items.items()]
        return tuple(entry for found in inside for entry in found)
    if not isinstance(value, Mapping):
        return ()
    updates = _updates(value, updates)
    own = {
        name: item
        for name, item in value.items()
        if isinstance(name, str) and (isinstance(item, torch.Tensor) or name.endswith(EXTRA_STATE))
    }
    found: list[Entry] = []
    arrays = {name for name, item in value.items() if isinstance(name, str) and isinstance(item, Inert)}
    if not own and arrays and roles.of_place(where) is not None:
        found.append(Entry(where, {}, unusable=dict.fromkeys(arrays, _NO_TENSOR), updates=updates))
    if any(isinstance(item, torch.Tensor) for item in own.values()):
        found.append(Entry(where, own, _versions(value), updates=updates))
    for name, item in value.items() if descends else ():
        if isinstance(item, torch.Tensor) or set(roles.words(str(name))) & _GRADIENTS:
            continue
        within = _find(item, (*place, str(name)), updates, seen)
        if is_of_training(str(name)):
            # Some optimizers keep an average of the weights. Adam's own averages are of gradients.
            within = tuple(entry for entry in within if set(roles.words(entry.place)) & {"ema", "swa"})
        found += within
    return tuple(found)


def _are_arrays(items: Iterable[object]) -> bool:
    """Whether all are tensors, or placeholders of NumPy arrays."""
    return all(isinstance(item, torch.Tensor | Inert) for item in items)


def _is_pairs(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and bool(value)
        and all(
            isinstance(item, tuple)
            and len(item) == 2
            and isinstance(item[0], str)
            and isinstance(item[1], torch.Tensor)
            for item in value
        )
    )


def is_of_training(name: str) -> bool:
    """Whether a dict of that name holds the state of an optimizer or similar."""
    return bool(set(roles.words(name)) & _TRAINING)


def updates_of(entry: Entry, prefix: str) -> int | None:
    """How often the average under a prefix of an entry's names was updated; None if the file does not say.

    If the average is a part of a module, the counter is in the same state dict.
    """
    parts = prefix.split(".")
    for end in range(len(parts), -1, -1):
        around = parts[:end]
        count = _updates({name: entry.values.get(".".join([*around, name])) for name in _UPDATES}, None)
        if count is not None:
            return count
    return entry.updates


def _updates(value: Mapping[Any, Any], of_parent: int | None) -> int | None:
    for name in _UPDATES:
        count = value.get(name)
        if isinstance(count, torch.Tensor) and count.numel() == 1 and not count.is_floating_point():
            count = count.item() if count.device.type == "cpu" else None
        if isinstance(count, int):
            return int(count)
    return of_parent


def _versions(value: object) -> dict[str, dict[str, Any]]:
    """The ``_metadata`` that `torch.nn.Module.state_dict` gives its result; only plain values are kept of it."""
    metadata = getattr(value, "_metadata", None)
    if not isinstance(metadata, Mapping):
        return {}
    return {
        path: {str(key): item for key, item in about.items() if isinstance(item, bool | int | float | str | None)}
        for path, about in metadata.items()
        if isinstance(path, str) and isinstance(about, Mapping)
    }


def described(value: object) -> str:
    """A short description of a file without weights."""
    if isinstance(value, Mapping):
        names = [shown(str(name)) for name in value][:5]
        return f"a dict with {', '.join(names)}" if names else "an empty dict"
    return f"a {type(value).__name__}"


#: Components that wrappers put into names: `torch.compile`, FSDP, activation checkpointing. Networks do not use them
#: themselves.
_WRAPPERS = re.compile(
    r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|_forward_module)\."
)


def spellings(name: str) -> tuple[str, ...]:
    """The name, the name without the components of wrappers, and the same without DataParallel's ``module.``.

    Parts of many networks are called ``module`` as well, so this is removed last.
    """
    plain = _WRAPPERS.sub("", name)
    without = re.sub(r"(?<![^.])module\.", "", plain)
    return tuple(dict.fromkeys((name, plain, without)))
