"""Writes a plan into an ONNX graph, canonical or lowered, as pairs of QuantizeLinear and DequantizeLinear.

The result is standard ONNX, and any runtime computes it; ONNX Runtime carries out what stands between two pairs by its
kernels for integers. ONNX Runtime is fastest with unsigned values and signed kernels, so that values are held as uint8,
128 above the integers of the plan.

What moves numbers without looking at them (Slice, Gather, Pad of zeros ...) is given the integers themselves.

Names: the integers of a value have the name that the value has in the plan; what is computed before they are rounded is
``<name>/sum``, and the real numbers that they stand for are ``<name>/real``. Inputs and outputs of the graph keep their
names where they are float32, and their integers are ``<name>/integers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.quantize import grid as grids
from ssc_deploy.quantize import places
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.plan import Plan

#: What the integers of an ``.onnx`` file are above those of the plan.
OFFSET = onnxruntime.OFFSET

#: Operators that move integers of any type, as ONNX Runtime carries them out.
_MOVES = frozenset(
    {
        *("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Pad", "Reshape", "Slice"),
        *("SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)


@dataclass
class _Held:
    """A value on a grid.

    Attributes:
        grid: of the value.
        integers: uint8.
        real: what they stand for, once something has asked for it.
    """

    grid: Grid
    integers: ir.Value
    real: ir.Value | None = None


def insert(model: ir.Model, plan: Plan) -> None:
    """Writes the plan into the graph, in place.

    Args:
        model: canonical or lowered; its kernels are on their grids already.
        plan: of the canonical graph.
    """
    _Insertion(model, plan).run()


def integers_of(name: str, model: ir.Model, plan: Plan) -> str:
    """Name of the tensor that holds the integers of a value of the plan, in the file made of ``model``."""
    ports = {value.name for value in (*model.graph.inputs, *model.graph.outputs)}
    return f"{name}/integers" if name in ports and plan.io is Io.FLOAT else name


class _Insertion:
    def __init__(self, model: ir.Model, plan: Plan) -> None:
        self._model, self._graph, self._plan = model, model.graph, plan
        self._held: dict[ir.Value, _Held] = {}
        self._outputs = set(self._graph.outputs)

    def run(self) -> None:
        nodes = list(self._graph)
        outputs = list(self._graph.outputs)
        for value in [value for value in self._graph.inputs if not value.is_initializer()]:
            self._input(value, nodes[0])
        for node in nodes:
            if not self._moved(node):
                self._computed(node)
        for index, value in enumerate(outputs):
            held = self._held.get(value)
            if held is not None:
                self._give(index, value, held)
        common.RemoveUnusedNodesPass()(self._model)

    def _input(self, value: ir.Value, first: ir.Node) -> None:
        grid = self._plan.grids.get(known.name(value))
        if grid is None:
            return
        if self._plan.io is Io.INT8:
            value.type = ir.TensorType(ir.DataType.UINT8)  # the clone of a value shares its type
            self._held[value] = _Held(grid, value)
            return
        integers = self._quantize(value, grid, f"{value.name}/integers", roles.block(first))
        self._graph.insert_before(first, known.producer(integers))
        self._held[value] = _Held(grid, integers)

    def _moved(self, node: ir.Node) -> bool:
        """Lets a node that moves numbers move integers, if all its values are on one grid."""
        read = [v for v in node.inputs if v is not None and (v in self._held or v.dtype == ir.DataType.FLOAT)]
        held = [self._held.get(value) for value in read if not g.is_constant(value)]
        if node.op_type not in _MOVES or not held or held[0] is None:
            return False
        if any(value.dtype != ir.DataType.FLOAT for value in node.outputs):
            return False
        grid = held[0].grid
        written = [self._plan.grids.get(known.name(value), grid) for value in node.outputs]
        if any(one is None or one.grid != grid for one in held) or any(one != grid for one in written):
            return False
        constants = {}
        for i, value in enumerate(node.inputs):
            if value in read and g.is_constant(value):
                numbers = known.constant(value)
                if np.any(numbers):
                    return False
                constants[i] = np.full(numbers.shape, grid.zero_point + OFFSET, np.uint8)
        zero = np.array(grid.zero_point + OFFSET, np.uint8)
        if node.op_type == "Pad" and node.attributes.get_string("mode", "constant") == "constant":
            if len(node.inputs) < 3:
                node.resize_inputs(3)
            constants[2] = zero
        for i, value in enumerate(node.inputs):
            if i in constants:
                node.replace_input_with(i, g.initializer(self._graph, f"{node.outputs[0].name}/zero", constants[i]))
            elif value is not None and value in self._held:
                node.replace_input_with(i, self._held[value].integers)
        for value in node.outputs:
            value.type = ir.TensorType(ir.DataType.UINT8)  # the clone of a value shares its type
            self._held[value] = _Held(grid, value)
        return True

    def _computed(self, node: ir.Node) -> None:
        """Gives a node the real numbers, and rounds what it writes."""
        data = node.inputs[0] if node.inputs else None
        scale = self._held[data].grid.scale if data is not None and data in self._held else None
        for i, value in enumerate(node.inputs):
            if value is not None and value in self._held:
                node.replace_input_with(i, self._real(value, node))
        if node.op_type in places.WEIGHTED and scale is not None:
            if places.kind(node) is not places.Kind.COMPUTES:
                self._shift(node)
            elif places.written(node).name in self._plan.kernels:
                self._weights(node, scale)
        elif node.op_type in {"Add", "Sub", "Mul"} and node.outputs and places.written(node).name in self._plan.grids:
            self._constant_operand(node)
        for value in list(node.outputs):
            grid = self._plan.grids.get(value.name or "")
            if grid is not None and value.dtype == ir.DataType.FLOAT:
                self._round(node, value, grid)

    def _shift(self, node: ir.Node) -> None:
        """The kernel of a convolution that moves numbers: of 0 and 1, which integers hold exactly."""
        weight = g.constant(node.inputs[1])
        if weight is not None and set(np.unique(weight)) <= {0.0, 1.0}:
            self._store(node, 1, weight.astype(np.int8), np.ones(len(weight), np.float32), 0)

    def _weights(self, node: ir.Node, scale: float) -> None:
        axis = places.kernel_axis(node)
        kernel = grids.of_weights(known.constant(node.inputs[1]), axis, bits=self._plan.weight_bits)
        self._store(node, 1, kernel.integers, kernel.scales, axis)
        if len(node.inputs) > 2 and node.inputs[2] is not None:
            bias = known.constant(node.inputs[2])
            # The runtime adds sums of products: it needs this very number as the scale of the bias.
            steps = kernel.scales * np.float32(scale)
            integers = grids.bias_integers(np.broadcast_to(bias.reshape(-1), steps.shape), steps.astype(np.float64))
            self._store(node, 2, integers.reshape(-1), steps, 0)

    def _constant_operand(self, node: ir.Node) -> None:
        for i, value in enumerate(node.inputs):
            numbers = g.constant(value)
            if numbers is not None and numbers.dtype == np.float32:
                grid = grids.of_constant(numbers)
                integers = (grid.integers(numbers).astype(np.int16) + OFFSET).astype(np.uint8)
                stored = self._constant(f"{node.outputs[0].name}/operand_{i}", integers)
                real = self._dequantize(stored, grid, f"{node.outputs[0].name}/operand_{i}/real", node, value)
                node.replace_input_with(i, real)

    def _store(
        self, node: ir.Node, index: int, integers: npt.NDArray[Any], scales: npt.NDArray[np.float32], axis: int
    ) -> None:
        """Puts a constant of integers with a scale for each channel in the place of an input."""
        old, name = node.inputs[index], f"{node.outputs[0].name}/{('', 'kernel', 'bias')[index]}"
        stored = self._constant(name, integers)
        zeros = np.zeros(scales.shape, integers.dtype)
        inputs = [stored, self._constant(f"{name}/scales", scales), self._constant(f"{name}/zero_points", zeros)]
        real = ir.val(f"{name}/real", dtype=ir.DataType.FLOAT, shape=None if old is None else ir.Shape(integers.shape))
        self._add("DequantizeLinear", inputs, real, {"axis": axis}, before=node)
        node.replace_input_with(index, real)

    def _round(self, node: ir.Node, value: ir.Value, grid: Grid) -> None:
        """Rounds what a node writes. An activation that cuts off where the grid ends is done by that."""
        name, source = known.name(value), value
        if places.cuts_off(node) and g.used_once(known.data(node)) and self._ends_there(node, grid):
            source = known.data(node)
        source = self._kept_in_float(node, source)
        is_port = value in self._outputs and self._plan.io is Io.FLOAT
        integers = self._quantize(source, grid, f"{name}/integers" if is_port else name, roles.block(node))
        value.name = node.name = f"{name}/sum"
        after = known.producer(source) if source.name and source.name.endswith("/float32") else node
        self._graph.insert_after(after, known.producer(integers))
        self._held[value] = _Held(grid, integers)

    def _kept_in_float(self, node: ir.Node, source: ir.Value) -> ir.Value:
        """What a sum with a float32 kernel writes, in a form that stays float32.

        ONNX Runtime 1.32 gives float32 kernels between two pairs a grid of its own, one for all channels. A Max with
        the least number of float32 changes nothing, and is not taken for the end of such a sum.
        """
        summed = source.producer()
        if summed is None or summed.op_type not in places.WEIGHTED or g.constant(summed.inputs[1]) is None:
            return source
        least = self._constant(f"{source.name}/least", np.array(np.finfo(np.float32).min, np.float32))
        kept = ir.val(f"{source.name}/float32", dtype=ir.DataType.FLOAT, shape=source.shape)
        maximum = ir.node("Max", [source, least], outputs=[kept], name=kept.name)
        roles.set_block(maximum, roles.block(summed))
        self._graph.insert_after(node, maximum)
        return kept

    def _ends_there(self, node: ir.Node, grid: Grid) -> bool:
        if grid.zero_point != grids.LOW:
            return False
        high = known.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else np.inf
        return bool(grid.integers(np.minimum(high, np.float64(1e30))) == grids.HIGH)

    def _real(self, value: ir.Value, before: ir.Node) -> ir.Value:
        held = self._held[value]
        if held.real is None:
            held.real = self._dequantize(held.integers, held.grid, f"{held.integers.name}/real", before, value)
        return held.real

    def _give(self, index: int, value: ir.Value, held: _Held) -> None:
        """Makes the integers, or what they stand for, an output of the graph."""
        name = known.name(value).removesuffix("/sum")
        if self._plan.io is Io.INT8:
            self._graph.outputs[index] = held.integers
            return
        if held.real is None:
            held.integers.name = f"{name}/integers"
            held.real = self._dequantize(held.integers, held.grid, name, None, value)
        held.real.name = name
        self._graph.outputs[index] = held.real

    def _quantize(self, value: ir.Value, grid: Grid, name: str, block: str) -> ir.Value:
        scale, zero = self._parameters(grid)
        integers = ir.val(name, dtype=ir.DataType.UINT8, shape=value.shape)
        node = ir.node("QuantizeLinear", [value, scale, zero], outputs=[integers], name=name)
        roles.set_block(node, block)
        return integers

    def _dequantize(
        self, integers: ir.Value, grid: Grid, name: str, before: ir.Node | None, like: ir.Value | None
    ) -> ir.Value:
        scale, zero = self._parameters(grid)
        real = ir.val(name, dtype=ir.DataType.FLOAT, shape=None if like is None else like.shape)
        self._add("DequantizeLinear", [integers, scale, zero], real, {}, before=before)
        return real

    def _parameters(self, grid: Grid) -> tuple[ir.Value, ir.Value]:
        """Scale and zero point as constants, one pair for each grid."""
        key = f"grid/{np.float32(grid.scale).view(np.uint32):08x}/{grid.zero_point + OFFSET}"
        if f"{key}/scale" not in self._graph.initializers:
            self._constant(f"{key}/scale", np.array(grid.scale, np.float32))
            self._constant(f"{key}/zero_point", np.array(grid.zero_point + OFFSET, np.uint8))
        return self._graph.initializers[f"{key}/scale"], self._graph.initializers[f"{key}/zero_point"]

    def _constant(self, name: str, array: npt.NDArray[Any]) -> ir.Value:
        return g.initializer(self._graph, name, array)

    def _add(
        self,
        op_type: str,
        inputs: Sequence[ir.Value],
        output: ir.Value,
        attributes: dict[str, Any],
        *,
        before: ir.Node | None,
    ) -> None:
        """Puts a node in front of ``before``; without it at the end."""
        node = ir.node(op_type, inputs, attributes, outputs=[output], name=output.name)
        if before is None:
            self._graph.append(node)
        else:
            roles.set_block(node, roles.block(before))
            self._graph.insert_before(before, node)
