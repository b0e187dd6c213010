"""Canonical graphs to lower, and a real ONNX Runtime to run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
import onnxruntime

from ssc_deploy import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.movement import Movement


def graph_of(movements: Sequence[Movement], size: tuple[int, int], batch: int = 1) -> ir.Model:
    """Shifts and shuffles one after another, in canonical form; the last value is named ``output``."""
    h, w = size
    value = ir.val("input", dtype=ir.DataType.FLOAT, shape=(batch, movements[0].in_channels, h, w))
    inputs, nodes, constants = [value], [], []
    for i, movement in enumerate(movements):
        name = f"body.{i}.move" if i + 1 < len(movements) else "output"
        result = ir.val(name, dtype=ir.DataType.FLOAT, shape=(batch, movement.out_channels, h, w))
        if movement.is_shift:
            constant = movement.kernel()
            k = constant.shape[-1]
            attributes = {"group": len(constant), "kernel_shape": (k, k), "pads": (k // 2,) * 4}
            op_type, role = "Conv", roles.Role.SHIFT
        else:
            assert movement.is_permutation
            constant = np.array(movement.source, np.int64)
            attributes, op_type, role = {"axis": 1}, "Gather", roles.Role.SHUFFLE
        constants.append(ir.val(f"{name}.constant", const_value=ir.tensor(constant, name=f"{name}.constant")))
        nodes.append(ir.node(op_type, [value, constants[-1]], attributes=attributes, outputs=[result], name=name))
        roles.set_role(nodes[-1], role)
        roles.set_block(nodes[-1], f"body.{i}")
        value = result
    graph = ir.Graph(inputs, [value], nodes=nodes, initializers=constants, opset_imports={"": 18}, name="main")
    return ir.Model(graph, ir_version=10)


def run(model: ir.Model, x: np.ndarray) -> np.ndarray:
    """The model's output for ``x``, by ONNX Runtime with its default optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    data = ir.to_proto(model).SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": x})
    return output
