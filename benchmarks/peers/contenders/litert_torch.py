"""litert-torch (once ai-edge-torch), on LiteRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines
from benchmarks.peers.contender import CONCATENATED, DEPTHWISE, Contender, Kind
from benchmarks.peers.net import network

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="litert-torch, LiteRT",
    kind=Kind.PEER,
    environment="litert-torch",
    packages=("litert-torch", "ai-edge-litert", "torch"),
    variants=DEPTHWISE | CONCATENATED,
    large=True,
)


def convert(job: Job) -> Path:
    """Converts the module itself."""
    import litert_torch
    import torch

    module = network(job.net, job.weights, job.options["shift"])
    path = job.folder / "model.tflite"
    litert_torch.convert(module, (torch.zeros(job.net.input_shape),)).export(str(path))
    return path


def load(path: Path, net: Net) -> Loaded:
    """An interpreter of LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    return engines.tflite(path, net, Interpreter)
