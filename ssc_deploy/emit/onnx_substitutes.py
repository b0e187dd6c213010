"""Operators that an older opset does not have yet, by those that it has: one function an operator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import known
from ssc_deploy.ir.builder import Place

if TYPE_CHECKING:
    from collections.abc import Callable


class _Formula:
    """A replacement whose operators are of the node's own shape and take numbers as well as values."""

    def __init__(self, node: ir.Node) -> None:
        self.x, self._place = known.data(node), Place(node)

    def op(self, op_type: str, *operands: ir.Value | float, **attributes: Any) -> ir.Value:
        """An operator on values and numbers."""
        label = f"{op_type.lower()}_{len(self._place.nodes)}"
        values = [v if isinstance(v, ir.Value) else self._number(f"{label}_{i}", v) for i, v in enumerate(operands)]
        return self._place.op(op_type, values, attributes, label=label)

    def stand_in(self) -> None:
        """Puts the last operator's output in the place of the node's; it takes its name."""
        self._place.finish(self._place.result)

    def _number(self, label: str, number: float) -> ir.Value:
        dtype = self.x.dtype.numpy() if self.x.dtype is not None else np.float32
        return self._place.constant(label, np.array(number, dtype))


def _gelu(node: ir.Node) -> None:
    """Gives x / 2 * (1 + erf(x / sqrt(2))), or with tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)) for the erf."""
    f = _Formula(node)
    if node.attributes.get_string("approximate", "none") == "tanh":
        cube = f.op("Mul", f.op("Mul", f.op("Mul", f.x, f.x), f.x), 0.044715)
        gate = f.op("Tanh", f.op("Mul", f.op("Add", f.x, cube), math.sqrt(2 / math.pi)))
    else:
        gate = f.op("Erf", f.op("Div", f.x, math.sqrt(2)))
    f.op("Mul", f.op("Mul", f.x, f.op("Add", gate, 1.0)), 0.5)
    f.stand_in()


def _hard_swish(node: ir.Node) -> None:
    """Gives x * max(0, min(1, x / 6 + 1 / 2))."""
    f = _Formula(node)
    f.op("Mul", f.x, f.op("HardSigmoid", f.x, alpha=1 / 6, beta=0.5))
    f.stand_in()


def _mish(node: ir.Node) -> None:
    """Gives x * tanh(log(1 + e^x))."""
    f = _Formula(node)
    f.op("Mul", f.x, f.op("Tanh", f.op("Softplus", f.x)))
    f.stand_in()


#: By the operator that they stand in for; all exist since opset 13 or earlier.
SUBSTITUTES: dict[str, Callable[[ir.Node], None]] = {"Gelu": _gelu, "HardSwish": _hard_swish, "Mish": _mish}
