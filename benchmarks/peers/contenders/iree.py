"""IREE, compiled for this processor from the plain ONNX export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="IREE",
    kind=Kind.PEER,
    environment="iree",
    packages=("iree-base-compiler",),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
)


def convert(job: Job) -> Path:
    """Imports and compiles with all optimisations of IREE's guide for processors."""
    import subprocess
    import sys

    from iree.compiler import compile_file

    graph, path = job.folder / "model.mlir", job.folder / "model.vmfb"
    importer = [sys.executable, "-m", "iree.compiler.tools.import_onnx", str(job.source), "-o", str(graph)]
    subprocess.run([*importer, "--opset-version", "17"], check=True, capture_output=True)
    wanted = ["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3", "--iree-llvmcpu-enable-ukernels=all"]
    compile_file(str(graph), target_backends=["llvm-cpu"], input_type="onnx", extra_args=wanted, output_file=str(path))
    return path


def load(path: Path, net: Net) -> Loaded:
    """The module on the driver that runs everything on the caller's thread."""
    from iree import runtime

    config = runtime.Config("local-sync")
    module = runtime.load_vm_flatbuffer_file(str(path), driver="local-sync")
    (name,) = (one for one in module.vm_module.function_names if not one.startswith("__") and "async" not in one)

    def run(x: runtime.DeviceArray) -> np.ndarray:
        return np.asarray(module[name](x))

    return Loaded(run, lambda x: runtime.asdevicearray(config.device, x))
