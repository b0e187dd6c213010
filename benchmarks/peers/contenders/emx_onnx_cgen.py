"""C sources of emx-onnx-cgen, from the plain ONNX export, built by the host's compiler for this processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.contender import DEPTHWISE, SLICES, Contender, Kind, Loaded

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="emx-onnx-cgen, cc -O3 -march=native",
    kind=Kind.PEER,
    environment="emx-onnx-cgen",
    packages=("emx-onnx-cgen",),
    variants=DEPTHWISE | SLICES,
    converted_from="onnx_export",
)


def convert(job: Job) -> Path:
    """Writes the sources and builds them as a shared library; the weights lie in a file beside it."""
    import json
    import shutil
    import subprocess
    import sys
    from pathlib import Path

    import onnx

    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ValueError("there is no C compiler")
    source, library = job.folder / "net.c", job.folder / "net.so"
    generator = Path(sys.executable).with_name("emx-onnx-cgen")
    options = ["--model-name", "net", "--restrict-arrays"]
    subprocess.run([generator, "compile", *options, str(job.source), str(source)], check=True, capture_output=True)
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(library), str(source), "-lm"], check=True, capture_output=True)
    result = onnx.load(job.source).graph.output[0].type.tensor_type.shape
    library.with_suffix(".json").write_text(json.dumps([dimension.dim_value for dimension in result.dim]))
    return library


def load(path: Path, net: Net) -> Loaded:
    """The function of the library."""
    import ctypes
    import json

    library = ctypes.CDLL(str(path))
    weights = path.with_suffix(".bin")
    if weights.exists():
        library.net_load.restype = ctypes.c_bool
        if not library.net_load(str(weights).encode()):
            raise ValueError("net_load fails")
    output = np.empty(json.loads(path.with_suffix(".json").read_text()), np.float32)
    result = ctypes.c_void_p(output.ctypes.data)

    def run(x: np.ndarray) -> np.ndarray:
        library.net(ctypes.c_void_p(x.ctypes.data), result)
        return output

    return Loaded(run, np.ascontiguousarray)
