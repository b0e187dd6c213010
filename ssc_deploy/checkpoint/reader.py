"""A checkpoint file into checked tensors by name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ssc_deploy.checkpoint import container, entries, unpickle
from ssc_deploy.checkpoint.header import FORMAT, Header
from ssc_deploy.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
}


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds of a network.

    Attributes:
        path: of the file.
        sha256: of the file, hexadecimal.
        tensors: dense CPU tensors by the names in the file, each finite and within the file's size.
        entry: where in the file they lay, e.g. ``"state_dict"`` or ``"ema.module"``; ``""`` for the whole file.
        header: what the file says about its network; empty where it is no file of ours.
    """

    path: Path
    sha256: str
    tensors: dict[str, torch.Tensor]
    entry: str
    header: Header

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors by name."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


def read(path: Path) -> Checkpoint:
    """Reads a checkpoint of any of the usual forms; nothing that it contains is run.

    Raises:
        UnsafeCheckpointError: it is a pickle that would run code, or a whole pickled module.
        CheckpointError: it is missing, truncated, hostile, no checkpoint, or has a tensor that no network can use
            (sparse, quantized, NaN or Inf): the tensor is named.
    """
    if container.kind(path) is container.Kind.SAFETENSORS:
        header, entry, tensors = _safetensors(path)
    else:
        loaded = unpickle.load(path)
        try:
            header = Header.from_dict(loaded) if isinstance(loaded, dict) else None
            entry, tensors = entries.pick(loaded)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
    _check(path, tensors)
    return Checkpoint(path, sha256(path), tensors, entry, header or Header())


def sha256(path: Path) -> str:
    """SHA-256 of the file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _safetensors(path: Path) -> tuple[Header | None, str, dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
        raw = json.loads(metadata.get(FORMAT, "{}"))
        return Header.from_dict(raw) if isinstance(raw, dict) else None, "", tensors
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}): fetch it again.") from error
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _check(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors.")
    size, declared = path.stat().st_size, 0
    for name, tensor in tensors.items():
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise CheckpointError(f"{path}: {name} is a {type(tensor).__name__}; save plain tensors.")
        if tensor.is_quantized:
            raise CheckpointError(f"{path}: {name} is quantized; save the float32 weights of before quantization.")
        if tensor.layout is not torch.strided:
            raise CheckpointError(f"{path}: {name} is sparse; save it dense, with tensor.to_dense().")
        if tensor.device.type != "cpu":
            raise CheckpointError(
                f"{path}: {name} has no data (device {tensor.device}); save it after loading weights."
            )
        if tensor.dtype not in _DTYPES:
            raise CheckpointError(f"{path}: {name} is of type {tensor.dtype}; save it as float32.")
        # A view may declare any size over one stored number, and would take that much memory once it is copied.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"{path}: {name} is an expanded view of fewer numbers; save tensor.contiguous().")
        declared += tensor.numel() * tensor.element_size()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            kind = "NaN" if bool(torch.isnan(tensor.float()).any()) else "Inf"
            raise CheckpointError(f"{path}: {name} holds {kind}: training diverged or the file is damaged.")
        tensors[name] = tensor.detach()
    # Many names may share one storage (tied weights), but not so many that copies of them fill the memory.
    if declared > 16 * size:
        raise CheckpointError(f"{path} is refused: its tensors claim {declared} bytes, the file has {size}.")
