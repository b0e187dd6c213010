"""On which grid each tensor is: those of the plan, and those that parts of a movement take over from its ends.

What only moves numbers commutes with rounding. So a part of a movement may be on the grid of what it is made of, or of
what is made of it, and the bytes of integers are moved.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.integers.rules import BOUNDS, RULES
from ssc_deploy.emit.tflite.order import FLOAT
from ssc_deploy.quantize.grid import HIGH, LOW
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ssc_deploy.emit.tflite.flatbuffer import Operation, Writer
    from ssc_deploy.quantize.grid import Grid


def moves(writer: Writer, operation: Operation) -> bool:
    """Whether an operator only moves or compares numbers."""
    rule = RULES.get(operation.code)
    if rule is None or any(writer.tensors[i].dtype != FLOAT for i in operation.outputs):
        return False
    return rule.same or is_movement(writer, operation)


def is_movement(writer: Writer, operation: Operation) -> bool:
    """Whether a depthwise convolution takes one pixel for each output as it is."""
    if operation.code != schema.BuiltinOperator.DEPTHWISE_CONV_2D or operation.options.fusedActivationFunction:
        return False
    kernel, bias = (writer.tensors[i] for i in operation.inputs[1:3])
    if kernel.data is None or bias.data is None or np.any(bias.array):
        return False
    taps = kernel.array.reshape(-1, kernel.shape[-1])
    return bool(np.isin(taps, (0, 1)).all() and (taps.sum(0) <= 1).all())


def of_tensors(writer: Writer, planned: Mapping[int, Grid], fixed: Iterable[int]) -> dict[int, Grid]:
    """The grid of each tensor that has one.

    Args:
        writer: with the operators.
        planned: grids of the tensors that hold values of the plan.
        fixed: tensors that get no grid but the plan's: inputs and outputs of the file.
    """
    grids = dict(planned)
    moving = [one for one in writer.operations if moves(writer, one)]
    readers: dict[int, list[Operation]] = {}
    for one in writer.operations:
        for tensor in one.inputs:
            readers.setdefault(tensor, []).append(one)
    kept = set(fixed)
    changed = True
    while changed:
        changed = False
        for one in moving:
            read = {grids.get(i) for i in _data(writer, one)}
            free = [i for i in one.outputs if i not in grids and i not in kept]
            if free and len(read) == 1 and (grid := read.pop()) is not None:
                grids.update(dict.fromkeys(free, grid))
                changed = True
        for one in reversed(writer.operations):
            for tensor in one.inputs:
                if tensor in grids or tensor in kept or writer.tensors[tensor].dtype != FLOAT:
                    continue
                wanted = {_passed_on(writer, reader, grids) for reader in readers[tensor]}
                if writer.tensors[tensor].data is None and len(wanted) == 1 and (grid := wanted.pop()) is not None:
                    grids[tensor] = grid
                    changed = True
    return grids


def is_done_by_ends(writer: Writer, operation: Operation, grid: Grid) -> bool:
    """Whether an operator only cuts off what the grid does not have."""
    bounds = BOUNDS.get(operation.code)
    if operation.code in {schema.BuiltinOperator.MAXIMUM, schema.BuiltinOperator.MINIMUM}:
        constants = [tensor for i in operation.inputs if (tensor := writer.tensors[i]).data is not None]
        if len(constants) == 1 and constants[0].dtype == FLOAT and math.prod(constants[0].shape) == 1:
            bound = float(constants[0].array.item())
            is_low = operation.code == schema.BuiltinOperator.MAXIMUM
            bounds = (bound, math.inf) if is_low else (-math.inf, bound)
    if bounds is None:
        return False
    low, high = np.nan_to_num(bounds, posinf=grid.high, neginf=grid.low)
    return bool(grid.integers(low) == LOW and grid.integers(high) == HIGH)


def _passed_on(writer: Writer, operation: Operation, grids: Mapping[int, Grid]) -> Grid | None:
    """The grid of what an operator writes, if that may be the grid of what it reads, too."""
    of_outputs = {grids.get(i) for i in operation.outputs}
    grid = of_outputs.pop() if len(of_outputs) == 1 else None
    if grid is None or not (moves(writer, operation) or is_done_by_ends(writer, operation, grid)):
        return None
    return grid


def _data(writer: Writer, operation: Operation) -> list[int]:
    """The computed tensors whose numbers an operator reads."""
    inputs = [operation.inputs[i] for i in RULES[operation.code].numbers(operation.inputs)]
    return [i for i in inputs if writer.tensors[i].data is None]
