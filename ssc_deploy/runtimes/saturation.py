"""Whether ONNX Runtime's products of 8-bit integers are exact on this processor.

AVX2 without VNNI adds two products of an unsigned and a signed byte in 16 bits, and cuts off what does not fit:
255 * 127 + 255 * 127 becomes 32,767. ONNX Runtime's kernels for uint8 values and int8 weights do so there; its
documentation advises weights of 7 bits. The processor is asked by a product, not by its name.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.metadata import ModelMetadata

_TERMS = 60


@functools.cache
def saturates() -> bool:
    """Whether a sum of large products comes out wrong."""
    from onnx import TensorProto, helper, numpy_helper

    constants: dict[str, npt.NDArray[Any]] = {
        "one": np.array(1.0, np.float32),
        "zero_x": np.array(0, np.uint8),
        "zero_w": np.array(0, np.int8),
        "large": np.array(2.0**14, np.float32),
        "w": np.full((16, _TERMS, 1, 1), 127, np.int8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "one", "zero_x"], ["real_x"]),
        helper.make_node("DequantizeLinear", ["w", "one", "zero_w"], ["real_w"]),
        helper.make_node("Conv", ["real_x", "real_w"], ["sum"]),
        helper.make_node("QuantizeLinear", ["sum", "large", "zero_x"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, _TERMS, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [1, 16, 4, 4])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=helper.find_min_ir_version_for([opset]))
    runner = OnnxRuntime().load(model.SerializeToString())
    (found,) = runner.run([np.full((1, _TERMS, 4, 4), 255, np.uint8)])
    return bool((found != round(255 * 127 * _TERMS / 2**14)).any())


def affects(path: Path, about: ModelMetadata | None) -> bool:
    """Whether ONNX Runtime computes something else from a file here than on processors that do not saturate.

    Args:
        path: of the file.
        about: what it says of itself; of a file that says nothing, nothing is known.
    """
    quantization = None if about is None else about.quantization
    if quantization is None or not quantization.grids or quantization.weight_bits < 8 or path.suffix.lower() != ".onnx":
        return False
    try:
        return saturates()
    except ModuleNotFoundError:  # the package onnx, which makes the product, is not needed to run files
        return False


def warn(path: Path, about: ModelMetadata | None) -> None:
    """Warns if `affects`."""
    if affects(path, about):
        warnings.warn(
            f"8-bit products saturate in ONNX Runtime on this processor (AVX2 without VNNI), so that {path.name} gives "
            "other outputs here than on others; export it with `safe_for='avx2'` for this one",
            stacklevel=3,
        )
