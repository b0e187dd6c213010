"""LSTM, GRU and RNN, step by step for the length that they were captured with.

TFLite's own keep their state from one inference to the next, so that a second one would see the first. Here every step
is a few operators; what the input contributes to all steps is one product before them.

    LSTM    i, o, f = sigmoid(W x + R h + b)    g = tanh(W x + R h + b)    c' = f c + i g    h' = o tanh(c')
    GRU     z, r = sigmoid(W x + R h + b)    n = tanh(W x + b + r (R h + b'))    h' = (1 - z) n + z h
    RNN     h' = tanh(W x + R h + b)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy.emit.tflite.formula import Formula, Operand, integers
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.emit.tflite.graph import Graph

Array = npt.NDArray[Any]

#: Gates of each kind, and the activations that are written.
_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
_ACTIVATIONS = {"GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "RNN": ["Tanh"]}


@operator("LSTM", "GRU", "RNN")
def recurrent(graph: Graph, node: ir.Node) -> None:
    """FULLY_CONNECTED, LOGISTIC, TANH, MUL and ADD for each step of the fixed length.

    See the module's docstring.
    """
    f = Formula(graph, node)
    x = f.input(0)
    if node.attributes.get_int("layout", 0):
        raise refuse(node, "its layout is 1; write the sequence's steps first")
    if f.has_input(4) and (graph.constant_input(node, 4) != f.shape(x)[0]).any():
        raise refuse(node, "its sequences are of several lengths (sequence_lens)")
    if f.has_input(7) and graph.constant_input(node, 7).any():
        raise refuse(node, "its gates look at the cell (peepholes)")
    if node.attributes.get_float("clip", 0.0) or node.attributes.get_int("input_forget", 0):
        raise refuse(node, "it has a clip, or joins input and forget gate")
    direction = node.attributes.get_string("direction", "forward")
    ways = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[direction]
    _check_activations(node, len(ways))
    weights, recurrences = graph.float_input(node, 1), graph.float_input(node, 2)
    gates = _GATES[node.op_type]
    hidden = recurrences.shape[-1]
    biases = graph.float_input(node, 3) if f.has_input(3) else np.zeros((len(ways), 2 * gates * hidden), np.float32)
    outputs, states, cells = [], [], []
    for way, backwards in enumerate(ways):
        parameters = _Parameters(weights[way], recurrences[way], *np.split(biases[way], 2))
        cell = _CELLS[node.op_type](f, node, parameters)
        h, c = (_initial(f, index, way) for index in (5, 6))
        steps = cell.contributions(x)
        found: list[ir.Value] = []
        for step in reversed(steps) if backwards else steps:
            h, c = cell.step(step, h, c)
            found.append(h)
        if node.outputs[0].uses() or node.outputs[0].is_graph_output():
            rows = [f.op("Unsqueeze", one, integers(0, 1)) for one in (reversed(found) if backwards else found)]
            outputs.append(f.op("Concat", *rows, axis=0))
        states.append(f.op("Unsqueeze", found[-1], integers(0)))
        if c is not None and node.op_type == "LSTM":
            cells.append(f.op("Unsqueeze", c, integers(0)))
    for index, (parts, axis) in enumerate(((outputs, 1), (states, 0), (cells, 0))):
        if parts and index < len(node.outputs) and node.outputs[index].name:
            f.give(f.op("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0], index)


def _check_activations(node: ir.Node, ways: int) -> None:
    given = node.attributes.get_strings("activations", ())
    if list(given) not in ([], _ACTIVATIONS[node.op_type] * ways, ["Relu"] * ways if node.op_type == "RNN" else []):
        raise refuse(node, f"its activations are {', '.join(given)}")


def _initial(f: Formula, index: int, way: int) -> ir.Value | None:
    """The state that a direction begins with [N, hidden]; None if it is zero."""
    if not f.has_input(index):
        return None
    state = f.input(index)
    array = f.constant(state)
    if array is not None and not array.any():
        return None
    return f.op("Gather", state, np.array(way, np.int64), axis=0)


@dataclass(frozen=True)
class _Parameters:
    """Of one direction.

    Attributes:
        weight: W [gates * hidden, inputs].
        recurrence: R [gates * hidden, hidden].
        bias: of W [gates * hidden].
        bias_of_recurrence: of R, likewise.
    """

    weight: Array
    recurrence: Array
    bias: Array
    bias_of_recurrence: Array


class _Cell:
    """One direction.

    Args:
        f: where the operators go.
        node: that is written.
        parameters: of the direction.
    """

    def __init__(self, f: Formula, node: ir.Node, parameters: _Parameters) -> None:
        self.f, self.node, self.parameters = f, node, parameters
        self.hidden = parameters.recurrence.shape[-1]

    def contributions(self, x: ir.Value) -> list[ir.Value]:
        """W x + b of each step, [N, gates * hidden]."""
        f = self.f
        rows = f.op("Add", f.op("MatMul", x, np.ascontiguousarray(self.parameters.weight.T)), self.of_input())
        return [f.op("Gather", rows, np.array(step, np.int64), axis=0) for step in range(f.shape(x)[0])]

    def of_input(self) -> Array:
        """The bias that is added before the steps."""
        return np.asarray(self.parameters.bias + self.parameters.bias_of_recurrence)

    def step(self, x: ir.Value, h: ir.Value | None, c: ir.Value | None) -> tuple[ir.Value, ir.Value | None]:
        """The next state and the next content of the cell."""
        raise NotImplementedError

    def product(self, h: ir.Value, rows: slice) -> ir.Value:
        """R h for some of the gates."""
        return self.f.op("MatMul", h, np.ascontiguousarray(self.parameters.recurrence[rows].T))

    def part(self, value: ir.Value, first: int, last: int) -> ir.Value:
        """The gates from ``first`` to before ``last``."""
        f, hidden = self.f, self.hidden
        return f.op("Slice", value, integers(first * hidden), integers(last * hidden), integers(1))

    def sum(self, a: ir.Value | None, b: ir.Value | None) -> ir.Value:
        """Of what is there."""
        present: list[Operand] = [value for value in (a, b) if value is not None]
        if len(present) == 1:
            (only,) = present
            assert isinstance(only, ir.Value)  # a and b are values
            return only
        return self.f.op("Add", *present)


class _Lstm(_Cell):
    def step(self, x: ir.Value, h: ir.Value | None, c: ir.Value | None) -> tuple[ir.Value, ir.Value | None]:
        f = self.f
        total = self.sum(x, None if h is None else self.product(h, slice(None)))
        gates, new = f.op("Sigmoid", self.part(total, 0, 3)), f.op("Tanh", self.part(total, 3, 4))
        i, o, forget = (self.part(gates, gate, gate + 1) for gate in range(3))
        cell = self.sum(None if c is None else f.op("Mul", forget, c), f.op("Mul", i, new))
        return f.op("Mul", o, f.op("Tanh", cell)), cell


class _Gru(_Cell):
    def of_input(self) -> Array:
        after = self._bias_inside()
        return np.asarray(
            self.parameters.bias
            + np.where(np.arange(len(after)) < 2 * self.hidden, self.parameters.bias_of_recurrence, after)
        )

    def _bias_inside(self) -> Array:
        """Of R, as far as it is added before the reset gate counts."""
        return np.zeros_like(self.parameters.bias) if self._resets_product() else self.parameters.bias_of_recurrence

    def _resets_product(self) -> bool:
        return bool(self.node.attributes.get_int("linear_before_reset", 0))

    def step(self, x: ir.Value, h: ir.Value | None, c: ir.Value | None) -> tuple[ir.Value, ir.Value | None]:
        f, split = self.f, slice(0, 2 * self.hidden)
        inputs = self.part(x, 0, 2)
        gates = f.op("Sigmoid", self.sum(inputs, None if h is None else self.product(h, split)))
        z, r = self.part(gates, 0, 1), self.part(gates, 1, 2)
        rest, own = slice(2 * self.hidden, None), self.part(x, 2, 3)
        if self._resets_product():
            bias = np.asarray(self.parameters.bias_of_recurrence[rest]).reshape(1, -1)
            inner = f.op("Mul", r, bias if h is None else f.op("Add", self.product(h, rest), bias))
            new = f.op("Tanh", f.op("Add", own, inner))
        else:
            new = f.op("Tanh", self.sum(own, None if h is None else self.product(f.op("Mul", r, h), rest)))
        if h is None:
            return f.op("Sub", new, f.op("Mul", z, new)), None
        # (1 - z) n + z h
        return f.op("Add", new, f.op("Mul", z, f.op("Sub", h, new))), None


class _Rnn(_Cell):
    def step(self, x: ir.Value, h: ir.Value | None, c: ir.Value | None) -> tuple[ir.Value, ir.Value | None]:
        total = self.sum(x, None if h is None else self.product(h, slice(None)))
        activation = next(iter(self.node.attributes.get_strings("activations", ("Tanh",))))
        return self.f.op(activation, total), None


_CELLS: dict[str, Callable[..., _Cell]] = {"GRU": _Gru, "LSTM": _Lstm, "RNN": _Rnn}
