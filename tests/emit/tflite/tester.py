"""Builds a small ONNX graph operator by operator, writes it as TFLite, and compares LiteRT with ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper, numpy_helper

from ssc_deploy.emit.tflite import build
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.runtimes.litert import LiteRT, LiteRTRunner
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

METADATA = ModelMetadata("net", "net.pt", "0" * 64, "NCHW", (1, 3, 8, 8))

INPUT = "input"


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """Reproducible float32 numbers, both signs."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape, np.float32)


@dataclass
class Tester:
    """``Tester((1, 3, 8, 8)).op("Conv", weight, pads=[1] * 4).op("Relu").compare()``.

    Args:
        shape: of the input; a string is a dynamic size.
        opset: of the graph.
    """

    # The name does not make this a class of tests.
    __test__: ClassVar[bool] = False

    shape: tuple[int | str, ...]
    opset: int = 18
    value: str = INPUT
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    terms: int = 0

    def op(
        self,
        op_type: str,
        *others: np.ndarray | str | None,
        first: np.ndarray | str | None = None,
        name: str | None = None,
        outputs: int = 1,
        **attributes: Any,
    ) -> Self:
        """Adds an operator to the last value (or to ``first``), with more inputs: constants, or values by name."""
        name = name or f"value{len(self.nodes)}"
        names = [name] + [f"{name}.{i}" for i in range(1, outputs)]
        given = [self.value if first is None else first, *others]
        inputs = [
            self._constant(f"{name}.input{i}", v) if isinstance(v, np.ndarray) else v or "" for i, v in enumerate(given)
        ]
        self.nodes.append(helper.make_node(op_type, inputs, names, name=f"node_{name}", **attributes))
        self.terms += self._terms_of(op_type, others, attributes)
        self.value = name
        return self

    def output(self, name: str) -> Self:
        """Makes a value an output before the last one."""
        self.outputs.append(name)
        return self

    @property
    def proto(self) -> onnx.ModelProto:
        outputs = [*self.outputs, self.value]
        graph = helper.make_graph(
            self.nodes,
            "main",
            [helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, self.shape)],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        for node in self.nodes:
            if node.op_type == "GroupNormalization":  # has no inference of its own
                model.graph.value_info.add().CopyFrom(
                    helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, self.shape)
                )
        for output in model.graph.output:
            known = [info for info in model.graph.value_info if info.name == output.name]
            output.CopyFrom(known[0] if known else output)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        onnx.checker.check_model(model, full_check=True)
        return model

    @property
    def model(self) -> ir.Model:
        return ir.from_proto(self.proto)

    def build(self) -> bytes:
        return build(self.model, METADATA)

    def load(self) -> LiteRTRunner:
        return LiteRT().load(self.build())

    def operators(self) -> list[str]:
        """TFLite's operators in the file, without the entries of the delegate."""
        return [name for name in self.load().operators if name != "DELEGATE"]

    def delegates(self) -> int:
        return LiteRT().delegates(self.build())

    def whole_in_delegate(self) -> bool:
        return LiteRT().whole_in_delegate(self.build())

    def input(self, batch: int = 2) -> np.ndarray:
        return random(*(batch if isinstance(size, str) else size for size in self.shape))

    def expected(self, x: np.ndarray) -> list[np.ndarray]:
        return OnnxRuntime().load(self.proto.SerializeToString()).run([x])

    def tolerance(self, expected: np.ndarray) -> float:
        """Two float32 sums of that many products differ by less, in units of the largest number."""
        return float((self.terms + 4) * np.finfo(np.float32).eps * max(1.0, np.abs(expected).max()))

    def compare(self, *, exact: bool = False, batch: int = 2) -> Self:
        """LiteRT's outputs must be ONNX Runtime's: to the bit, or within float32's rounding."""
        x = self.input(batch)
        self.assert_equal(self.load().run([to_file(x)]), x, exact=exact)
        return self

    def assert_equal(self, outputs: list[np.ndarray], x: np.ndarray, *, exact: bool = False) -> None:
        for output, expected in zip(map(from_file, outputs), self.expected(x), strict=True):
            assert output.shape == expected.shape
            if exact:
                np.testing.assert_array_equal(output, expected)
            else:
                np.testing.assert_allclose(output, expected, rtol=0, atol=self.tolerance(expected))

    def _constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    @staticmethod
    def _terms_of(op_type: str, others: tuple[Any, ...], attributes: dict[str, Any]) -> int:
        if op_type == "Conv" and isinstance(others[0], np.ndarray):
            return int(np.prod(others[0].shape[1:]))
        if op_type in ("GridSample", "Resize"):  # coordinates are rounded, too
            return 16
        if op_type in ("Gemm", "MatMul"):
            return max(others[0].shape) if isinstance(others[0], np.ndarray) else 16
        if op_type in ("AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum"):
            return int(np.prod(attributes.get("kernel_shape", (8, 8))))
        return 1


def to_file(x: np.ndarray) -> np.ndarray:
    """ONNX's layout to that of the file: pictures become NHWC."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x


def from_file(x: np.ndarray) -> np.ndarray:
    """The way back."""
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def integers(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def scalar(number: float) -> np.ndarray:
    return np.array(number, np.float32)
