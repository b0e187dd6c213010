"""Layers of an ONNX graph, at any stage."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.inspection.report import Layer
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles

#: Operators that only see what they read in another shape; none of them takes time.
_VIEWS = frozenset(["Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"])

_MOVEMENTS = frozenset([roles.Role.SHIFT, roles.Role.SHUFFLE])

if TYPE_CHECKING:
    from collections.abc import Iterable

    Shape = tuple[int, ...] | None


def layers_of(model: ir.Model) -> tuple[Layer, ...]:
    """The nodes of a graph as layers; nodes that only make constants are left out."""
    counted: set[ir.Value | None] = set()
    computed: set[ir.Value | None] = set(model.graph.inputs)
    # A file of another exporter names nodes after modules, "/features/conv/Conv", and no blocks.
    has_blocks = any(roles.block(node) for node in model.graph)
    layers = []
    for node in model.graph:
        if not any(value in computed for value in node.inputs):
            continue
        computed.update(node.outputs)
        shifts = _is_one_hot(node)
        moves = shifts or node.op_type in g.COPIES or roles.role(node) in _MOVEMENTS
        weights = [] if moves else [value for value in node.inputs if _is_weight(value) and value not in counted]
        counted.update(weights)
        shape = g.shape_of(node.outputs[0])
        role = roles.role(node) or (roles.Role.SHIFT if shifts else None)
        layers.append(
            Layer(
                block=roles.block(node) if has_blocks else (node.name or "").strip("/").replace("/", "."),
                name=node.outputs[0].name or "",
                operator=node.op_type,
                detail=_detail(node),
                role=role.value if role else None,
                shape=shape,
                parameters=sum(_size(value) for value in weights),
                macs=0 if moves else _macs(node, shape),
                moved_bytes=_bytes(node.outputs) if moves and node.op_type not in _VIEWS else 0,
                traffic_bytes=_traffic(node, moves),
            )
        )
    return tuple(layers)


def _is_one_hot(node: ir.Node) -> bool:
    """Whether it is a depthwise convolution that takes one pixel for each channel as it is."""
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weight is None or weight.shape[1] != 1 or g.integer(node, "group", 1) != weight.shape[0]:
        return False
    return mv.is_one_hot(weight)


def _is_weight(value: ir.Value | None) -> bool:
    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    return tensor is not None and tensor.dtype.is_floating_point()


def _size(value: ir.Value | None) -> int:
    array = g.constant(value)
    return 0 if array is None else array.size


def _detail(node: ir.Node) -> str:
    """Kernel, groups and stride, where there are any: ``"3x3 g9 /2"``."""
    weight = g.shape_of(node.inputs[1]) if node.op_type in {"Conv", "ConvTranspose"} else None
    kernel = weight[2:] if weight else g.ints(node, "kernel_shape", ())
    group, stride = g.integer(node, "group", 1), max(g.ints(node, "strides", (1,)))
    parts = ["x".join(map(str, kernel))] if kernel else []
    return " ".join(parts + [f"g{group}"] * (group > 1) + [f"/{stride}"] * (stride > 1))


def _macs(node: ir.Node, shape: Shape) -> int | None:
    """Output elements times what each is a sum of."""
    shapes = [g.shape_of(value) for value in node.inputs[:2]]
    match node.op_type:
        case "Conv":
            weight = shapes[1]
            return None if shape is None or weight is None else math.prod(shape) * math.prod(weight[1:])
        case "ConvTranspose":
            data, weight = shapes
            return None if data is None or weight is None else math.prod(data) * math.prod(weight[1:])
        case "Gemm":
            data = shapes[0]
            summed = None if data is None else data[0 if g.integer(node, "transA", 0) else 1]
            return None if shape is None or summed is None else math.prod(shape) * summed
        case "MatMul":
            data = shapes[0]
            return None if shape is None or not data else math.prod(shape) * data[-1]
        case "Einsum":
            return None
        case _:
            return 0


def _traffic(node: ir.Node, moves: bool) -> int:
    """A movement reads what it writes, however large its input is."""
    if node.op_type in _VIEWS:
        return 0
    return 2 * _bytes(node.outputs) if moves else _bytes([*node.inputs, *node.outputs])


def _bytes(values: Iterable[ir.Value | None]) -> int:
    sizes = ((g.shape_of(value), value.dtype) for value in values if value is not None)
    bits = (math.prod(shape) * dtype.bitwidth for shape, dtype in sizes if shape is not None and dtype is not None)
    return sum(bits) // 8
