"""Which of the things in a checkpoint is the network: people nest its state dict under many names.

Of an averaged copy (EMA) and the raw weights the averaged copy is taken: where one is kept it is what was evaluated and
published, and training is the only use of the raw ones. But only where it is complete: some averagers keep the
parameters and not the BatchNorm statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ssc_deploy.errors import CheckpointError

Tensors = dict[str, torch.Tensor]

_AVERAGED = ("ema_state_dict", "state_dict_ema", "model_ema", "ema_model", "params_ema", "ema", "swa_state_dict", "swa")
_RAW = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module")
_DEPTH = 3


def pick(loaded: object) -> tuple[str, Tensors]:
    """Where the network's state dict lies in what the file holds (``"ema.module"``, ``""`` for all of it), and itself.

    Raises:
        CheckpointError: there is none, or there are several and none has a usual name.
    """
    found = _find(loaded, _DEPTH)
    if not found:
        raise CheckpointError(f"the file holds {_described(loaded)}, and no state dict of tensors by name in it.")
    if len(found) == 1:
        return next(iter(found.items()))
    raw = next((entry for name in _RAW for entry in found if _first(entry) == name), None)
    averaged = next((entry for name in _AVERAGED for entry in found if _first(entry) == name), None)
    if averaged is not None and (raw is None or _names(found[raw]) <= _names(found[averaged])):
        return averaged, found[averaged]
    if raw is not None:
        return raw, found[raw]
    raise CheckpointError(
        f"the file holds several state dicts ({', '.join(sorted(found))}): save the one that is meant alone, "
        "with torch.save(checkpoint[name], path)."
    )


def _find(value: object, depth: int) -> dict[str, Tensors]:
    """State dicts by their dotted place; a dict of tensors is one itself, any other dict may hold some."""
    if not isinstance(value, Mapping) or not depth:
        return {}
    tensors = {
        name: tensor for name, tensor in value.items() if isinstance(name, str) and isinstance(tensor, torch.Tensor)
    }
    # A state dict may hold a module's extra state; a training record may hold a loose tensor (a loss, a seed).
    if tensors and all(name in tensors or str(name).endswith("_extra_state") for name in value):
        return {"": _without_counter(tensors)}
    found = {}
    for name, inner in value.items():
        for place, state in _find(inner, depth - 1).items():
            found[f"{name}.{place}" if place else str(name)] = state
    known = {place: state for place, state in found.items() if _first(place) in (*_RAW, *_AVERAGED)}
    return known or found


def _without_counter(tensors: Tensors) -> Tensors:
    """Drops the counter that `torch.optim.swa_utils.AveragedModel` keeps beside its module."""
    others = [name for name in tensors if name != "n_averaged"]
    if len(others) < len(tensors) and others and all(name.startswith("module.") for name in others):
        return {name: tensors[name] for name in others}
    return tensors


def _first(place: str) -> str:
    return place.partition(".")[0]


def _names(tensors: Tensors) -> set[str]:
    return {name.removeprefix("module.") for name in tensors}


def _described(value: object) -> str:
    if isinstance(value, Mapping):
        names = [str(name) for name in value][:5]
        return f"a dict with {', '.join(names)}" if names else "an empty dict"
    return f"a {type(value).__name__}"
