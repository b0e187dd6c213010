"""Activations that are written as formulas become the operator of their own, which runtimes have one kernel for.

    x / 2 * (1 + erf(x / sqrt(2)))                              = Gelu(x)
    x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))     = Gelu(x), approximate
    Where(c(x), x, f(x)) = f(x)                                 if both are the same wherever c holds

The last is how PyTorch's Softplus is exported, which gives x itself beyond a threshold. A formula is recognised by what
it computes: it is evaluated in float64 on numbers of either sign and of many sizes, however it is spelled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Numbers = npt.NDArray[np.float64]

#: Where formulas are compared.
_X: Numbers = np.concatenate([np.linspace(-40, 40, 1601), [-100, -60, 60, 100], np.logspace(-6, -1, 6)])

#: Relative to the size of x: constants are float32.
_ALIKE = 1e-6

#: Nodes that are looked at behind one another.
_NODES = 16

#: The opset that has Gelu.
_GELU_OPSET = 20

_erf = np.vectorize(math.erf, otypes=[np.float64])

_COMPUTED: dict[str, Callable[..., Numbers]] = {
    "Abs": np.abs,
    "Add": np.add,
    "Div": np.divide,
    "Erf": _erf,
    "Exp": np.exp,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Pow": np.power,
    "Softplus": lambda x: np.logaddexp(x, 0),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Where": np.where,
}


def _gelu(x: Numbers) -> Numbers:
    return np.asarray(x / 2 * (1 + _erf(x / math.sqrt(2))))


def _gelu_by_tanh(x: Numbers) -> Numbers:
    return np.asarray(x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


class RecogniseActivations(ir.passes.InPlacePass):
    """Rewrites formulas; see the module's docstring. What only they read is left for `Tidy` to remove."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        has_gelu = model.graph.opset_imports.get("", 0) >= _GELU_OPSET
        for node in reversed(list(model.graph)):
            if node.op_type == "Where":
                modified |= _without_where(node)
            elif node.op_type == "Mul" and has_gelu:
                modified |= _as_gelu(node)
        return ir.passes.PassResult(model, modified)


def _without_where(node: ir.Node) -> bool:
    chosen = node.inputs[2]
    for x in _leaves(node.outputs[0]):
        computed, other = _evaluated(node.outputs[0], x), _evaluated(chosen, x)
        if computed is not None and other is not None and _are_alike(computed, other, 1e-9):
            assert chosen is not None  # it was evaluated
            if g.shape_of(chosen) != g.shape_of(node.outputs[0]):
                return False
            Builder(node).replace(chosen)
            return True
    return False


def _as_gelu(node: ir.Node) -> bool:
    for x in _leaves(node.outputs[0]):
        computed = _evaluated(node.outputs[0], x)
        if computed is None or x.dtype != ir.DataType.FLOAT or g.shape_of(x) != g.shape_of(node.outputs[0]):
            continue
        for formula, attributes in ((_gelu, {}), (_gelu_by_tanh, {"approximate": "tanh"})):
            if _are_alike(computed, formula(_X), _ALIKE):
                builder = Builder(node)
                builder.replace(builder.op("Gelu", [x], attributes))
                return True
    return False


def _are_alike(a: Numbers, b: Numbers, tolerance: float) -> bool:
    return bool((np.abs(a - b) <= tolerance * np.maximum(1e-2, np.abs(_X))).all())


def _leaves(root: ir.Value) -> Iterator[ir.Value]:
    """Values before ``root`` that it may be a formula of: those that are read more than once, the nearest first."""
    seen: dict[ir.Value, int] = {}
    waiting, found = [root], 0
    while waiting and found < _NODES:
        producer = waiting.pop(0).producer()
        if producer is None or producer.op_type not in _COMPUTED:
            continue
        found += 1
        for value in producer.inputs:
            if value is not None and g.constant(value) is None:
                seen[value] = seen.get(value, 0) + 1
                if seen[value] == 1:
                    waiting.append(value)
    return (value for value, count in seen.items() if count > 1)


def _evaluated(root: ir.Value | None, x: ir.Value) -> Numbers | None:
    """What ``root`` is for the numbers `_X` in place of ``x``; None if it depends on anything else."""
    known: dict[ir.Value, Numbers] = {x: _X}
    left = _NODES

    def evaluate(value: ir.Value | None) -> Numbers | None:
        nonlocal left
        if value is None or value in known:
            return None if value is None else known[value]
        array, producer = g.constant(value), value.producer()
        if array is not None:
            return np.asarray(array.reshape(-1)[0], np.float64) if array.size == 1 else None
        if producer is None or producer.op_type not in _COMPUTED or not left:
            return None
        left -= 1
        inputs = [evaluate(one) for one in producer.inputs]
        if any(one is None for one in inputs):
            return None
        with np.errstate(all="ignore"):
            known[value] = _COMPUTED[producer.op_type](*inputs)
        return known[value]

    found = evaluate(root)
    return None if found is None else np.broadcast_to(found, _X.shape)
