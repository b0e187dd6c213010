"""How .onnx and .tflite files are run, whoever made them: the same few lines for ours and for the others'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.contender import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.peers.net import Net


def onnxruntime(path: Path, net: Net) -> Loaded:
    """A session of ONNX Runtime with its default optimisations."""
    import onnxruntime as ort

    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (feed,) = session.get_inputs()
    return Loaded(lambda x: session.run(None, {feed.name: x})[0])


def native(path: Path, instructions: str | None = None) -> Loaded:
    """Our C engine.

    Args:
        path: folder of the package.
        instructions: name of an `ssc_deploy.native.words.Instructions`; default the fastest of this processor.

    Raises:
        RuntimeLoadError: this processor does not have them, or there is no compiler.
    """
    from ssc_deploy.native import package
    from ssc_deploy.native.library import Engine
    from ssc_deploy.native.words import Instructions

    _, plan = package.read(path)
    engine = Engine(plan)
    if instructions is not None:
        engine.use(Instructions[instructions])
    return Loaded(lambda x: engine.run([x])[0])


def tflite(path: Path, net: Net, interpreter: Callable[..., Any]) -> Loaded:
    """An interpreter of TFLite with XNNPACK as it applies it by default.

    Args:
        path: the file.
        net: what it computes.
        interpreter: ``Interpreter`` of ai-edge-litert or of tflite-runtime.
    """
    model = interpreter(str(path), num_threads=1)
    (feed,) = model.get_input_details()
    channels_last = feed["shape"][1] != 3
    n, c, h, w = net.input_shape
    model.resize_tensor_input(feed["index"], (n, h, w, c) if channels_last else (n, c, h, w))
    model.allocate_tensors()
    (result,) = model.get_output_details()

    def run(x: np.ndarray) -> np.ndarray:
        model.set_tensor(feed["index"], x)
        model.invoke()
        return model.get_tensor(result["index"])

    def prepare(x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if channels_last else x

    operators = [detail["op_name"] for detail in model._get_ops_details()]
    return Loaded(run, prepare, {"delegate_partitions": operators.count("DELEGATE")})
