"""A checkpoint's tensors into a module: prefixes taken off, and every misfit named."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import torch
from torch import nn

from ssc_deploy.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_SHOWN = 5
#: BatchNorm's counter: of no use in inference, and absent from checkpoints of old PyTorch.
_COUNTER = "num_batches_tracked"


def spellings(tensors: Mapping[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
    """The tensors under their own names, and under names with wrappers' prefixes taken off, the least change first.

    DataParallel and Lightning put a prefix before all names (``module.``, ``model.``), `torch.compile` puts
    ``_orig_mod.`` before those of what was compiled, DataParallel of a part puts ``module.`` in the middle.
    """
    current = dict(tensors)
    yield current
    plain = {name.replace("_orig_mod.", ""): tensor for name, tensor in current.items()}
    if plain.keys() != current.keys() and len(plain) == len(current):
        current = plain
        yield current
    while len({name.partition(".")[0] for name in current}) == 1 and all("." in name for name in current):
        current = {name.partition(".")[2]: tensor for name, tensor in current.items()}
        yield current
    inner = {name.replace(".module.", "."): tensor for name, tensor in current.items()}
    if inner.keys() != current.keys() and len(inner) == len(current):
        yield inner


def fit(tensors: Mapping[str, torch.Tensor], wanted: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors under the spelling of their names that shares most with ``wanted``."""
    names = set(wanted)
    return max(spellings(tensors), key=lambda spelled: len(names & spelled.keys()))


def load_into(module: nn.Module, tensors: Mapping[str, torch.Tensor], source: Path) -> None:
    """Loads the tensors into the module, all of them and nothing else, converted to its dtypes.

    Args:
        module: is changed in place; where this raises, some of its tensors may hold new values.
        tensors: by name, with or without wrappers' prefixes.
        source: named in errors.

    Raises:
        CheckpointError: a shape differs (the first key and both shapes are named), or keys are missing or superfluous
            (they are named, with the nearest of the other side).
    """
    wanted = module.state_dict()
    spelled = fit(tensors, wanted)
    for name, tensor in spelled.items():
        own = wanted.get(name)
        if isinstance(own, torch.Tensor) and own.shape != tensor.shape:
            raise CheckpointError(
                f"{source}: {name} has shape {list(tensor.shape)} in the checkpoint and {list(own.shape)} in "
                f"{type(module).__name__}: another width, depth or number of classes was built than was trained."
            )
    # The module has the last word on its keys, since it may rename old ones while loading.
    result = module.load_state_dict(spelled, strict=False)
    missing = [name for name in result.missing_keys if not name.endswith(_COUNTER)]
    extra = list(result.unexpected_keys)
    if missing or extra:
        parts = [
            part
            for part in (
                _sentence("lacks", missing, extra, "it has"),
                _sentence("has", extra, missing, "missing is"),
            )
            if part
        ]
        raise CheckpointError(
            f"{source} does not fit {type(module).__name__}: the checkpoint {', and '.join(parts)}. "
            "Is it a checkpoint of this network, built with the same arguments?"
        )


def _sentence(verb: str, names: list[str], others: list[str], nearest: str) -> str:
    if not names:
        return ""
    described = []
    for name in names[:_SHOWN]:
        match = difflib.get_close_matches(name, others, 1)
        described.append(f"{name} (nearest that {nearest}: {match[0]})" if match else name)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    tail = " that it needs" if verb == "lacks" else " that it does not know"
    return f"{verb} {', '.join(described)}{more}{tail}"
