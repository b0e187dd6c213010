"""Our .tflite on LiteRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines, ours
from benchmarks.peers.contender import Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ours, LiteRT",
    kind=Kind.OURS,
    environment="own",
    packages=("ai-edge-litert",),
    variants={"default": {}, "channel-major": {"layout": "channel-major"}, "tile-8": {"dense": "tile-8"}},
)


def convert(job: Job) -> Path:
    """Our export, with the options of the variant."""
    return ours.export(job, "tflite")


def load(path: Path, net: Net) -> Loaded:
    """An interpreter of LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    return engines.tflite(path, net, Interpreter)
