"""The environment of each contender: requirements pinned in one table, made once by uv and kept outside the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

#: The project's own environment.
OWN = "own"


class EnvironmentUnavailableError(Exception):
    """An environment cannot be made here; the message is the reason, for a row of the results."""


@dataclass(frozen=True)
class Environment:
    """What is installed for a contender.

    Attributes:
        python: version, e.g. ``"3.11"``.
        requirements: ``name==version``; what they in turn require is left to uv.
    """

    python: str
    requirements: tuple[str, ...]


ENVIRONMENTS = {
    "tflite-runtime": Environment("3.11", ("tflite-runtime==2.14.0", "numpy==1.26.4")),
    "litert-torch": Environment("3.11", ("litert-torch==0.10.0", "ai-edge-litert==2.3.0", "torch==2.14.1")),
    # For `benchmarks.others_converters`, which builds the networks of others there.
    "litert-torch-others": Environment(
        "3.11",
        (
            "litert-torch==0.10.0",
            "ai-edge-litert==2.3.0",
            "torch==2.14.1",
            "torchvision==0.29.2",
            "timm==1.0.31",
            "pytorchcv==0.0.74",
        ),
    ),
    "onnx2tf": Environment("3.12", ("onnx2tf==2.6.9", "ai-edge-litert==2.1.2")),
    "executorch": Environment("3.11", ("executorch==1.5.1", "torch==2.15.0")),
    "ncnn": Environment("3.11", ("ncnn==1.0.20261020", "pnnx==20261020", "torch==2.15.0")),
    "mnn": Environment("3.11", ("MNN==3.6.1", "numpy==2.4.6")),
    "openvino": Environment("3.11", ("openvino==2026.4.1",)),
    "iree": Environment("3.11", ("iree-base-compiler[onnx]==3.13.0", "iree-base-runtime==3.13.0")),
    "tvm": Environment("3.11", ("apache-tvm==0.27.0.post1", "onnx==1.20.0")),
    "emx-onnx-cgen": Environment("3.11", ("emx-onnx-cgen==1.4.0",)),
    "ai-edge-quantizer": Environment("3.11", ("ai-edge-quantizer==0.10.0", "ai-edge-litert==2.3.0")),
    "aimet-onnx": Environment("3.11", ("aimet-onnx==2.42.0", "onnxruntime==1.32.0")),
}


def default_cache() -> Path:
    """``$SSC_DEPLOY_PEERS``, or a folder among the user's caches."""
    named = os.environ.get("SSC_DEPLOY_PEERS")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "ssc-deploy-peers"


def python(name: str, cache: Path) -> Path:
    """Python of an environment, which is made first where it is not there as the table has it.

    Args:
        name: `OWN`, or a key of `ENVIRONMENTS`.
        cache: folder of all environments.

    Raises:
        EnvironmentUnavailableError: uv is missing, or cannot make it.
    """
    if name == OWN:
        return Path(sys.executable)
    environment = ENVIRONMENTS[name]
    folder = cache.absolute() / "environments" / name
    wanted = "\n".join([environment.python, *environment.requirements])
    # Written when all is installed: an installation that was broken off is begun again.
    complete = folder / "requirements.txt"
    interpreter = folder / "bin" / "python"
    if complete.exists() and complete.read_text() == wanted and interpreter.exists():
        return interpreter
    uv = shutil.which("uv")
    if uv is None:
        raise EnvironmentUnavailableError("uv makes the environments; install it with: pip install uv")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _uv([uv, "venv", "--clear", "--python", _interpreter(environment.python), str(folder)], cache)
    _uv([uv, "pip", "install", "--python", str(interpreter), *environment.requirements], cache)
    complete.write_text(wanted)
    return interpreter


def _interpreter(version: str) -> str:
    """One that is on the machine, pyenv's included; else the version, which uv may know to get."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def _uv(command: list[str], cache: Path) -> None:
    # Away from the project, whose constraints are for its own environment.
    done = subprocess.run([*command, "--quiet"], check=False, capture_output=True, text=True, cwd=cache)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise EnvironmentUnavailableError(f"uv: {' '.join(lines[:3]) or 'failed without a word'}")
