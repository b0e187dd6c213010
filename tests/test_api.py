"""The public surface: its names, where they come from, and what importing them costs."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ssc_deploy

PUBLIC = [
    "BundleReport",
    "ExportResult",
    "ExportedFile",
    "Inspection",
    "Model",
    "Prediction",
    "Preprocessing",
    "Profile",
    "Quantization",
    "SscDeployError",
    "TuneResult",
    "VerificationError",
    "VerifyReport",
    "bundle",
    "check_bundle",
    "compare",
    "devices",
    "evaluate",
    "export",
    "inspect",
    "load_model",
    "load_profile",
    "models",
    "profile",
    "run",
    "train",
    "tune",
    "verify",
]


def test_the_public_names_are_these():
    assert sorted(ssc_deploy.__all__) == PUBLIC
    assert len(set(ssc_deploy.__all__)) == len(ssc_deploy.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(ssc_deploy, name)
    assert thing.__name__ == name
    assert inspect.getdoc(thing)
    assert thing.__module__.startswith("ssc_deploy.")
    home = importlib.import_module(thing.__module__)
    assert getattr(home, name) is thing


def test_the_functions_keep_their_names_although_packages_are_called_alike():
    """``ssc_deploy.inspection``, say, stands beside ``inspect``."""
    for name in ("export", "inspect", "verify", "load_model", "profile", "bundle"):
        importlib.import_module("ssc_deploy.bundling")
        importlib.import_module("ssc_deploy.profiling")
        importlib.import_module("ssc_deploy.verification")
        importlib.import_module("ssc_deploy.inspection")
        assert inspect.isfunction(getattr(ssc_deploy, name))


def test_a_network_is_described_by_the_same_arguments_everywhere():
    described = {"model", "arch", "args", "input_shape"}
    for function in (ssc_deploy.export, ssc_deploy.verify, ssc_deploy.inspect):
        parameters = inspect.signature(function).parameters
        assert described <= parameters.keys()
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in described)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ssc_deploy' has no attribute 'exprot'"):
        ssc_deploy.exprot  # noqa: B018 - looking it up is the test


def imported_by(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has imported after the code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    heavy = {"numpy", "torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "ai_edge_litert", "click", "rich", "PIL"}
    assert not imported_by("import ssc_deploy; ssc_deploy.SscDeployError") & heavy


def test_what_runs_a_model_imports_neither_torch_nor_what_exports():
    imported = imported_by("import ssc_deploy; ssc_deploy.load_model; ssc_deploy.Prediction")
    assert "numpy" in imported
    assert not imported & {"torch", "onnxscript", "onnx_ir", "onnx"}


def test_the_package_is_typed():
    assert (Path(ssc_deploy.__file__).parent / "py.typed").is_file()
