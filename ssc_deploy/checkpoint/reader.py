"""A checkpoint file into checked tensors by name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ssc_deploy.checkpoint import container, entries, unpickle
from ssc_deploy.checkpoint.entries import Entry
from ssc_deploy.checkpoint.header import FORMAT, Header
from ssc_deploy.errors import CheckpointError, shown
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
}


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        path: of the file.
        sha256: of the file, hexadecimal.
        entries: its dicts of tensors: dense CPU tensors, each within the file's size.
        header: what the file says about its network; empty if it is not our own file.
    """

    path: Path
    sha256: str
    entries: tuple[Entry, ...]
    header: Header

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors of the largest dict in it, by their names there."""
        return max((entry.tensors for entry in self.entries), key=len, default={})


def read(path: Path) -> Checkpoint:
    """Reads a checkpoint of any of the usual forms; nothing that it contains is run.

    Raises:
        UnsafeCheckpointError: it is a pickle that would run code, or a whole pickled module.
        CheckpointError: it is missing, truncated, hostile, no checkpoint, or holds no tensors that can be used.
    """
    found: tuple[Entry, ...]
    if container.kind(path) is container.Kind.SAFETENSORS:
        header, found = _safetensors(path)
    else:
        loaded = unpickle.load(path)
        try:
            header = Header.beside_weights(loaded) if isinstance(loaded, dict) else None
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        found = entries.find(loaded)
        if not found:
            raise CheckpointError(
                f"{path}: the file holds {entries.described(loaded)}, and no state dict of tensors by name in it."
            )
    return Checkpoint(path, sha256_of(path), _checked(path, found), header or Header())


def of_state(state: Mapping[str, object]) -> Checkpoint:
    """A state dict, or what a training keeps beside it, that a Python program has in memory.

    Raises:
        CheckpointError: it holds no tensors by name.
    """
    found = entries.find(dict(state))
    if not found:
        raise CheckpointError(
            f"`ckpt` holds {entries.described(dict(state))}, and no state dict of tensors by name in it."
        )
    checked = tuple(entry for entry in found if entry.tensors)
    return Checkpoint(Path("the state dict"), digest_of(checked[0].tensors), checked, Header())


def digest_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of tensors in memory, hexadecimal: of their names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return str(digest.hexdigest())


def _safetensors(path: Path) -> tuple[Header | None, tuple[Entry, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is not a mapping
        raw = json.loads(metadata.get(FORMAT, "{}"))
        header = Header.from_dict(raw) if isinstance(raw, dict) else None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}): fetch it again.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors.")
    # safetensors.torch.save_model keeps one name of a shared tensor, and notes it under each that it drops.
    for dropped, kept in metadata.items():
        if kept in tensors and dropped not in tensors:
            tensors[dropped] = tensors[kept]
    return header, (Entry("", dict(tensors)),)


def _checked(path: Path, found: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries with the tensors that cannot be used put aside: they matter only where they are needed."""
    size, declared, checked = path.stat().st_size, 0, []
    for entry in found:
        unusable = {name: reason for name, tensor in entry.tensors.items() if (reason := _unusable(tensor))}
        unusable |= entry.unusable
        values = {name: value for name, value in entry.values.items() if name not in unusable}
        usable = {name: value.detach() for name, value in values.items() if isinstance(value, torch.Tensor)}
        declared += sum(tensor.numel() * tensor.element_size() for tensor in usable.values())
        checked.append(dataclasses.replace(entry, values=values | usable, unusable=unusable))
    if not any(entry.tensors for entry in checked):
        entry = next(entry for entry in checked if entry.unusable)
        name, reason = next(iter(entry.unusable.items()))
        raise CheckpointError(f"{path}: {shown(name)} {reason}")
    # Many names may share one storage (tied weights), but not so many that copies of them fill the memory.
    if declared > 16 * size:
        raise CheckpointError(f"{path} is refused: its tensors claim {declared} bytes, the file has {size}.")
    return tuple(checked)


def _unusable(tensor: torch.Tensor) -> str:
    """Why no network can use the tensor, as the end of a sentence; empty if one can."""
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        return f"is a {type(tensor).__name__}; save plain tensors."
    if tensor.is_quantized:
        return "is quantized; save the float32 weights of before quantization."
    if tensor.layout is not torch.strided:
        return "is sparse; save it dense, with tensor.to_dense()."
    if tensor.device.type != "cpu":
        return f"has no data (device {tensor.device}); save it after loading weights."
    if tensor.dtype not in _DTYPES:
        return f"is of type {tensor.dtype}; save it as float32."
    # A view may declare any size over one stored number, and would take that much memory once it is copied.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "is an expanded view of fewer numbers; save tensor.contiguous()."
    return ""
