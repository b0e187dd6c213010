"""The limit: as many multiplications in bare float32 matrix products, and nothing else of the network."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks.peers.contender import Contender, Kind, Loaded
from benchmarks.peers.net import Product, network, products

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

#: Rows and inner length of a product that a processor is given at its ease, and its columns at most: all of it stays in
#: the caches, wherever it happens to lie.
_EASY, _COLUMNS = 256, 1024

CONTENDER = Contender(
    title="sgemm",
    kind=Kind.LIMIT,
    environment="own",
    packages=("torch",),
    variants={"large products": {"shapes": "easy"}, "the layers' products": {"shapes": "layers"}},
)


def convert(job: Job) -> Path:
    """Writes the shapes of the products."""
    found = products(job.net, network(job.net, job.weights))
    if job.options["shapes"] == "easy":
        columns = -(-sum(product.macs for product in found) // _EASY**2)
        pieces = -(-columns // _COLUMNS)
        found = [Product("all", _EASY, _EASY, -(-columns // pieces))] * pieces
    path = job.folder / "products.json"
    path.write_text(json.dumps([asdict(product) for product in found]))
    return path


def bare(shapes: Sequence[Product]) -> Callable[[], None]:
    """Runs the products once on one thread, by the library that PyTorch was built with."""
    import torch

    torch.set_num_threads(1)
    # Equal products share their operands; two layers are never equal, they have their names.
    operands = {
        p: (torch.rand(p.rows, p.inner), torch.rand(p.inner, p.columns), torch.empty(p.rows, p.columns)) for p in shapes
    }
    todo = [operands[p] for p in shapes]

    def run() -> None:
        with torch.inference_mode():
            for a, b, out in todo:
                torch.mm(a, b, out=out)

    return run


def load(path: Path, net: Net) -> Loaded:
    """The products; what they compute is nothing of the network, so the input is handed back."""
    run = bare([Product(**fields) for fields in json.loads(path.read_text())])

    def run_and_return(x: np.ndarray) -> np.ndarray:
        run()
        return x

    return Loaded(run_and_return)
