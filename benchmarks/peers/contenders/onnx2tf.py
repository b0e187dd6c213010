"""onnx2tf, from the plain ONNX export, on LiteRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import engines
from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job, Loaded
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="onnx2tf, LiteRT",
    kind=Kind.PEER,
    environment="onnx2tf",
    packages=("onnx2tf", "ai-edge-litert"),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
    large=True,
)


def convert(job: Job) -> Path:
    """Converts with the tool's defaults."""
    import onnx2tf

    onnx2tf.convert(input_onnx_file_path=str(job.source), output_folder_path=str(job.folder), non_verbose=True)
    (path,) = job.folder.glob("*_float32.tflite")
    return path


def load(path: Path, net: Net) -> Loaded:
    """An interpreter of LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    return engines.tflite(path, net, Interpreter)
