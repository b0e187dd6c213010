"""A checkpoint's weights into a module: chosen, loaded, and every misfit named."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ssc_deploy.checkpoint import wanted as wanting
from ssc_deploy.checkpoint.choice import choose
from ssc_deploy.checkpoint.entries import Entry
from ssc_deploy.errors import USER_ERRORS, CheckpointError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ssc_deploy.checkpoint.candidates import Candidate
    from ssc_deploy.checkpoint.choice import Choice
    from ssc_deploy.checkpoint.wanted import Wanted

_SHOWN = 5
#: Tensors beside weights that averages keep for themselves.
_OF_AVERAGES = {"n_averaged", "initted", "step", "steps", "num_updates", "updates", "decay"}


@dataclass(frozen=True)
class Loaded:
    """What of a checkpoint was loaded.

    Attributes:
        entry: where it lay, e.g. ``"ema.module"``; empty if the file holds nothing else.
        role: ``"raw"`` or ``"averaged"``.
        filled_from: where an average that has no buffers got them from; empty if it has.
        others: the other sets of weights that would have fitted.
    """

    entry: str
    role: str
    filled_from: str = ""
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For the line about the checkpoint, ``averaged weights of ema, not model``; empty if there is no other."""
        if not self.others and self.role == "raw":
            return ""
        filled = f" with the buffers of {shown(self.filled_from)}" if self.filled_from else ""
        others = f", not {', '.join(map(shown, self.others))}" if self.others else ""
        return f"{self.role} weights of {shown(self.entry) or '.'}{filled}{others}"


def load_into(module: nn.Module, entries: Sequence[Entry], source: Path, weights: str | None = None) -> Loaded:
    """Loads one set of weights into the module, converted to its dtypes. What is left over is named in a warning.

    Args:
        module: is changed in place; where this raises, some of its tensors may hold new values. Lazy modules must have
            run once.
        entries: of the file.
        source: the file, named in messages.
        weights: which set, see `choice.choose`.

    Raises:
        CheckpointError: the choice is not clear, a tensor cannot be used, a shape differs (the first name and both
            shapes are given), names are missing (with the nearest that there are), or the module's own code fails.
    """
    try:
        wanted = wanting.of_module(module)
    except USER_ERRORS as error:  # a state_dict of the network's own, or a lazy part that its forward does not use
        raise CheckpointError(
            f"{type(module).__name__} does not say what it is to be loaded with: its state_dict() fails: "
            f"{type(error).__name__}: {error}"
        ) from error
    choice = choose(source, entries, wanted, weights)
    chosen, parameters = choice.taken, dict(module.named_parameters())
    for own, place in chosen.all_sources.items():
        if place.name in place.entry.unusable:
            raise CheckpointError(f"{source}: {shown(place.name)} {place.entry.unusable[place.name]}")
        value = place.entry.values[place.name]
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all()):
            kind = "NaN" if bool(torch.isnan(value).any()) else "Inf"
            where = f" of {shown(chosen.place)}" if chosen.place else ""
            raise CheckpointError(f"{source}: {own}{where} holds {kind}: training diverged or the file is damaged.")
        kept = parameters.get(own)
        whole = isinstance(value, torch.Tensor) and not value.is_floating_point()
        if whole and kept is not None and kept.is_floating_point():
            raise CheckpointError(
                f"{source}: {own} holds whole numbers, as quantized weights do: save the float weights of before that."
            )
    state = _state(chosen, wanted)
    complete = not chosen.missing(wanted)
    # A module may rename old keys, or change its shapes, while it loads: then all that is there goes in.
    if not complete:
        state.update({name: value for name, value in _around(chosen).items() if name not in state})
    try:
        missing, unexpected = _loaded(module, state, wanted)
    except USER_ERRORS as error:
        shape = _wrong_shape(source, state, wanted)
        reason = str(error).strip().split("\n", 1)[0] or "no message"
        raise CheckpointError(
            shape or f"{source}: {wanted.title} fails while its weights are loaded: {type(error).__name__}: {reason}"
        ) from error
    if missing:
        raise CheckpointError(_misfit(source, state, wanted, missing, unexpected))
    left = _left(choice) if complete else unexpected
    if left:
        warnings.warn(f"{source.name}: {_described_left(left)}", stacklevel=2)
    return Loaded(chosen.place, chosen.role.value, chosen.filled_from, tuple(other.key for other in choice.others))


def load_tensors(module: nn.Module, tensors: Mapping[str, torch.Tensor], source: Path) -> None:
    """Loads tensors that are already chosen; else as `load_into`."""
    load_into(module, (Entry("", dict(tensors)),), source)


def _state(chosen: Candidate, wanted: Wanted) -> OrderedDict[str, Any]:
    values = chosen.values
    state: OrderedDict[str, Any] = OrderedDict()
    for name, shape in wanted.shapes.items():
        # Of a tensor with several names a file may keep one: safetensors does.
        value = values.get(name, next((values[tied] for tied in wanted.ties.get(name, ()) if tied in values), None))
        if value is None:
            continue
        if isinstance(value, torch.Tensor) and shape is not None and wanted.takes(name, value):
            value = value.reshape(shape)
        state[name] = value
    versions = _versions(chosen)
    if versions:
        state._metadata = versions  # type: ignore[attr-defined]  # as torch.nn.Module.state_dict has it
    return state


def _versions(chosen: Candidate) -> dict[str, dict[str, Any]]:
    """What the file's ``_metadata`` says, by the module's own paths."""
    found: dict[str, dict[str, Any]] = {}
    for own, source in chosen.sources.items():
        ours, theirs = own.split(".")[:-1], source.name.split(".")[:-1]
        while True:
            about = source.entry.versions.get(".".join(theirs))
            if about is not None:
                found.setdefault(".".join(ours), about)
            if not ours:
                break
            while theirs and theirs[-1] != ours[-1]:
                theirs.pop()  # a wrapper's
            if not theirs:
                break
            ours.pop()
            theirs.pop()
    return found


def _around(chosen: Candidate) -> dict[str, object]:
    """All values that stand under the chosen prefix, by what follows it."""
    prefix = f"{chosen.prefix}." if chosen.prefix else ""
    found: dict[str, object] = {}
    for entry in {id(source.entry): source.entry for source in chosen.sources.values()}.values():
        for name, value in entry.values.items():
            full = entry.full_name(name)
            if full.startswith(prefix):
                found[full[len(prefix) :]] = value
    return found


def _left(choice: Choice) -> list[str]:
    """Names in the dicts of the chosen set that belong neither to it nor to another one."""
    used = {(id(s.entry), s.name) for c in (choice.taken, *choice.fitting) for s in c.sources.values()}
    entries = {id(source.entry): source.entry for source in choice.taken.sources.values()}
    return [
        name
        for key, entry in entries.items()
        for name in entry.values
        if (key, name) not in used and name.rpartition(".")[2] not in _OF_AVERAGES
    ]


def _loaded(module: nn.Module, state: OrderedDict[str, Any], wanted: Wanted) -> tuple[list[str], list[str]]:
    """Loads; returns the names that got nothing and those that nothing took."""
    if "load_state_dict" not in vars(module) and type(module).load_state_dict is nn.Module.load_state_dict:
        result = module.load_state_dict(state, strict=False)
        missing = [name for name in result.missing_keys if not name.endswith(wanting.COUNTER)]
        return missing, list(result.unexpected_keys)
    # A method of the network's own may return anything, and leave out what it likes. So it is looked at what it did:
    # where the mark still stands nothing was loaded.
    floats = {
        name: value
        for name, value in module.state_dict().items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    with torch.no_grad():
        for value in floats.values():
            value.fill_(float("nan"))
    takes_strict = "strict" in inspect.signature(module.load_state_dict).parameters
    with torch.no_grad():
        module.load_state_dict(state, strict=False) if takes_strict else module.load_state_dict(state)
    after = module.state_dict()
    missing = [name for name in floats if bool(torch.isnan(after[name]).any())] if floats else []
    missing += [name for name in wanted.required if name not in floats and name not in state]
    return missing, [name for name in state if name not in wanted.shapes] if missing else []


def _wrong_shape(source: Path, state: Mapping[str, Any], wanted: Wanted) -> str:
    for name, value in state.items():
        shape = wanted.shapes.get(name)
        if shape is not None and isinstance(value, torch.Tensor) and tuple(value.shape) != shape:
            return (
                f"{source}: {name} has shape {list(value.shape)} in the checkpoint and {list(shape)} in "
                f"{wanted.title}: another width, depth or number of classes was built than was trained."
            )
    return ""


def _misfit(source: Path, state: Mapping[str, Any], wanted: Wanted, missing: list[str], unexpected: list[str]) -> str:
    """Why a set of weights does not fit."""
    wrong = _wrong_shape(source, state, wanted)
    if wrong:
        return wrong
    if all(name in state for name in missing):
        return (
            f"{source} has all that {wanted.title} needs, but the network's own load_state_dict leaves out "
            f"{_some(missing)}: let it load them, or leave it away."
        )
    parts = [
        part
        for part in (
            _sentence("lacks", missing, unexpected, "it has"),
            _sentence("has", unexpected, missing, "missing is"),
        )
        if part
    ]
    return (
        f"{source} does not fit {wanted.title}: the checkpoint {', and '.join(parts)}. "
        "Is it a checkpoint of this network, built with the same arguments?"
    )


def _described_left(names: list[str]) -> str:
    many = len(names) > 1
    return (
        f"{len(names)} tensor{'s' * many} in it {'are' if many else 'is'} not used, since the network has nothing of "
        f"that name: {_some(names)}"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more


def _sentence(verb: str, names: list[str], others: list[str], nearest: str) -> str:
    if not names:
        return ""
    described = []
    for name in names[:_SHOWN]:
        match = difflib.get_close_matches(name, others, 1)
        described.append(shown(name) + (f" (nearest that {nearest}: {shown(match[0])})" if match else ""))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    tail = " that it needs" if verb == "lacks" else " that it does not know"
    return f"{verb} {', '.join(described)}{more}{tail}"
