"""PyTorch compiled by Inductor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import stock_torch
from benchmarks.peers.contender import DEPTHWISE, Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="PyTorch, torch.compile",
    kind=Kind.PEER,
    environment="own",
    packages=("torch",),
    # Slices were measured to run as fast (3.17 against 3.10 ms on SSC-Net-1-9), and take minutes to compile.
    variants=DEPTHWISE,
)


def convert(job: Job) -> Path:
    """Nothing to convert: it compiles when it first runs."""
    return stock_torch.note(job)


def load(path: Path, net: Net) -> Loaded:
    """The compiled module, its weights frozen so that BatchNorm is folded and layouts are chosen."""
    import torch
    import torch._inductor.config as inductor

    inductor.freezing = True
    return stock_torch.loaded(torch.compile(stock_torch.read(path, net), fullgraph=True, dynamic=False))
