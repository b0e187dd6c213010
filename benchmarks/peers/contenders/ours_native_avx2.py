"""Our C engine without AVX-512, for processors that have it: what older ones of x86-64 do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines
from benchmarks.peers.contender import Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ours, C engine, AVX2",
    kind=Kind.OURS,
    environment="own",
    packages=("ssc-deploy",),
    variants={"default": {}},
    converted_by="ours_native",
)


def convert(job: Job) -> Path:
    """Not called: the package is that of `ours_native`."""
    raise NotImplementedError


def load(path: Path, net: Net) -> Loaded:
    """The plan of the package, by the kernels for AVX2."""
    return engines.native(path, "AVX2")
