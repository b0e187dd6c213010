"""Our .onnx on ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines, ours
from benchmarks.peers.contender import Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ours, ONNX Runtime",
    kind=Kind.OURS,
    environment="own",
    packages=("onnxruntime",),
    variants={"default": {}},
)


def convert(job: Job) -> Path:
    """Our export, with the options of the variant."""
    return ours.export(job, "onnx")


def load(path: Path, net: Net) -> Loaded:
    """A session of ONNX Runtime."""
    return engines.onnxruntime(path, net)
