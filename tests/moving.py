"""Graphs of shifts and shuffles in canonical form, and running them on both runtimes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.emit import tflite
from ssc_deploy.ir import roles
from ssc_deploy.ir.movement import Edge
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.ir.movement import Movement


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
            if movement.edge is not Edge.ZERO:
                widths = ir.tensor(np.array((0, 0, k // 2, k // 2) * 2), name=f"{name}.widths")
                constants.append(ir.val(f"{name}.widths", const_value=widths))
                border = ir.val(f"{name}.border", dtype=ir.DataType.FLOAT)
                border.shape = ir.Shape((batch, movement.in_channels, h + k - 1, w + k - 1))
                mode = {"mode": movement.edge.value}
                nodes.append(ir.node("Pad", [value, constants[-1]], attributes=mode, outputs=[border]))
                roles.set_role(nodes[-1], roles.Role.BORDER)
                value, attributes["pads"] = border, (0,) * 4
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
    graph = ir.Graph(inputs, [value], nodes=nodes, initializers=constants, opset_imports={"": 19}, name="main")
    return ir.Model(graph, ir_version=10)


def run_onnxruntime(model: ir.Model, x: np.ndarray) -> np.ndarray:
    """The model's output for ``x`` [N, C, H, W], by ONNX Runtime."""
    return OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])[0]


def run_litert(model: ir.Model, x: np.ndarray) -> np.ndarray:
    """The model's output for ``x`` [N, C, H, W], emitted as TFLite and run by LiteRT."""
    metadata = ModelMetadata("moving", "none", "", "NHWC", (1, *x.shape[1:]))
    runner = LiteRT().load(tflite.build(model, metadata))
    return runner.run([np.ascontiguousarray(x.transpose(0, 2, 3, 1))])[0].transpose(0, 3, 1, 2)


def numbered(*shape: int) -> np.ndarray:
    """A picture in which every pixel has its own number, none of them zero."""
    return np.arange(1, math.prod(shape) + 1, dtype=np.float32).reshape(shape)


def signed(*shape: int) -> np.ndarray:
    """Random numbers of either sign."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)
