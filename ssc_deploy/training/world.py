"""The processes that train together: one, or those that ``torchrun`` started."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import distributed, nn

from ssc_deploy.errors import TrainingError
from ssc_deploy.training.recipe import Precision

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class World:
    """This process among those that train together.

    Attributes:
        rank: its number; 0 writes files and prints.
        size: number of processes.
        device: that it computes on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """This process's images of a batch."""
        return slice(self.rank, None, self.size)

    def shared(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over all processes."""
        if self.size == 1:
            return module
        ids = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=ids)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of the processes' values, in every process."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Waits until all processes are here."""
        if self.size > 1:
            distributed.barrier()


@contextlib.contextmanager
def joined(device: str) -> Iterator[World]:
    """Joins the processes that ``torchrun`` started, if there are any.

    Args:
        device: ``"cpu"`` or ``"cuda"`` (each process its own), or one by number, e.g. ``"cuda:1"``.

    Raises:
        TrainingError: there is no such device.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    chosen = _device(device)
    if size == 1:
        yield World(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield World(rank, size, chosen)
        # The processes end together, since gloo's threads may abort a process whose peers are gone.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def fastest(device: str) -> Precision:
    """The fastest precision of a device: bfloat16 if it supports it, else float32."""
    if _device(device).type == "cuda":
        return Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT32
    able = torch.cpu.get_capabilities()
    return Precision.BFLOAT16 if able.get("avx512_bf16") or able.get("amx_bf16") else Precision.FLOAT32


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f"there is no device {name!r}: give cpu, cuda, or cuda:1.") from error
    if device.type not in ("cpu", "cuda"):
        raise TrainingError(f"training runs on cpu or cuda, not on {name}.")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError("PyTorch finds no GPU here: train with `device='cpu'`, or install its CUDA build.")
        index = device.index if device.index is not None else int(os.environ.get("LOCAL_RANK", "0"))
        if index >= torch.cuda.device_count():
            raise TrainingError(f"there is no GPU {index}: this machine has {torch.cuda.device_count()}.")
        return torch.device("cuda", index)
    return device
