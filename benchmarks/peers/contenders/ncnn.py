"""ncnn, converted by pnnx from TorchScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded
from benchmarks.peers.net import network

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ncnn (pnnx)",
    kind=Kind.PEER,
    environment="ncnn",
    packages=("ncnn", "pnnx", "torch"),
    variants=DEPTHWISE | SLICES,
)


def convert(job: Job) -> Path:
    """Traces and converts, with float32 kept: pnnx would halve the weights."""
    import pnnx
    import torch

    if job.net.batch != 1:
        raise ValueError("ncnn runs one picture at a time")
    module = network(job.net, job.weights, job.options["shift"])
    pnnx.export(module, str(job.folder / "model.pt"), torch.zeros(job.net.input_shape), fp16=False)
    if not (job.folder / "model.ncnn.bin").exists():
        raise ValueError("pnnx wrote no model for ncnn")
    return job.folder


def load(path: Path, net: Net) -> Loaded:
    """A net on the processor, in float32: by default ncnn stores activations in half precision."""
    import ncnn

    model = ncnn.Net()
    model.opt.num_threads = 1
    model.opt.use_vulkan_compute = False
    model.opt.use_fp16_packed = model.opt.use_fp16_storage = model.opt.use_fp16_arithmetic = False
    if model.load_param(str(path / "model.ncnn.param")) or model.load_model(str(path / "model.ncnn.bin")):
        raise ValueError("ncnn refuses the file that pnnx wrote")

    def run(x: np.ndarray) -> np.ndarray:
        with model.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(x))
            code, out = extractor.extract("out0")
        if code:
            raise ValueError(f"ncnn fails with code {code}")
        return np.array(out)

    return Loaded(run, lambda x: x[0])
