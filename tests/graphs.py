"""Small ONNX graphs for tests of rules, and running them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from ssc_deploy.ir import canonical, roles
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime


class Chain:
    """A graph whose nodes stand in a row: each takes the output of the one before, and constants behind it.

    Values are named ``v0``, ``v1``, ... in order; the name of one may be an operand of a later node.
    """

    def __init__(self, *shape: int) -> None:
        self._shape, self._nodes, self._constants, self._values = shape, [], {}, 0
        self.last = "input"

    def then(self, op_type: str, *operands: Any, first: bool = True, outputs: int = 1, **attributes: Any) -> Chain:
        """Adds a node; an operand is an array (a constant) or the name of a value. ``first=False``: data comes last."""
        names = self._names(operands)
        self.last = self._node(op_type, [self.last, *names] if first else [*names, self.last], outputs, attributes)
        return self

    def aside(self, op_type: str, *operands: Any, outputs: int = 1, **attributes: Any) -> str:
        """Adds a node that takes its operands alone; the row goes on where it was. Returns its first output's name."""
        return self._node(op_type, self._names(operands), outputs, attributes)

    def back_to(self, value: str) -> Chain:
        """Lets the row go on from an earlier value."""
        self.last = value
        return self

    def build(self, *further: str, opset: int = 19) -> ir.Model:
        """The graph with shapes inferred, which returns its last value, and ``further`` values behind it."""
        outputs = [onnx.helper.make_tensor_value_info(n, 0, None) for n in (self.last, *further)]
        for output in outputs:
            output.ClearField("type")
        graph = onnx.helper.make_graph(
            self._nodes,
            "chain",
            [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, self._shape)],
            outputs,
            list(self._constants.values()),
        )
        proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10)
        return ir.from_proto(onnx.shape_inference.infer_shapes(proto, strict_mode=True))

    def _names(self, operands: tuple[Any, ...]) -> list[str]:
        return [o if isinstance(o, str) else self.constant(o) for o in operands]

    def constant(self, array: npt.ArrayLike) -> str:
        """Registers a constant, and returns its name: nodes may share it."""
        name = f"c{len(self._constants)}"
        self._constants[name] = onnx.numpy_helper.from_array(np.asarray(array), name)
        return name

    def _node(self, op_type: str, inputs: list[str], outputs: int, attributes: dict[str, Any]) -> str:
        names = [f"v{self._values + i}" for i in range(outputs)]
        self._values += outputs
        self._nodes.append(onnx.helper.make_node(op_type, inputs, names, **attributes))
        return names[0]


def normal(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Random numbers of either sign, none of them zero."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def one_hot(offsets: list[tuple[int, int]], k: int = 3) -> npt.NDArray[np.float32]:
    """The depthwise kernel of a shift."""
    kernel = np.zeros((len(offsets), 1, k, k), np.float32)
    for c, (dy, dx) in enumerate(offsets):
        kernel[c, 0, k // 2 + dy, k // 2 + dx] = 1
    return kernel


def value(model: ir.Model, name: str) -> ir.Value:
    """The value of that name."""
    return next(v for node in model.graph for v in node.outputs if v.name == name)


def makers(model: ir.Model) -> dict[str, str]:
    """The operator that makes each block's output, by block."""
    return {path: node.op_type for node in model.graph for v in node.outputs for path in roles.outputs_of(v)}


def operators(model: ir.Model) -> list[str]:
    """The operators of the graph, in order."""
    return [node.op_type for node in model.graph]


def run_all(model: ir.Model, picture: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
    """What the graph returns, on ONNX Runtime without its own optimisations."""
    return OnnxRuntime().load(ir.to_proto(model).SerializeToString(), optimize=False).run([picture])


def run(model: ir.Model, picture: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """What the graph returns first, on ONNX Runtime."""
    return run_all(model, picture)[0]


def apply(rule: ir.passes.InPlacePass, model: ir.Model, *, exact: bool = False) -> list[str]:
    """Runs the rule, checks that the graph is sound and computes what it did before; returns its operators.

    ``exact``: bit for bit, for rules that only move data about.
    """
    shape = tuple(int(d) for d in model.graph.inputs[0].shape)
    picture = normal(*shape, seed=7)
    before = run_all(model, picture)
    rule(model)
    canonical.check_graph(model)
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    for got, expected in zip(run_all(model, picture), before, strict=True):
        if exact:
            np.testing.assert_array_equal(got, expected)
        else:
            np.testing.assert_allclose(got, expected, rtol=0, atol=4e-6 * max(1.0, float(np.abs(expected).max())))
    return operators(model)
