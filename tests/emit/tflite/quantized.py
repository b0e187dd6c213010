"""Small graphs as int8 .tflite files, compared with what a plan says, which is computed in float64."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from emit.tflite.tester import METADATA, Tester, from_file, random, to_file
from onnx import helper
from onnx.reference import ReferenceEvaluator

from ssc_deploy.emit import tflite
from ssc_deploy.quantize import grid as grids
from ssc_deploy.quantize import places
from ssc_deploy.quantize.plan import Io, Plan
from ssc_deploy.quantize.rounding import round_kernels
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime


@dataclass
class QuantizedTester:
    """``QuantizedTester.of(Tester((1, 3, 8, 8)).op("Relu"))``: ranges come from a few random inputs.

    Attributes:
        model: the graph, with its kernels on their grids.
        plan: of it.
    """

    model: ir.Model
    plan: Plan

    @classmethod
    def of(cls, tester: Tester, *, exclude: tuple[str, ...] = (), io: Io = Io.FLOAT, bits: int = 8) -> QuantizedTester:
        return cls.of_model(tester.model, exclude=exclude, io=io, bits=bits)

    @classmethod
    def of_model(
        cls, model: ir.Model, *, exclude: tuple[str, ...] = (), io: Io = Io.FLOAT, bits: int = 8
    ) -> QuantizedTester:
        found = places.places(model, exclude)
        shape = tuple(size if isinstance(size, int) else 1 for size in model.graph.inputs[0].shape)
        x = np.concatenate([random(*shape, seed=seed) for seed in range(3)])
        names = [name for group in found.groups for name in group]
        seen = dict(zip(names, _values(model, names, x), strict=True))
        planned = {}
        for i, group in enumerate(found.groups):
            numbers = np.concatenate([seen[name].ravel() for name in group])
            grid = found.fixed.get(i) or grids.of_range(float(numbers.min()), float(numbers.max()))
            planned |= dict.fromkeys(group, grid)
        plan = Plan(planned, places.kernels(model, exclude), bits, io)
        round_kernels(model, plan)
        return cls(model, plan)

    def build(self, lowered: ir.Model | None = None) -> bytes:
        return tflite.build(lowered or self.model, METADATA, self.plan)

    def expected(self, x: np.ndarray) -> list[np.ndarray]:
        """The integers of the outputs, or their real numbers where they have no grid; in float64."""
        values = self.values(x)
        outputs = [value.name for value in self.model.graph.outputs]
        return [
            self.plan.grids[name].integers(values[name]) if name in self.plan.grids else values[name]
            for name in outputs
        ]

    def values(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """All values, rounded where they are on a grid."""
        constants = {name: value.const_value.numpy() for name, value in self.model.graph.initializers.items()}
        known: dict[str, Any] = {self.model.graph.inputs[0].name: x.astype(np.float64)}
        known |= {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in constants.items()}
        self._round(known, self.model.graph.inputs[0].name)
        for node in self.model.graph:
            inputs = [value.name if value is not None else "" for value in node.inputs]
            given = {name: known[name] for name in inputs if name}
            if node.op_type in {"Add", "Sub", "Mul"} and places.written(node).name in self.plan.grids:
                for name in set(given) & set(constants):
                    grid = grids.of_constant(constants[name])
                    given[name] = grid.numbers(grid.integers(constants[name]))
            if node.op_type in places.WEIGHTED and places.written(node).name in self.plan.kernels and len(inputs) > 2:
                axis, data = places.kernel_axis(node), self.plan.grids[inputs[0]]
                kernel = grids.of_weights(constants[inputs[1]], axis, bits=self.plan.weight_bits)
                steps = (kernel.scales * np.float32(data.scale)).astype(np.float64)
                given[inputs[2]] = grids.bias_integers(constants[inputs[2]], steps) * steps
            names = [value.name for value in node.outputs]
            for name, result in zip(names, _run_node(node, inputs, given, names), strict=True):
                known[name] = result
                self._round(known, name)
        return known

    def steps(self, x: np.ndarray | None = None, lowered: ir.Model | None = None) -> list[np.ndarray]:
        """By how many steps the integers that LiteRT gives differ from the plan's, for each output."""
        shape = tuple(size if isinstance(size, int) else 2 for size in self.model.graph.inputs[0].shape)
        x = random(*shape, seed=9) if x is None else x
        asked = dataclasses.replace(self.plan, io=Io.INT8)
        first = asked.grids.get(self.model.graph.inputs[0].name)
        given = x if first is None else first.integers(x)
        got = LiteRT().load(tflite.build(lowered or self.model, METADATA, asked)).run([to_file(given)])
        return [
            from_file(a).astype(np.int64) - b if b.dtype == np.int8 else from_file(a) - b
            for a, b in zip(got, self.expected(x), strict=True)
        ]

    def _round(self, known: dict[str, Any], name: str) -> None:
        if name in self.plan.grids:
            grid = self.plan.grids[name]
            known[name] = grid.numbers(grid.integers(known[name]))


def _run_node(node: ir.Node, inputs: list[str], given: dict[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
    proto = ir.to_proto(node)
    proto.input[:] = inputs
    types = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in given.items()
    ]
    results = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph([proto], "one", types, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return ReferenceEvaluator(model).run(None, given)


def _values(model: ir.Model, names: list[str], x: np.ndarray) -> list[np.ndarray]:
    proto = ir.to_proto(model)
    inputs = {value.name for value in proto.graph.input}
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in inputs)
    if not proto.graph.output:
        return [x for _ in names]
    runner = OnnxRuntime().load(proto.SerializeToString())
    wanted = [name for name in names if name not in inputs]
    results = [runner.run([one[None]]) for one in x]
    found = {name: np.concatenate([r[i] for r in results]) for i, name in enumerate(wanted)}
    return [found.get(name, x) for name in names]
