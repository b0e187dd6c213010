"""One small network in both formats."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper, numpy_helper

from ssc_deploy import metadata as file_metadata
from ssc_deploy.emit.tflite import build

METADATA = file_metadata.ModelMetadata(
    "Net-1", "net.pt", "0" * 64, "NCHW", (1, 3, 6, 5), labels=("cat", "dog"), versions={"torch": "2.15"}
)


def onnx_network(batch: int | str = 1) -> bytes:
    """Two convolutions, a ReLU and a sum, named ``body.0``, ``body.1``, ``body.2``, ``output``."""
    rng = np.random.default_rng(0)
    kernel, pointwise = rng.standard_normal((3, 3, 3, 3), np.float32), rng.standard_normal((3, 3, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["body.0"], pads=[1] * 4),
        helper.make_node("Relu", ["body.0"], ["body.1"]),
        helper.make_node("Conv", ["body.1", "pointwise"], ["body.2"]),
        helper.make_node("Add", ["body.2", "input"], ["output"]),
    ]
    shape = (batch, 3, 6, 5)
    graph = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(pointwise, "pointwise")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {file_metadata.KEY: METADATA.to_json()})
    return model.SerializeToString()


def tflite_network(batch: int | str = 1) -> bytes:
    """The same as TFLite; ``body.0`` is fused into ``body.1``."""
    return build(ir.from_proto(onnx.ModelProto.FromString(onnx_network(batch))), METADATA)


def in_tflite(metadata: file_metadata.ModelMetadata) -> file_metadata.ModelMetadata:
    return dataclasses.replace(metadata, layout="NHWC")


def picture(batch: int = 1) -> np.ndarray:
    """Float32 [batch, 3, 6, 5]."""
    return np.random.default_rng(1).standard_normal((batch, 3, 6, 5), np.float32)
