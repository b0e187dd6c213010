"""Looking at a tensor that ONNX Runtime would fuse away."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

CHANNELS, GROUPS = 18, 2
RANDOM = np.random.default_rng(0)
WEIGHTS = {
    "grouped": RANDOM.standard_normal((CHANNELS, CHANNELS // GROUPS, 1, 1)).astype(np.float32),
    "dense": RANDOM.standard_normal((CHANNELS, CHANNELS, 1, 1)).astype(np.float32),
    "bias": RANDOM.standard_normal(CHANNELS).astype(np.float32),
}


def network() -> onnx.ModelProto:
    """The end of a residual unit: a grouped Conv, the shortcut's Conv, their sum, ReLU."""
    picture = [1, CHANNELS, 8, 8]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "grouped", "bias"], ["merge"], group=GROUPS),
            helper.make_node("Conv", ["x", "dense", "bias"], ["shortcut"]),
            helper.make_node("Add", ["merge", "shortcut"], ["sum"]),
            helper.make_node("Relu", ["sum"], ["y"]),
        ],
        "unit",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(array, name) for name, array in WEIGHTS.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_convolution_that_is_fused_with_a_sum_can_be_tapped(capfd):
    x = RANDOM.standard_normal((1, CHANNELS, 8, 8)).astype(np.float32)
    runner = OnnxRuntime().load(network().SerializeToString(), taps=["merge", "sum"])
    assert [spec.name for spec in runner.outputs] == ["y", "merge", "sum"]
    y, merge, total = runner.run([x])
    pieces = x.reshape(1, GROUPS, CHANNELS // GROUPS, 8, 8)
    kernel = WEIGHTS["grouped"].reshape(GROUPS, CHANNELS // GROUPS, CHANNELS // GROUPS)
    expected = np.einsum("ngihw,goi->ngohw", pieces, kernel).reshape(x.shape) + WEIGHTS["bias"][:, None, None]
    np.testing.assert_allclose(merge, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(y, np.maximum(total, 0))
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_refused_prints_nothing(capfd):
    """onnxruntime's own fallback prints to standard output, where a command's JSON goes."""
    unknown = network()
    unknown.graph.node[3].op_type = "Unheard"
    for refused in (unknown.SerializeToString(), b"nothing of the kind"):
        with pytest.raises(RuntimeLoadError, match="ONNX Runtime refuses it"):
            OnnxRuntime().load(refused)
    assert capfd.readouterr() == ("", "")
