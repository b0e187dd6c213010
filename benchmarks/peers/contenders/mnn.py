"""MNN, converted from the plain ONNX export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="MNN",
    kind=Kind.PEER,
    environment="mnn",
    packages=("MNN",),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
)


def convert(job: Job) -> Path:
    """Converts with the tool's defaults."""
    # Not by the script ``mnnconvert``: it has pip install a package into whichever Python it finds, to send a report.
    import _tools
    import MNN  # noqa: F401 - brings the tool's module into reach

    path = job.folder / "model.mnn"
    arguments = ["-f", "ONNX", "--modelFile", str(job.source), "--MNNModel", str(path), "--bizCode", "biz"]
    _tools.mnnconvert(["mnnconvert", *arguments])
    if not path.exists():
        raise ValueError("mnnconvert wrote no model")
    return path


def load(path: Path, net: Net) -> Loaded:
    """A session on the processor, in float32."""
    import MNN

    interpreter = MNN.Interpreter(str(path))
    session = interpreter.createSession({"backend": "CPU", "numThread": 1, "precision": "high"})
    feed, result = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
    layout = MNN.Tensor_DimensionType_Caffe
    shape = result.getShape()
    host = MNN.Tensor(shape, MNN.Halide_Type_Float, np.zeros(shape, np.float32), layout)

    def run(x: MNN.Tensor) -> np.ndarray:
        feed.copyFrom(x)
        interpreter.runSession(session)
        result.copyToHostTensor(host)
        return host.getNumpyData()

    return Loaded(run, lambda x: MNN.Tensor(net.input_shape, MNN.Halide_Type_Float, x, layout))
