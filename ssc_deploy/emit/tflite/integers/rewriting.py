"""Goes over the operators of a file and lets those compute in integers whose tensors are on grids."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.flatbuffer import Operation, Scales
from ssc_deploy.emit.tflite.integers import grids as grids_of
from ssc_deploy.emit.tflite.integers.rules import RULES, is_pool_of_whole_image
from ssc_deploy.emit.tflite.order import FLOAT
from ssc_deploy.quantize import grid as quantized
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssc_deploy.emit.tflite.flatbuffer import Tensor, Writer
    from ssc_deploy.emit.tflite.integers.rules import Rule
    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.plan import Plan

_OP = schema.BuiltinOperator
_INT8 = np.dtype(np.int8)


def rewrite(
    writer: Writer, planned: Mapping[int, Grid], plan: Plan, inputs: dict[str, int], outputs: dict[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Lets a file compute in integers where the plan says so.

    The integers of a value carry its name. Where the file's inputs and outputs are float32, their integers are
    ``<name>/integers``.

    Args:
        writer: with the tensors and operators of the whole file in float32; they are changed.
        planned: the grids of those tensors that hold values of the plan.
        plan: bits of weights, and the type of inputs and outputs.
        inputs: tensor index of each input of the file, by its name.
        outputs: likewise.

    Returns:
        the new inputs and outputs.
    """
    return _Rewriting(writer, planned, plan, inputs, outputs).run()


class _Rewriting:
    def __init__(
        self,
        writer: Writer,
        planned: Mapping[int, Grid],
        plan: Plan,
        inputs: dict[str, int],
        outputs: dict[str, int],
    ) -> None:
        self._writer, self._plan, self._inputs, self._outputs = writer, plan, inputs, outputs
        self._planned = planned
        self._grids = grids_of.of_tensors(writer, planned, [*inputs.values(), *outputs.values()])
        self._real: dict[int, int] = {}
        self._converted: dict[tuple[int, Grid], int] = {}
        self._same_as: dict[int, int] = {}
        self._done: list[Operation] = []

    def run(self) -> tuple[dict[str, int], dict[str, int]]:
        """See `rewrite`."""
        writer = self._writer
        for tensor, grid in self._grids.items():
            writer.tensors[tensor].dtype, writer.tensors[tensor].scales = _INT8, _scales(grid)
        before, writer.operations = writer.operations, self._done
        inputs = {name: self._input(tensor) for name, tensor in self._inputs.items()}
        for operation in before:
            operation.inputs = [self._same_as.get(i, i) for i in operation.inputs]
            rule = RULES.get(operation.code)
            if self._is_done_by_ends(operation):
                self._cut_off(operation)
            elif rule is None or not self._fits(operation, rule):
                self._in_float(operation)
            elif rule.same or grids_of.is_movement(writer, operation):
                self._moved(operation, rule)
            else:
                self._computed(operation, rule)
        outputs = {name: self._same_as.get(tensor, tensor) for name, tensor in self._outputs.items()}
        return inputs, {name: self._output(tensor) for name, tensor in outputs.items()}

    def _is_done_by_ends(self, operation: Operation) -> bool:
        if len(operation.outputs) != 1 or operation.outputs[0] not in self._grids:
            return False
        return grids_of.is_done_by_ends(self._writer, operation, self._grids[operation.outputs[0]])

    def _cut_off(self, operation: Operation) -> None:
        """An activation that cuts off where the output's grid ends: nothing, or the way to that grid."""
        (output,) = operation.outputs
        (given,) = (i for i in operation.inputs if self._tensor(i).data is None)
        if given not in self._grids:
            self._quantize(given, output)
        elif self._grids[given] != self._grids[output]:
            self._quantize(self._real_of(given), output)
        elif given in {*self._inputs.values(), *self._planned}:
            self._done.append(self._copy(given, output))
        else:
            self._same_as[output] = given
            self._writer.rename(given, self._tensor(output).name)

    def _copy(self, given: int, output: int) -> Operation:
        shape = self._tensor(output).shape
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        sizes = self._writer.constant(f"{self._tensor(output).name}/shape", np.array(shape, np.int32))
        return Operation(_OP.RESHAPE, [given, sizes], [output], options)

    def _fits(self, operation: Operation, rule: Rule) -> bool:
        """Whether an operator can compute in integers with the grids that its tensors have."""
        data = [operation.inputs[i] for i in rule.numbers(operation.inputs)]
        computed = [i for i in data if self._tensor(i).data is None]
        if not computed or any(i not in self._grids for i in [*computed, *operation.outputs]):
            return False
        if rule.same or grids_of.is_movement(self._writer, operation):
            return True
        if rule.output is not None:
            return all(self._grids[i] == rule.output for i in operation.outputs)
        if rule.kernel is not None:
            constant = all(
                self._tensor(operation.inputs[i]).data is not None for i in (rule.kernel.index, rule.kernel.bias)
            )
            return constant and operation.has_integer_kernel
        if operation.code == _OP.AVERAGE_POOL_2D:
            return bool(operation.options.padding == schema.Padding.VALID)
        return True

    def _in_float(self, operation: Operation) -> None:
        """Gives an operator the real numbers, and rounds what it writes."""
        inputs = [self._real_of(i) if i in self._grids else i for i in operation.inputs]
        rounded = [i for i in operation.outputs if i in self._grids]
        sums = {i: self._like(i, f"{self._tensor(i).name}/sum", FLOAT) for i in rounded}
        outputs = [sums.get(i, i) for i in operation.outputs]
        self._done.append(dataclasses.replace(operation, inputs=inputs, outputs=outputs))
        for i in rounded:
            self._quantize(sums[i], i)

    def _moved(self, operation: Operation, rule: Rule) -> None:
        """Integers on one grid."""
        grid = self._grids[operation.outputs[0]]
        inputs = list(operation.inputs)
        for i in rule.numbers(inputs):
            tensor = self._tensor(inputs[i])
            inputs[i] = self._constant(tensor, grid) if tensor.data is not None else self._on(inputs[i], grid)
        if rule.kernel is not None:
            inputs[rule.kernel.index], inputs[rule.kernel.bias] = self._kernel(operation, rule, grid)
        version = max(operation.version, rule.version)
        self._done.append(dataclasses.replace(operation, inputs=inputs, version=version))

    def _computed(self, operation: Operation, rule: Rule) -> None:
        inputs = list(operation.inputs)
        if operation.code == _OP.AVERAGE_POOL_2D:
            self._pool(operation)
            return
        for i in rule.numbers(inputs):
            tensor = self._tensor(inputs[i])
            if tensor.data is not None:
                inputs[i] = self._constant(tensor, quantized.of_constant(tensor.array))
        if rule.kernel is not None:
            grid = self._grids[inputs[rule.numbers(inputs)[0]]]
            inputs[rule.kernel.index], inputs[rule.kernel.bias] = self._kernel(operation, rule, grid)
        version = max(operation.version, rule.version)
        self._done.append(dataclasses.replace(operation, inputs=inputs, version=version))

    def _kernel(self, operation: Operation, rule: Rule, data: Grid) -> tuple[int, int]:
        """Kernel and bias in integers, for data on a grid."""
        assert rule.kernel is not None  # only such operators come here
        weight, bias = (self._tensor(operation.inputs[i]) for i in (rule.kernel.index, rule.kernel.bias))
        kernel = quantized.of_weights(weight.array, rule.kernel.axis, bits=self._plan.weight_bits)
        steps = kernel.scales * np.float32(data.scale)
        integers = quantized.bias_integers(bias.array, steps.astype(np.float64))
        return (
            self._writer.constant(weight.name, kernel.integers, _symmetric(kernel.scales, rule.kernel.axis)),
            self._writer.constant(bias.name, integers, _symmetric(steps, 0)),
        )

    def _pool(self, operation: Operation) -> None:
        """The mean of windows: MEAN of the whole image; else a depthwise convolution, since a pool keeps its grid."""
        (image,), options, (output,) = operation.inputs, operation.options, operation.outputs
        shape, name = self._tensor(image).shape, self._tensor(output).name
        if is_pool_of_whole_image(shape, options) and not options.fusedActivationFunction:
            axes = self._writer.constant(f"{name}/axes", np.array([1, 2], np.int32))
            reducer = schema.ReducerOptionsT()
            reducer.keepDims = True
            self._done.append(Operation(_OP.MEAN, [image, axes], [output], reducer, 2))
            return
        depthwise = schema.DepthwiseConv2DOptionsT()
        depthwise.padding, depthwise.depthMultiplier = options.padding, 1
        depthwise.strideH, depthwise.strideW = options.strideH, options.strideW
        depthwise.dilationHFactor = depthwise.dilationWFactor = 1
        depthwise.fusedActivationFunction = options.fusedActivationFunction
        taps, channels = (options.filterHeight, options.filterWidth), shape[-1]
        scales = np.full(channels, 1 / np.prod(taps), np.float32)
        kernel = self._writer.constant(f"{name}/filter", np.ones((1, *taps, channels), np.int8), _symmetric(scales, 3))
        steps = scales * np.float32(self._grids[image].scale)
        bias = self._writer.constant(f"{name}/bias", np.zeros(channels, np.int32), _symmetric(steps, 0))
        self._done.append(Operation(_OP.DEPTHWISE_CONV_2D, [image, kernel, bias], [output], depthwise, 3))

    def _constant(self, tensor: Tensor, grid: Grid) -> int:
        return self._writer.constant(tensor.name, grid.integers(tensor.array), _scales(grid))

    def _on(self, tensor: int, grid: Grid) -> int:
        """A tensor on another grid."""
        if self._grids[tensor] == grid:
            return tensor
        if (tensor, grid) not in self._converted:
            name = f"{self._tensor(tensor).name}/converted"
            self._converted[tensor, grid] = self._like(tensor, name, _INT8, _scales(grid))
            self._quantize(self._real_of(tensor), self._converted[tensor, grid])
        return self._converted[tensor, grid]

    def _real_of(self, tensor: int) -> int:
        """The real numbers that integers stand for."""
        if tensor not in self._real:
            self._real[tensor] = self._like(tensor, f"{self._tensor(tensor).name}/real", FLOAT)
            self._dequantize(tensor, self._real[tensor])
        return self._real[tensor]

    def _input(self, tensor: int) -> int:
        if tensor not in self._grids or self._plan.io is Io.INT8:
            return tensor
        name = self._tensor(tensor).name
        self._writer.rename(tensor, f"{name}/integers")
        given = self._like(tensor, name, FLOAT, invent=False)
        self._quantize(given, tensor)
        return given

    def _output(self, tensor: int) -> int:
        if tensor not in self._grids or self._plan.io is Io.INT8:
            return tensor
        name = self._tensor(tensor).name
        self._writer.rename(tensor, f"{name}/integers")
        if tensor not in self._real:
            return self._real_of_output(tensor, name)
        self._writer.rename(self._real[tensor], name)
        return self._real[tensor]

    def _real_of_output(self, tensor: int, name: str) -> int:
        real = self._like(tensor, name, FLOAT, invent=False)
        self._dequantize(tensor, real)
        return real

    def _tensor(self, tensor: int) -> Tensor:
        return self._writer.tensors[tensor]

    def _like(
        self, tensor: int, name: str, dtype: np.dtype[np.generic], scales: Scales | None = None, *, invent: bool = True
    ) -> int:
        name = self._writer.invent(name) if invent else name
        return self._writer.tensor(name, self._tensor(tensor).shape, dtype, scales)

    def _quantize(self, real: int, integers: int) -> None:
        self._done.append(Operation(_OP.QUANTIZE, [real], [integers], schema.QuantizeOptionsT(), 1))

    def _dequantize(self, integers: int, real: int) -> None:
        self._done.append(Operation(_OP.DEQUANTIZE, [integers], [real], schema.DequantizeOptionsT(), 2))


def _scales(grid: Grid) -> Scales:
    return Scales((grid.scale,), (grid.zero_point,))


def _symmetric(scales: np.ndarray[tuple[int], np.dtype[np.float32]], axis: int) -> Scales:
    return Scales(tuple(scales.tolist()), (0,) * len(scales), axis)
