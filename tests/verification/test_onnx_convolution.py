"""The convolution of the float64 reference, against PyTorch's."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch.nn import functional

from ssc_deploy.verification.onnx_windows import Conv

CASES = [
    pytest.param((2, 6, 7, 5), (4, 3, 3, 2), {"group": 2, "strides": [2, 1], "pads": [1, 0, 1, 0]}, id="groups"),
    pytest.param((1, 5, 6, 6), (5, 1, 3, 3), {"group": 5, "pads": [1, 1, 1, 1]}, id="depthwise"),
    pytest.param((1, 4, 9, 9), (2, 4, 3, 3), {"dilations": [2, 3]}, id="dilated"),
    pytest.param((3, 4, 9), (6, 4, 3), {"strides": [2], "pads": [2, 2]}, id="one dimension"),
]


@pytest.mark.parametrize(("x", "w", "attributes"), CASES)
def test_it_computes_what_pytorch_computes(x: tuple[int, ...], w: tuple[int, ...], attributes: dict) -> None:
    random = np.random.default_rng(0)
    image, kernel, bias = random.normal(size=x), random.normal(size=w), random.normal(size=w[:1])
    axes = len(x) - 2
    convolve = functional.conv1d if axes == 1 else functional.conv2d
    expected = convolve(
        *map(torch.from_numpy, (image, kernel, bias)),
        stride=attributes.get("strides", 1),
        padding=attributes.get("pads", [0] * axes)[:axes],
        dilation=attributes.get("dilations", 1),
        groups=attributes.get("group", 1),
    )
    node = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    tensors = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in "xwby"]
    graph = onnx.helper.make_graph([node], "one", tensors[:3], tensors[3:])
    evaluator = ReferenceEvaluator(onnx.helper.make_model(graph), new_ops=[Conv])
    (found,) = evaluator.run(None, {"x": image, "w": kernel, "b": bias})
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-12)
