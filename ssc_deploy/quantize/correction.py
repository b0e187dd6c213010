"""Bias correction: what the rounding adds to each output channel of a kernel on average is taken off its bias.

    b' = b - step * rint(E[y_quantised - y] / step),        step = input scale * weight scale

with y what the kernel writes before any activation, and E the mean over calibration images and pixels (Nagel et al.,
"Data-free quantization through weight equalization and bias correction", 2019, arXiv 1906.04721, section 4.2 and
appendix D). The kernels follow each other in the order of the graph: each is measured with those before it corrected.

The correction is a whole number of the steps in which the bias is held, of five bits (`digits`), so that a file can say
it exactly, in a character for each channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.quantize import calibration, digits, grid, insert, places, rounding
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ssc_deploy.examples import Examples
    from ssc_deploy.quantize.plan import Plan

    Float64 = npt.NDArray[np.float64]

#: Images over which the mean is taken.
IMAGES = 128

#: Images that go through the network at once.
_AT_ONCE = 16


def corrections(model: ir.Model, plan: Plan, inputs: Examples) -> dict[str, tuple[int, ...]]:
    """What takes the mean error off each kernel's outputs.

    Args:
        model: the canonical graph of the plan, before any number is rounded; it is left as it is.
        plan: of it; corrections that it has are replaced.
        inputs: calibration images; the first are taken.

    Returns:
        see `Plan.corrections`; kernels without a change are not there.

    Raises:
        RuntimeLoadError: ONNX Runtime refuses the graph.
    """
    few = inputs[:IMAGES]
    biased = [
        node
        for node in model.graph
        if node.op_type in places.WEIGHTED
        and places.written(node).name in plan.kernels
        and rounding.is_correctable(node, plan)
    ]
    lengths = {known.name(places.written(node)): known.shape(node.outputs[0])[1] for node in biased}
    exact = _Means(model, few)
    wanted = exact.of([known.name(node.outputs[0]) for node in biased])
    rounded = model.clone()
    rounding.round_kernels(rounded, replace(plan, corrections={name: (0,) * n for name, n in lengths.items()}))
    held = _Means(rounded, few, plan)
    found = {}
    for node, mean in zip(biased, wanted, strict=True):
        bias = held.bias(known.name(node.outputs[0]))
        (given,) = held.of([bias.summed])
        # What is rounded to five bits may become larger by one part in 32.
        most = np.floor(rounding.most(node, plan) / bias.steps * 31 / 32)
        added = digits.rounded(np.rint((mean - given) / bias.steps).clip(-most, most).astype(np.int64))
        kernel = grid.of_weights(known.constant(node.inputs[1]), places.kernel_axis(node), bits=plan.weight_bits)
        sizes = np.abs(np.asarray(added) * rounding.steps(node, plan, kernel.scales))
        if sizes.max(initial=0.0) > rounding.most(node, plan):
            continue  # rounding the weights again found other steps: the bias stays as it is
        bias.add(added)
        if any(added):
            found[known.name(places.written(node))] = added
    return found


@dataclass(frozen=True)
class _Bias:
    """The bias of a kernel in a graph that holds a plan.

    Attributes:
        summed: name of what the kernel writes there.
        integers: int32 [O].
        steps: float64 [O].
    """

    summed: str
    integers: ir.Value
    steps: Float64

    def add(self, added: tuple[int, ...]) -> None:
        """Changes it in the graph."""
        changed = (known.constant(self.integers) + np.asarray(added, np.int64)).astype(np.int32)
        self.integers.const_value = ir.tensor(changed, name=self.integers.name)


class _Means:
    """Means of the channels of a graph's values, over images and pixels.

    Args:
        model: canonical form.
        inputs: the images.
        plan: of it; None for the network in float32.
    """

    def __init__(self, model: ir.Model, inputs: Examples, plan: Plan | None = None) -> None:
        self._model, self._count = calibration.of_batch(model, _AT_ONCE, rows=inputs.rows)
        self._inputs = inputs
        # What a kernel writes has another name where it is rounded.
        self._nodes = {node.outputs[0].name: node for node in self._model.graph if node.op_type in places.WEIGHTED}
        if plan is not None:
            insert.insert(self._model, replace(plan, io=Io.FLOAT))  # the images are real numbers

    def bias(self, name: str) -> _Bias:
        """The bias of the kernel that writes a value, by its name in the plan's graph."""
        node = self._nodes[name]
        dequantized = known.producer(node.inputs[2])
        steps = known.constant(dequantized.inputs[1]).astype(np.float64)
        return _Bias(known.name(node.outputs[0]), known.operand(dequantized, 0), steps)

    def of(self, names: Sequence[str]) -> list[Float64]:
        """The means [C] of values [N, C, ...]; nothing is computed that these do not need."""
        model = self._model.clone()
        values = {value.name: value for node in model.graph for value in node.outputs}
        means = []
        for name in names:
            value = values[name]
            axes = g.initializer(model.graph, f"{name}/axes", np.arange(2, len(known.shape(value)), dtype=np.int64))
            mean = ir.val(f"{name}/mean", dtype=ir.DataType.FLOAT)
            attributes = {"keepdims": 0, "noop_with_empty_axes": 1}
            model.graph.append(ir.node("ReduceMean", [value, axes], attributes, outputs=[mean], name=mean.name))
            means.append(mean)
        model.graph.outputs[:] = means
        common.RemoveUnusedNodesPass()(model)
        runner = OnnxRuntime().load(ir.to_proto(model).SerializeToString(), integers=False)
        sums: list[Float64] = [np.zeros(1)] * len(names)
        rows = 0
        for given, used in self._inputs.runs(self._count):
            ran = [array[: used if self._inputs.rows else None].astype(np.float64) for array in runner.run(given)]
            sums = [one + array.sum(0) for one, array in zip(sums, ran, strict=True)]
            rows += len(ran[0]) if ran else 0
        return [one / max(rows, 1) for one in sums]
