"""Holds kernels in fewer bits, with a DEQUANTIZE behind each that gives the same float32 numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.flatbuffer import Operation, Scales
from ssc_deploy.emit.tflite.integers.rules import RULES
from ssc_deploy.emit.tflite.order import FLOAT
from ssc_deploy.quantize import weights
from ssc_deploy.quantize.plan import Mode
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.flatbuffer import Writer


def rewrite(writer: Writer, mode: Mode) -> None:
    """Changes the kernels of a file; those whose numbers would change stay float32.

    Args:
        writer: with all operators.
        mode: of `weights.COMPACT`.
    """
    real: dict[int, int | None] = {}
    made = []
    for operation in writer.operations:
        rule = RULES.get(operation.code)
        if rule is None or rule.kernel is None:
            continue
        index = operation.inputs[rule.kernel.index]
        if index not in real:
            short = _short(writer, index, rule.kernel.axis, mode)
            real[index] = None
            if short is not None:
                tensor = writer.tensors[index]
                real[index] = writer.tensor(writer.invent(f"{tensor.name}/real"), tensor.shape, FLOAT)
                # Version 3 is the first for float16, 5 the first for a scale for each channel.
                version = 3 if mode is Mode.FLOAT16 else 5
                options = schema.DequantizeOptionsT()
                made.append(Operation(schema.BuiltinOperator.DEQUANTIZE, [short], [real[index] or 0], options, version))
        operation.inputs[rule.kernel.index] = real[index] or index
    writer.operations[:0] = made


def _short(writer: Writer, index: int, axis: int, mode: Mode) -> int | None:
    """The constant that holds a kernel's numbers in fewer bits."""
    tensor = writer.tensors[index]
    if tensor.data is None or tensor.dtype != FLOAT:
        return None
    if mode is Mode.FLOAT16:
        halves = weights.as_float16(tensor.array)
        return None if halves is None else writer.constant(tensor.name, halves)
    kernel = weights.as_int8(tensor.array, axis)
    if kernel is None:
        return None
    scales = Scales(tuple(np.asarray(kernel.scales).tolist()), (0,) * len(kernel.scales), axis)
    return writer.constant(tensor.name, kernel.integers, scales)
