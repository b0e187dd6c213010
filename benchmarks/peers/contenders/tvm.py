"""TVM, compiled for this processor from the plain ONNX export, by its default pipeline: no schedule is searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="TVM, not tuned",
    kind=Kind.PEER,
    environment="tvm",
    packages=("apache-tvm",),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
)


def convert(job: Job) -> Path:
    """Compiles to a shared library."""
    import onnx
    import tvm
    from tvm.relax.frontend.onnx import from_onnx

    model = onnx.load(job.source)
    module = from_onnx(model, shape_dict={model.graph.input[0].name: list(job.net.input_shape)})
    path = job.folder / "model.so"
    target = tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})
    tvm.compile(module, target=target).export_library(str(path))
    return path


def load(path: Path, net: Net) -> Loaded:
    """TVM's virtual machine."""
    import tvm
    from tvm import relax

    machine = relax.VirtualMachine(tvm.runtime.load_module(str(path)), tvm.cpu())

    def run(x: tvm.runtime.Tensor) -> np.ndarray:
        return machine["main"](x).numpy()

    return Loaded(run, tvm.runtime.tensor)
