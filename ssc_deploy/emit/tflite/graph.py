"""The ONNX graph while it is being written: which value is stored where, and what an operator's function asks for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy import metadata as file_metadata
from ssc_deploy.emit.tflite.activation import Activation, activation_of
from ssc_deploy.emit.tflite.flatbuffer import Writer
from ssc_deploy.emit.tflite.order import IMAGE, Order, Stored, canonical, plain
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.errors import EmitError
from ssc_deploy.ir import roles
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssc_deploy.emit.tflite.registry import Emit

Array = npt.NDArray[Any]

_OP = schema.BuiltinOperator


def _inside_movement(node: ir.Node, value: ir.Value) -> bool:
    """Whether a node of a movement reads what another node of the same movement has made."""
    producer = value.producer()
    if producer is None or roles.role(node) is roles.Role.REARRANGEMENT:
        return False  # each step of a rearrangement is a movement of its own
    return roles.movement_name(producer.outputs[0]) == roles.movement_name(node.outputs[0])


class Graph:
    """Writes one ONNX graph; the functions of `operators` call its methods."""

    def __init__(self, model: ir.Model) -> None:
        self._graph = model.graph
        values = [*self._graph.inputs, *(v for node in self._graph for v in node.outputs)]
        self._writer = Writer(v.name for v in values if v.name)
        self._stored: dict[ir.Value, Stored] = {}
        self._reordered: dict[tuple[int, Order], Stored] = {}
        self._fused: set[ir.Node] = set()
        self._named_tensors: set[int] = set()
        self._carried_names: set[str] = set()

    def build(self, operators: Mapping[str, Emit], metadata: file_metadata.ModelMetadata) -> bytes:
        """Writes all nodes and the file around them."""
        inputs = {name_of(v): self._input(v) for v in self._graph.inputs if not v.is_initializer()}
        for node in self._graph:
            if node in self._fused or node.op_type == "Constant":
                continue
            if node.op_type not in operators or node.domain not in ("", "ai.onnx"):
                raise refuse(node, f"it is not among the {len(operators)} operators known here")
            operators[node.op_type](self, node)
        taken = set(inputs.values())
        outputs = {}
        for value in self._graph.outputs:
            outputs[name_of(value)] = self._output(value, taken)
            taken.add(outputs[name_of(value)])
        stored_metadata = dataclasses.replace(metadata, layout="NHWC").to_json().encode()
        return self._writer.finish(inputs, outputs, {file_metadata.KEY: stored_metadata})

    def constant(self, value: ir.Value | None) -> Array | None:
        """The numbers of an initializer or of a Constant node, None for what the graph computes."""
        tensor = None if value is None else ir.convenience.get_const_tensor(value)
        return None if tensor is None else tensor.numpy()

    def constant_input(self, node: ir.Node, index: int) -> Array:
        """The numbers of an input that has to be constant.

        Raises:
            UnsupportedOperatorError: the graph computes it, or it is not there.
        """
        value = node.inputs[index] if index < len(node.inputs) else None
        array = self.constant(value)
        if array is None:
            raise refuse(node, f"input {index} has to be a constant")
        return array

    def float_input(self, node: ir.Node, index: int) -> npt.NDArray[np.float32]:
        """`constant_input` of float32.

        Raises:
            UnsupportedOperatorError: no constant, or one of another type.
        """
        array = self.constant_input(node, index)
        if array.dtype != np.float32:
            raise refuse(node, f"input {index} is {array.dtype}, and only float32 is written")
        return array

    def stored(self, node: ir.Node, index: int) -> Stored:
        """The input ``index`` as the file holds it, whatever its order; what a movement starts from, as an image.

        What a movement starts from is compared bit by bit, and only a tensor in that order has a name to be found by.

        Raises:
            UnsupportedOperatorError: it is a constant, and the node so one to fold before emission.
        """
        value = node.inputs[index]
        if value is None or value not in self._stored:
            raise refuse(node, f"input {index} is a constant or missing; fold constants before emission")
        stored = self._stored[value]
        if roles.role(node) in roles.MOVEMENTS and stored.rank == len(IMAGE) and not _inside_movement(node, value):
            return self.reorder(stored, IMAGE, name_of(value))
        return stored

    def need(self, node: ir.Node, index: int, order: Order) -> Stored:
        """The input ``index`` in the axis order ``order``; a TRANSPOSE is written where it is stored otherwise.

        Raises:
            UnsupportedOperatorError: the input is a constant, or has another rank than ``order``.
        """
        stored = self.stored(node, index)
        if stored.rank != len(order):
            raise refuse(node, f"input {index} has rank {stored.rank} where {len(order)} is known here")
        return self.reorder(stored, order, name_of(node.inputs[index]))

    def reorder(self, stored: Stored, order: Order, name: str) -> Stored:
        """The value in another axis order, written at most once; ``name`` is the ONNX value's."""
        if stored.order == order:
            return stored
        permutation = tuple(stored.order.index(axis) for axis in order)
        key = (stored.tensor, permutation)
        if key not in self._reordered:
            if stored.lies_as(order):
                result = self.reshape(stored, stored.shape, order, name, dynamic=stored.dynamic)
            else:
                result = self._tensor(name, stored.shape, order, stored.dynamic)
                inputs = [stored.tensor, self.integers(f"{name}/permutation", permutation)]
                # Float tensors need no newer version below rank 5.
                version = {5: 4, 6: 6}.get(stored.rank, 1)
                self._writer.operator(_OP.TRANSPOSE, inputs, [result.tensor], schema.TransposeOptionsT(), version)
            self._reordered[key] = result
            self._claim(name, result)
        # The tensor may have been reordered for another view of it, with other axes under the same permutation.
        return Stored(self._reordered[key].tensor, stored.shape, order, stored.dynamic)

    def reshape(self, stored: Stored, shape: Sequence[int], order: Order, name: str, *, dynamic: int | None) -> Stored:
        """The same bytes under another shape.

        Args:
            stored: the value.
            shape: of the result, in ONNX's order of axes.
            order: of the result.
            name: of the ONNX value that the result holds.
            dynamic: the result's dynamic axis, in ONNX's order.
        """
        view = Stored(stored.tensor, tuple(shape), order, dynamic)
        if view.file_shape == stored.file_shape:
            return view
        result = self._tensor(name, view.shape, order, dynamic)
        self._write_reshape(stored, result, name)
        return result

    def with_rank(self, stored: Stored, rank: int, name: str) -> Stored:
        """The value with axes of size 1 put before its own until it has ``rank``, as broadcasting does."""
        more = rank - stored.rank
        if not more:
            return stored
        stored = self.reorder(stored, plain(stored.rank), name)
        dynamic = None if stored.dynamic is None else stored.dynamic + more
        return self.reshape(stored, (1,) * more + stored.shape, plain(rank), name, dynamic=dynamic)

    def fuse(self, node: ir.Node) -> tuple[Activation, ir.Value]:
        """The activation that alone consumes the node's output, and the value that then leaves the node.

        The activation's own node is not written any more. Without one: no activation, and the node's output. A
        movement takes none in: what it moved stays a tensor of the file, which is how its exactness is proved.
        """
        value = node.outputs[0]
        consumers = value.consumers()
        if roles.role(node) not in roles.MOVEMENTS and len(value.uses()) == 1 and not value.is_graph_output():
            consumer = consumers[0]
            activation = activation_of(consumer, self.constant)
            if activation is not None and consumer.inputs[0] is value:
                self._fused.add(consumer)
                return activation, consumer.outputs[0]
        return Activation.NONE, value

    def add(
        self,
        code: int,
        inputs: Sequence[int],
        name: str,
        like: Stored,
        *,
        shape: Sequence[int] | None = None,
        options: Any = None,
        version: int = 1,
    ) -> Stored:
        """Writes an operator with one output.

        Args:
            code: of ``schema.BuiltinOperator``.
            inputs: tensor indices.
            name: of the ONNX value that the output holds or is a part of.
            like: the output has its order and dynamic axis, and its shape unless ``shape`` is given.
            shape: of the output, in ONNX's order of axes.
            options: of the schema's options class.
            version: the operator's lowest version that carries the use.

        Returns:
            the output; `define` says that it is an ONNX value.
        """
        result = self._tensor(name, like.shape if shape is None else tuple(shape), like.order, like.dynamic)
        self._writer.operator(code, inputs, [result.tensor], options, version)
        return result

    def define(self, value: ir.Value, stored: Stored) -> None:
        """Says where an ONNX value is stored, which may be a tensor that holds another value already."""
        self._stored[value] = stored
        self._claim(name_of(value), stored)

    def integers(self, name: str, numbers: npt.ArrayLike) -> int:
        """A constant int32 tensor."""
        return self._writer.constant(name, np.asarray(numbers, np.int32))

    def floats(self, name: str, array: npt.ArrayLike) -> int:
        """A constant float32 tensor."""
        return self._writer.constant(name, np.asarray(array, np.float32))

    def _write_reshape(self, stored: Stored, result: Stored, name: str) -> None:
        options = schema.ReshapeOptionsT()
        options.newShape = list(result.file_shape)
        sizes = self.integers(f"{name}/shape", result.file_shape)
        self._writer.operator(_OP.RESHAPE, [stored.tensor, sizes], [result.tensor], options)

    def _tensor(self, name: str, shape: tuple[int, ...], order: Order, dynamic: int | None) -> Stored:
        stored = Stored(-1, shape, order, dynamic)
        tensor = self._writer.tensor(self._writer.invent(f"{name}/stored"), stored.file_shape)
        return dataclasses.replace(stored, tensor=tensor)

    def _claim(self, name: str, stored: Stored) -> None:
        """Lets the tensor carry the ONNX value's name, if it holds that in the canonical order and is the first to."""
        first = name not in self._carried_names and stored.tensor not in self._named_tensors
        if first and stored.is_also(canonical(stored.rank)):
            self._writer.rename(stored.tensor, name)
            self._named_tensors.add(stored.tensor)
            self._carried_names.add(name)

    def _input(self, value: ir.Value) -> int:
        if value.dtype != ir.DataType.FLOAT or value.shape is None:
            raise EmitError(f"Input {value.name!r} is {value.dtype} {value.shape}; TFLite emission takes float32 only.")
        unknown = [axis for axis, size in enumerate(value.shape) if not isinstance(size, int)]
        if len(unknown) > 1:
            raise EmitError(f"Input {value.name!r} has the shape {value.shape}; only the batch may be dynamic.")
        shape = tuple(size if isinstance(size, int) else 1 for size in value.shape)
        stored = self._tensor(name_of(value), shape, canonical(len(shape)), unknown[0] if unknown else None)
        self._claim(name_of(value), stored)
        self._stored[value] = stored
        return stored.tensor

    def _output(self, value: ir.Value, taken: set[int]) -> int:
        if value not in self._stored:
            raise EmitError(f"Output {value.name!r} is a constant; a file needs outputs that depend on its input.")
        name = name_of(value)
        stored = self.reorder(self._stored[value], canonical(self._stored[value].rank), name)
        if stored.tensor in taken:
            # Runtimes want every output in a tensor of its own.
            copy = self._tensor(name, stored.shape, stored.order, stored.dynamic)
            self._write_reshape(stored, copy, name)
            stored = copy
        self._writer.rename(stored.tensor, name)
        return stored.tensor


def name_of(value: ir.Value | None) -> str:
    """The value's name, from which its tensors take theirs.

    Raises:
        EmitError: it has none.
    """
    if value is None or not value.name:
        raise EmitError("The graph has a value without a name; give every value one before emission.")
    return value.name
