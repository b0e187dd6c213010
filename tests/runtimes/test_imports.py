"""Running an exported file needs neither torch nor the packages that made it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from runtimes.networks import onnx_network, tflite_network

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import pathlib, sys
import numpy as np
from ssc_deploy.runtimes import runtime_for
path = pathlib.Path(sys.argv[1])
runtime = runtime_for(path)
runner = runtime.load(path)
runner.run([np.zeros(runner.inputs[0].shape, np.float32)])
assert runtime.metadata(path) is not None
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "onnxscript", "onnx", "onnx_ir"}))
"""


@pytest.mark.parametrize(("suffix", "network"), [(".onnx", onnx_network), (".tflite", tflite_network)])
def test_running_a_file_imports_none_of_them(suffix: str, network, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(network())
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
