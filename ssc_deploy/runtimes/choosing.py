"""Which runtime runs a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.native import package

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.runtimes.protocol import Runtime


def runtime_for(path: Path) -> Runtime:
    """The runtime that runs a file, by its suffix, or by what is in it.

    Args:
        path: an ``.onnx`` or ``.tflite`` file, which is not opened, or the folder of a C package.

    Raises:
        RuntimeLoadError: another suffix.
    """
    from ssc_deploy.runtimes.litert import LiteRT
    from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

    runtimes: dict[str, Runtime] = {".onnx": OnnxRuntime(), ".tflite": LiteRT()}
    runtime = runtimes.get(path.suffix.lower())
    if package.is_package(path):
        from ssc_deploy.runtimes.native import Native

        return Native()
    if runtime is None:
        raise RuntimeLoadError(
            f"No runtime is known for {path.name!r}; give a file that ends in {_listed(runtimes)}, or the folder of a "
            "C package."
        )
    return runtime


def _listed(runtimes: dict[str, Runtime]) -> str:
    return " or ".join(runtimes)
