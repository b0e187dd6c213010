"""Our C engine, which reads the plan of our package, with the fastest instructions of this processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines, ours
from benchmarks.peers.contender import Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ours, C engine",
    kind=Kind.OURS,
    environment="own",
    packages=("ssc-deploy",),
    variants={"default": {}},
)


def convert(job: Job) -> Path:
    """Our export, with the options of the variant."""
    return ours.export(job, "c")


def load(path: Path, net: Net) -> Loaded:
    """The plan of the package."""
    return engines.native(path)
