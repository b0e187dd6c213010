"""Our .tflite on tflite-runtime 2.14, the last of its name, which many devices still have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines
from benchmarks.peers.contender import Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ours, tflite-runtime",
    kind=Kind.OURS,
    environment="tflite-runtime",
    packages=("tflite-runtime",),
    variants={"default": {}, "tile-8": {"dense": "tile-8"}},
    converted_by="ours_litert",
)


def convert(job: Job) -> Path:
    """Not here: ssc-deploy itself needs a newer numpy than this runtime takes."""
    raise NotImplementedError


def load(path: Path, net: Net) -> Loaded:
    """An interpreter of tflite-runtime."""
    from tflite_runtime.interpreter import Interpreter

    return engines.tflite(path, net, Interpreter)
