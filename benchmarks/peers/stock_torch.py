"""A module as PyTorch itself runs it, eager or compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers.contender import Loaded
from benchmarks.peers.net import network

if TYPE_CHECKING:
    import numpy as np
    import torch

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net


def note(job: Job) -> Path:
    """Writes down which weights and which spelling are meant, in place of a converted file."""
    path = job.folder / "module.json"
    path.write_text(json.dumps({"weights": str(job.weights.absolute()), "shift": job.options["shift"]}))
    return path


def read(path: Path, net: Net) -> torch.nn.Module:
    """The module that was written down."""
    noted = json.loads(path.read_text())
    return network(net, Path(noted["weights"]), noted["shift"])


def loaded(module: Any) -> Loaded:
    """The module on one thread, without autograd."""
    import torch

    torch.set_num_threads(1)

    def run(x: torch.Tensor) -> np.ndarray:
        with torch.inference_mode():
            return module(x).numpy()

    return Loaded(run, torch.from_numpy)
