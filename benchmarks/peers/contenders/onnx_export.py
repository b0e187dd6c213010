"""Plain ``torch.onnx.export`` and onnxsim, on ONNX Runtime: what one has without ssc-deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines
from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind
from benchmarks.peers.net import network

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="torch.onnx.export + onnxsim, ONNX Runtime",
    kind=Kind.PEER,
    environment="own",
    packages=("torch", "onnxsim", "onnxruntime"),
    variants={
        **DEPTHWISE,
        **SLICES,
        "one-hot depthwise, dynamo": {"shift": "one-hot", "exporter": "dynamo"},
        "stacked slices, dynamo without optimiser": {"shift": "stacked", "exporter": "unoptimised"},
    },
)


def convert(job: Job) -> Path:
    """Exports and simplifies.

    The exporter over TorchScript, which constants and BatchNorm come out of folded, takes a second where dynamo's with
    its optimiser takes minutes on sliced shifts; what is exported by both runs equally fast (one-hot says how equally).
    The variant without the optimiser is left as it comes out, as many a guide has it.
    """
    import onnx
    import onnxsim
    import torch

    from benchmarks import plain_export

    module, x = network(job.net, job.weights, job.options["shift"]), torch.zeros(job.net.input_shape)
    exporter = job.options.get("exporter", "torchscript")
    path = job.folder / "model.onnx"
    if exporter == "unoptimised":
        plain_export.export(path, module, x)
        return path
    torch.onnx.export(module, (x,), path, dynamo=exporter == "dynamo", verbose=False)
    simplified, _ = onnxsim.simplify(onnx.load(path), check_n=0)
    path = job.folder / "simplified.onnx"
    onnx.save(simplified, path)
    return path


def load(path: Path, net: Net) -> Loaded:
    """A session of ONNX Runtime."""
    return engines.onnxruntime(path, net)
