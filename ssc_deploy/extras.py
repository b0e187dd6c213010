"""Packages that are installed only where somebody asks for them: the extras of ``pyproject.toml``.

Running and profiling exported files needs one runtime. Making them needs PyTorch and what reads and writes ONNX.
"""

from __future__ import annotations

import importlib.util

from ssc_deploy.errors import MissingPackageError

#: For each extra, what is imported. ``tests/test_extras.py`` holds it to ``pyproject.toml``.
PACKAGES = {
    "onnx": ("onnxruntime",),
    "tflite": ("ai_edge_litert", "flatbuffers"),
    "export": ("torch", "onnx", "onnx_ir", "onnxscript", "onnxsim", "safetensors"),
}


def require(extra: str) -> None:
    """Looks whether the packages of an extra are installed, without importing them.

    Args:
        extra: a key of `PACKAGES`.

    Raises:
        MissingPackageError: some of them are not.
    """
    if _missing(extra):
        raise MissingPackageError(_sentence(extra))


def explained(error: ImportError) -> str | None:
    """The sentence about a failed import of an optional package; None if it is not a package of an extra."""
    package = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in PACKAGES.items() if package in packages), None)
    return None if extra is None or package not in _missing(extra) else _sentence(extra)


def _missing(extra: str) -> list[str]:
    return [package for package in PACKAGES[extra] if importlib.util.find_spec(package) is None]


def _sentence(extra: str) -> str:
    names = ", ".join(name.replace("_", "-") for name in _missing(extra))
    return f"this needs packages that are not installed ({names}); install them with: pip install 'ssc-deploy[{extra}]'"
