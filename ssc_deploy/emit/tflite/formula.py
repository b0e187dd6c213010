"""Writes an ONNX operator that TFLite does not have as a formula of other ONNX operators, each by its own function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.refusal import RefusedError, refuse
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    import numpy.typing as npt

    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.order import Stored

#: What an operator of a formula reads: a value, or a constant.
Operand = ir.Value | float | np.ndarray[Any, Any]


class Formula:
    """The operators that stand for one node.

    The model keeps its own nodes and values: those of a formula are made beside it, and read aliases.

    Args:
        graph: where they are written.
        node: that they stand for.
    """

    def __init__(self, graph: Graph, node: ir.Node) -> None:
        self._graph, self._node, self._written = graph, node, 0
        self._name = name_of(next((value for value in node.outputs if value.name), None))
        self._aliases: dict[ir.Value, ir.Value] = {}

    def input(self, index: int) -> ir.Value:
        """An input of the node, which may be a constant.

        Raises:
            UnsupportedOperatorError: it is not there.
        """
        value = self._node.inputs[index] if index < len(self._node.inputs) else None
        if value is None:
            raise refuse(self._node, f"input {index} is missing")
        if value not in self._aliases:
            array = self._graph.constant(value)
            if array is None:
                alias = ir.val(value.name, dtype=value.dtype, shape=value.shape)
                self._graph.define(alias, self._graph.stored(self._node, index))
            else:
                alias = _constant(value.name or self._name, array)
            self._aliases[value] = alias
        return self._aliases[value]

    def stored(self, value: ir.Value) -> Stored:
        """Where a computed value is stored."""
        return self._graph.stored_of(value)

    def value(self, stored: Stored) -> ir.Value:
        """A value for what was written without an operator of ONNX."""
        self._written += 1
        value = ir.val(f"{self._name}/part_{self._written}")
        self._graph.define(value, stored)
        return value

    def has_input(self, index: int) -> bool:
        """Whether the node has the input."""
        return index < len(self._node.inputs) and self._node.inputs[index] is not None

    def shape(self, value: ir.Value) -> tuple[int, ...]:
        """Of a value, with a batch of 1 where that is dynamic."""
        array = self._graph.constant(value)
        return self._graph.stored_of(value).shape if array is None else array.shape

    def dtype(self, value: ir.Value) -> np.dtype[Any]:
        """Of a value."""
        array = self._graph.constant(value)
        return self._graph.stored_of(value).dtype if array is None else array.dtype

    def constant(self, value: ir.Value) -> npt.NDArray[Any] | None:
        """The numbers of a constant value, None for a computed one."""
        return self._graph.constant(value)

    def reshaped(self, value: ir.Value, *sizes: int) -> Operand:
        """A value, or a constant, in another shape."""
        array = self.constant(value)
        return self.op("Reshape", value, integers(*sizes)) if array is None else array.reshape(sizes)

    def op(self, op_type: str, *operands: Operand, **attributes: Any) -> ir.Value:
        """Writes an operator; numbers take the type of the last operand that is a value.

        Raises:
            UnsupportedOperatorError: it cannot be written; the error names the formula's own node.
        """
        return self.ops(op_type, *operands, outputs=1, **attributes)[0]

    def ops(self, op_type: str, *operands: Operand, outputs: int, **attributes: Any) -> tuple[ir.Value, ...]:
        """`op` for an operator with several outputs."""
        self._written += 1
        label = f"{self._name}/{op_type.lower()}_{self._written}"
        dtypes = [self.dtype(one) for one in operands if isinstance(one, ir.Value)]
        dtype = dtypes[-1] if dtypes else np.dtype(np.float32)
        inputs = [
            one
            if isinstance(one, ir.Value)
            else _constant(f"{label}/number", np.asarray(one, None if isinstance(one, np.ndarray) else dtype))
            for one in operands
        ]
        arrays = [self._graph.constant(one) for one in inputs]
        if all(array is not None for array in arrays):
            results = _computed(op_type, [array for array in arrays if array is not None], attributes, outputs)
            return tuple(_constant(label, array) for array in results)
        names = [label, *(f"{label}_{i}" for i in range(1, outputs))]
        node = ir.node(op_type, inputs, attributes, outputs=[ir.val(name) for name in names], name=label)
        node.metadata_props.update(self._node.metadata_props)
        node.metadata_props.pop(roles.KEY, None)
        try:
            self._graph.write(node)
        except RefusedError as error:
            raise refuse(
                self._node,
                f"of the operators that stand for it, {error.node.op_type} cannot be written: {error.reason}",
            ) from error
        return tuple(node.outputs)

    def give(self, result: ir.Value, index: int = 0) -> None:
        """Makes a value what the node computes."""
        self._graph.define(self._node.outputs[index], self._graph.stored_of(result))


def integers(*numbers: int) -> npt.NDArray[np.int64]:
    """Axes and shapes, as ONNX takes them."""
    return np.array(numbers, np.int64)


def _computed(
    op_type: str, arrays: list[npt.NDArray[Any]], attributes: dict[str, Any], outputs: int
) -> list[npt.NDArray[Any]]:
    """What an operator makes of constants."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inputs, names = [f"x{i}" for i in range(len(arrays))], [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, inputs, names, **attributes)
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(inputs, arrays, strict=True)
    ]
    made = [helper.make_empty_tensor_value_info(name) for name in names]
    opsets = [helper.make_opsetid("", _OPSET)]
    proto = helper.make_model(helper.make_graph([node], "constants", given, made), opset_imports=opsets)
    found: Any = ReferenceEvaluator(proto).run(None, dict(zip(inputs, arrays, strict=True)))
    return [np.asarray(array) for array in found]


#: Of the operators in formulas.
_OPSET = 21


def _constant(name: str, array: npt.NDArray[Any]) -> ir.Value:
    value = ir.val(name)
    value.const_value = ir.tensor(np.array(array, order="C"), name=name)
    return value
