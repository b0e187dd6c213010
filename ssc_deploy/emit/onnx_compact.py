"""Holds kernels in fewer bits; nodes behind each give the same float32 numbers.

A Cast for float16, a Cast and a Mul by the scales for int8. ONNX Runtime carries them out once, when it loads the file.
A DequantizeLinear it carries out at each run, and with a MatMul behind it makes of both a MatMulNBits, which rounds the
data, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.quantize import grid, places, weights
from ssc_deploy.quantize.plan import Mode

if TYPE_CHECKING:
    import numpy.typing as npt


def rewrite(model: ir.Model, mode: Mode) -> None:
    """Changes the kernels of a graph, in place; those whose numbers would change stay float32.

    Args:
        model: standard operators.
        mode: of `weights.COMPACT`.
    """
    real: dict[tuple[ir.Value, int], ir.Value | None] = {}
    for node in list(model.graph):
        if node.op_type not in places.WEIGHTED or len(node.inputs) < 2 or g.constant(node.inputs[1]) is None:
            continue
        value = known.operand(node, 1)
        axis = places.kernel_axis(node)
        if (value, axis) not in real:
            real[value, axis] = _real(model.graph, node, value, axis, mode)
        short = real[value, axis]
        if short is not None:
            node.replace_input_with(1, short)
    common.RemoveUnusedNodesPass()(model)


def _real(graph: ir.Graph, node: ir.Node, value: ir.Value, axis: int, mode: Mode) -> ir.Value | None:
    """The float32 numbers of a kernel that is held in fewer bits."""
    numbers = known.constant(value)
    if numbers.dtype != np.float32 or numbers.ndim <= axis:
        return None
    if mode is Mode.FLOAT16:
        halves = weights.as_float16(numbers)
        return None if halves is None else _cast(graph, node, value, halves)
    kernel = weights.as_int8(numbers, axis)
    if kernel is None:
        return None
    scales = grid.along(kernel.scales, numbers.ndim, axis).astype(np.float32)
    inputs = [_cast(graph, node, value, kernel.integers), g.initializer(graph, f"{value.name}/scales", scales)]
    return _add(graph, node, "Mul", inputs, name=f"{value.name}/real", shape=numbers.shape, attributes={})


def _cast(graph: ir.Graph, node: ir.Node, value: ir.Value, short: npt.NDArray[Any]) -> ir.Value:
    stored = g.initializer(graph, f"{value.name}/{short.dtype}", short)
    attributes = {"to": ir.DataType.FLOAT.value}
    name = f"{value.name}/{short.dtype}/real"
    return _add(graph, node, "Cast", [stored], name=name, shape=short.shape, attributes=attributes)


def _add(
    graph: ir.Graph,
    node: ir.Node,
    op_type: str,
    inputs: list[ir.Value],
    *,
    name: str,
    shape: tuple[int, ...],
    attributes: dict[str, int],
) -> ir.Value:
    result = ir.val(name, dtype=ir.DataType.FLOAT, shape=ir.Shape(shape))
    made = ir.node(op_type, inputs, attributes, outputs=[result], name=name)
    roles.set_block(made, roles.block(node))
    graph.insert_before(node, made)
    return result
