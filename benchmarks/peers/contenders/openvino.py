"""OpenVINO, from the plain ONNX export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="OpenVINO",
    kind=Kind.PEER,
    environment="openvino",
    packages=("openvino",),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
)


def convert(job: Job) -> Path:
    """Converts to OpenVINO's own form, with float32 weights."""
    import openvino

    path = job.folder / "model.xml"
    openvino.save_model(openvino.convert_model(job.source), path, compress_to_fp16=False)
    return path


def load(path: Path, net: Net) -> Loaded:
    """A request on the processor, in float32, for latency."""
    import openvino

    wanted = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(path, "CPU", wanted).create_infer_request()

    def run(x: np.ndarray) -> np.ndarray:
        return request.infer([x], share_inputs=True)[0]

    return Loaded(run)
