"""The arc tangent of a quotient x / y with y >= 0, by a polynomial between 0 and 1.

    t = min(|x|, y) / max(|x|, y),   p = t P(t^2) = atan(t),   |atan(x / y)| = p, or pi / 2 - p where |x| > y

P of degree 9 was fitted by least squares with weights that even out the relative error, which is 3e-9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.formula import Formula

# The lowest power first.
_P = (
    0.999999998,
    -0.333332836,
    0.199982659,
    -0.142619319,
    0.109420244,
    -0.0837729727,
    0.0575517925,
    -0.03080429,
    0.0107267799,
    -0.00175389359,
)

#: Times this, the smallest difference of two numbers near 1 is beyond 1, and so is the smallest normal number.
_STEEP = 1e30, 1e38


def tangent(f: Formula, x: ir.Value) -> ir.Value:
    """Writes atan(x)."""
    return tangent_of_quotient(f, x, 1.0)


def tangent_of_quotient(f: Formula, x: ir.Value, y: ir.Value | float) -> ir.Value:
    """Writes atan(x / y); where both are 0 there is no result."""
    size = f.op("Abs", x)
    t = f.op("Div", f.op("Min", size, y), f.op("Max", size, y))
    square = f.op("Mul", t, t)
    *rest, first, last = _P
    polynomial = f.op("Add", f.op("Mul", square, last), first)
    for number in reversed(rest):
        polynomial = f.op("Add", f.op("Mul", polynomial, square), number)
    p = f.op("Mul", t, polynomial)
    beyond = f.op("Min", f.op("Max", f.op("Mul", f.op("Sub", size, y), _STEEP[0]), 0.0), 1.0)
    total = f.op("Add", p, f.op("Mul", beyond, f.op("Sub", math.pi / 2, f.op("Mul", p, 2.0))))
    sign = f.op("Min", f.op("Max", f.op("Mul", x, _STEEP[1]), -1.0), 1.0)
    return f.op("Mul", total, sign)
