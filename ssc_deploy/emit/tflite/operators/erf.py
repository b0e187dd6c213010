"""The error function as a quotient of polynomials.

    erf(x) = x P(x^2) / Q(x^2)    with x kept within -L and L, where the rest is 1 but for 3e-8

P and Q of degree 5 were fitted by least squares with weights that even out the relative error, which is 2e-8; in
float32 the result is off by at most 3.5e-7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from ssc_deploy.emit.tflite.formula import Formula

_L = 3.92

# The lowest power first.
_P = (
    1.12837915,
    0.190395139,
    0.0527472977,
    0.00376515765,
    0.000284876425,
    2.05021928e-06,
)
_Q = (
    1,
    0.502066041,
    0.114104496,
    0.0149682859,
    0.00116243229,
    3.8092775e-05,
)


def written(f: Formula, x: ir.Value) -> ir.Value:
    """Writes the quotient for ``x``."""
    x = f.op("Min", f.op("Max", x, -_L), _L)
    square = f.op("Mul", x, x)
    return f.op("Div", f.op("Mul", x, _polynomial(f, square, _P)), _polynomial(f, square, _Q))


def _polynomial(f: Formula, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    *rest, first, last = coefficients
    result = f.op("Add", f.op("Mul", x, last), first)
    for number in reversed(rest):
        result = f.op("Add", f.op("Mul", result, x), number)
    return result
