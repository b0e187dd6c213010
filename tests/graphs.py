"""Small ONNX graphs for tests of rules, and running them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from ssc_deploy.rewrite import canonical
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime


class Chain:
    """A graph whose nodes stand in a row: each takes the output of the one before, and constants behind it."""

    def __init__(self, *shape: int) -> None:
        self._shape, self._nodes, self._constants, self._last = shape, [], {}, "input"

    def then(self, op_type: str, *operands: Any, first: bool = True, **attributes: Any) -> Chain:
        """Adds a node; an operand is an array (a constant) or the name of a value. ``first=False``: data comes last."""
        names = [o if isinstance(o, str) else self._constant(o) for o in operands]
        inputs = [self._last, *names] if first else [*names, self._last]
        self._last = f"v{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(op_type, inputs, [self._last], **attributes))
        return self

    def _constant(self, array: npt.ArrayLike) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = onnx.numpy_helper.from_array(np.asarray(array), name)
        return name

    def build(self) -> ir.Model:
        """The graph, with shapes inferred."""
        graph = onnx.helper.make_graph(
            self._nodes,
            "chain",
            [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, self._shape)],
            [onnx.helper.make_tensor_value_info(self._last, onnx.TensorProto.FLOAT, None)],
            list(self._constants.values()),
        )
        proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
        return ir.from_proto(onnx.shape_inference.infer_shapes(proto, strict_mode=True))


def run(model: ir.Model, picture: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """What the graph computes, on ONNX Runtime."""
    return OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([picture])[0]


def apply(rule: ir.passes.InPlacePass, model: ir.Model, *, exact: bool = False) -> list[str]:
    """Runs the rule, checks that the graph is sound and computes what it did before; returns its operators.

    ``exact``: bit for bit, for rules that only move data about.
    """
    shape = tuple(int(d) for d in model.graph.inputs[0].shape)
    picture = np.random.default_rng(7).standard_normal(shape, np.float32)
    before = run(model, picture)
    rule(model)
    canonical.check_graph(model)
    after = run(model, picture)
    if exact:
        np.testing.assert_array_equal(after, before)
    else:
        np.testing.assert_allclose(after, before, rtol=0, atol=4e-6 * max(1.0, float(np.abs(before).max())))
    return [node.op_type for node in model.graph]
