"""Runs exported files: one protocol, with ONNX Runtime and LiteRT behind it.

Only this folder imports a runtime, and only when a file is loaded. Neither torch nor onnxscript is needed.
"""

from ssc_deploy.runtimes.choosing import runtime_for
from ssc_deploy.runtimes.protocol import Model, Runner, Runtime, Steps, TensorSpec

__all__ = ["Model", "Runner", "Runtime", "Steps", "TensorSpec", "runtime_for"]
