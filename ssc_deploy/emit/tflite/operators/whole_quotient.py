"""Quotients of 64-bit whole numbers, which TFLite's DIV does not take, by division in float32 and correction.

    q = 0,  e = a
    three times:  d = round(float32(e) / float32(b)),  q = q + d,  e = e - d * b
    q = q - sign(a / b)  where e is not 0 and its sign is not that of a

Each step leaves an e of at most |b| / 2 or 2**-21 of what it was, so that three are enough for 64 bits. The last line
rounds towards zero, as Div of ONNX does.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

if TYPE_CHECKING:
    from ssc_deploy.emit.tflite.formula import Formula

#: The largest float32 that is an int64.
_LARGEST = float(np.nextafter(np.float32(2**63), np.float32(0)))

_STEPS = 3


def write(f: Formula) -> None:
    """Writes the quotient of the formula's two inputs, int64 both."""
    a, b = f.input(0), f.input(1)
    divisor = _cast(f, b, np.float32)
    rest, steps = a, []
    for _ in range(_STEPS):
        ratio = f.op("Round", f.op("Div", _cast(f, rest, np.float32), divisor))
        step = _cast(f, f.op("Min", f.op("Max", ratio, -_LARGEST), _LARGEST), np.int64)
        steps.append(step)
        rest = f.op("Sub", rest, f.op("Mul", step, b))
    quotient = functools.reduce(lambda total, step: f.op("Add", total, step), steps)
    negative = f.op("Less", a, 0)
    beyond = f.op("And", f.op("Not", f.op("Equal", rest, 0)), f.op("Xor", f.op("Less", rest, 0), negative))
    # Of a bool, Cast makes 0 or 1.
    sign = f.op("Sub", 1, f.op("Mul", _cast(f, f.op("Xor", negative, f.op("Less", b, 0)), np.int64), 2))
    f.give(f.op("Sub", quotient, f.op("Mul", _cast(f, beyond, np.int64), sign)))


def _cast(f: Formula, value: ir.Value, dtype: type[np.generic]) -> ir.Value:
    return f.op("Cast", value, to=ir.DataType.from_numpy(np.dtype(dtype)).value)
