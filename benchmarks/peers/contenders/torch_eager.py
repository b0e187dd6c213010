"""PyTorch as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import stock_torch
from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="PyTorch, eager",
    kind=Kind.PEER,
    environment="own",
    packages=("torch",),
    variants=DEPTHWISE | SLICES,
)


def convert(job: Job) -> Path:
    """Nothing to convert."""
    return stock_torch.note(job)


def load(path: Path, net: Net) -> Loaded:
    """The module under ``inference_mode``."""
    return stock_torch.loaded(stock_torch.read(path, net))
