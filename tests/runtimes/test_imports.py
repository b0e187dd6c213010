"""Running an exported file needs neither torch nor the packages that made it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from runtimes.networks import onnx_network, tflite_network

import ssc_deploy

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


RUNTIMES = {"ai_edge_litert", "onnxruntime", "tflite_runtime"}


def imported(path: Path) -> set[str]:
    """The packages that the file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def test_no_other_folder_imports_a_runtime() -> None:
    package = Path(ssc_deploy.__file__).parent
    naming = [path for path in package.rglob("*.py") if any(name in path.read_text() for name in RUNTIMES)]
    importing = {path.relative_to(package) for path in naming if imported(path) & RUNTIMES}
    assert {path.parts[0] for path in importing} == {"runtimes"}


def test_the_runner_for_devices_imports_nothing_of_this_package() -> None:
    modules = list((Path(ssc_deploy.__file__).parent / "profiling" / "runner").glob("*.py"))
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text()))]
    assert any(isinstance(node, ast.ImportFrom) and node.level == 1 for node in nodes)
    assert not any(isinstance(node, ast.ImportFrom) and node.level > 1 for node in nodes)
    assert not any("ssc_deploy" in imported(module) for module in modules)


def test_runtimes_import_nothing_of_the_stages_that_write_files() -> None:
    package = Path(ssc_deploy.__file__).parent
    text = "".join(path.read_text() for path in (package / "runtimes").rglob("*.py"))
    assert "ssc_deploy.emit" not in text


MISSING = """
import pathlib, sys
package = sys.argv[1]
sys.modules[package] = None
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes import runtime_for
path = pathlib.Path(sys.argv[2])
for use in (runtime_for(path).load, runtime_for(path).metadata):
    try:
        use(path)
    except RuntimeLoadError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("package", "suffix", "network"),
    [("onnxruntime", ".onnx", onnx_network), ("ai_edge_litert", ".tflite", tflite_network)],
)
def test_a_runtime_that_is_missing_is_named_with_the_way_to_install_it(package, suffix, network, tmp_path) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(network())
    command = [sys.executable, "-c", MISSING, package, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wheel = package.replace("_", "-")
    assert done.stdout.splitlines() == [f"{wheel} is not installed; install it with: pip install {wheel}"] * 2
