"""The ONNX graph while it is being written: which value is stored where, and what an operator's function asks for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ssc_deploy import metadata as file_metadata
from ssc_deploy.emit.tflite import any_size, compact, integers, task_metadata
from ssc_deploy.emit.tflite.activation import Activation, activation_of
from ssc_deploy.emit.tflite.flatbuffer import DTYPES, Writer
from ssc_deploy.emit.tflite.integers.planned import Planned
from ssc_deploy.emit.tflite.order import FLOAT, IMAGE, Order, Stored, canonical
from ssc_deploy.emit.tflite.refusal import RefusedError, of_all, refuse
from ssc_deploy.emit.tflite.tensors import Tensors
from ssc_deploy.errors import EmitError
from ssc_deploy.ir import roles
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssc_deploy.emit.tflite.registry import Emit
    from ssc_deploy.quantize.plan import Mode, Plan

Array = npt.NDArray[Any]

_OP = schema.BuiltinOperator


def _inside_movement(node: ir.Node, value: ir.Value) -> bool:
    """Whether a node of a movement reads what another node of the same movement has made."""
    producer = value.producer()
    if producer is None or roles.role(node) is roles.Role.REARRANGEMENT:
        return False  # each step of a rearrangement is a movement of its own
    if roles.role(producer) is not roles.role(node):
        return False  # a block may have the name of what it returns, and of what its nodes are called after
    return roles.movement_name(producer.outputs[0]) == roles.movement_name(node.outputs[0])


class Graph(Tensors):
    """Writes one ONNX graph; the functions of `operators` call its methods.

    Args:
        model: the graph.
        operators: the functions, by ONNX operator.
        plan: which values are integers; None for a file of float32.
        weights: how kernels are held in a file of float32.
        fits_any_size: whether the file is to take images of any size, so that what is written must not depend on it.
    """

    def __init__(
        self,
        model: ir.Model,
        operators: Mapping[str, Emit],
        plan: Plan | None = None,
        weights: Mode | None = None,
        *,
        fits_any_size: bool = False,
    ) -> None:
        self.any_size = fits_any_size
        self._graph, self._operators, self._plan, self._weights = model.graph, operators, plan, weights
        values = [*self._graph.inputs, *(v for node in self._graph for v in node.outputs)]
        names = frozenset(v.name for v in values if v.name)
        super().__init__(Writer(names))
        self._planned = Planned(plan, names)
        self._stored: dict[ir.Value, Stored] = {}
        self._fused: set[ir.Node] = set()
        self._has_integer_kernel = False

    def build(self, metadata: file_metadata.ModelMetadata, other: Graph | None = None) -> bytes:
        """Writes all nodes and the file around them.

        Args:
            metadata: stored in the file.
            other: the same network for images of another size; the sizes that differ are then open.

        Raises:
            LoweringError: it depends on the size of images; see `any_size`.
            UnsupportedOperatorError: operators that cannot be written; the sentence names all.
            EmitError: an input of a type or shape that cannot be written; an output that is a constant.
        """
        inputs, outputs = self._written()
        if other is not None:
            twins, _ = other._written()
            any_size.free(self.writer, other.writer, {inputs[name]: twin for name, twin in twins.items()})
        stored = {file_metadata.KEY: dataclasses.replace(metadata, layout="NHWC").to_json().encode()}
        for_tasks = task_metadata.build(metadata)
        if for_tasks is None:
            return self.writer.finish(inputs, outputs, stored)
        data = self.writer.finish(inputs, outputs, {**stored, task_metadata.KEY: for_tasks})
        return task_metadata.with_labels(data, metadata.labels) if metadata.labels else data

    def _written(self) -> tuple[dict[str, int], dict[str, int]]:
        """Writes all nodes; returns the tensors of the inputs and of the outputs, by their names."""
        inputs = {name_of(v): self._input(v) for v in self._graph.inputs if not v.is_initializer()}
        refused = self._write_nodes()
        if refused:
            raise of_all(refused)
        taken = set(inputs.values())
        outputs = {}
        for value in self._graph.outputs:
            outputs[name_of(value)] = self._output(value, taken)
            taken.add(outputs[name_of(value)])
        if self._plan is not None:
            inputs, outputs = integers.rewrite(self.writer, self._planned.grids, self._plan, inputs, outputs)
        if self._weights is not None:
            compact.rewrite(self.writer, self._weights)
        return inputs, outputs

    def refused(self) -> list[RefusedError]:
        """The operators that cannot be written, all of them.

        Raises:
            EmitError: an input of a type or shape that cannot be written.
        """
        for value in self._graph.inputs:
            if not value.is_initializer():
                self._input(value)
        return self._write_nodes()

    def write(self, node: ir.Node) -> None:
        """Writes one node, of the graph or made for the purpose, whose inputs are written.

        Raises:
            UnsupportedOperatorError: it cannot be written.
        """
        if node.op_type not in self._operators or node.domain not in ("", "ai.onnx"):
            raise refuse(node, f"it is not among the {len(self._operators)} operators known here")
        self._operators[node.op_type](self, node)

    def _write_nodes(self) -> list[RefusedError]:
        """Writes all nodes; returns what could not be. What others read of that has no tensor."""
        refused = []
        for node in self._graph:
            if node in self._fused or node.op_type == "Constant":
                continue
            self._has_integer_kernel = self._planned.has_integer_kernel(node)
            try:
                self.write(node)
            except RefusedError as error:
                refused.append(error)
                for value in node.outputs:
                    self._stored[value] = _missing(value)
        return refused

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

    def is_float(self, node: ir.Node, *indices: int) -> bool:
        """Whether inputs are float32, computed or constant; the first one alone where none is named."""
        return all(self.dtype(node, index) == FLOAT for index in indices or (0,))

    def dtype(self, node: ir.Node, index: int) -> np.dtype[Any]:
        """Of the input ``index``, computed or constant."""
        array = self.constant(node.inputs[index])
        return self.stored(node, index).dtype if array is None else array.dtype

    def stored(self, node: ir.Node, index: int) -> Stored:
        """The input ``index`` as the file holds it, whatever its order; both ends of a movement in the canonical one.

        They are compared bit by bit, and only a tensor in that order has a name to be found by.

        Raises:
            UnsupportedOperatorError: it is a constant, and the node so one to fold before emission.
        """
        value = node.inputs[index]
        if value is None or value not in self._stored:
            raise refuse(node, f"input {index} is a constant or missing; fold constants before emission")
        stored, producer = self._stored[value], value.producer()
        starts = roles.role(node) in roles.MOVEMENTS and stored.rank == len(IMAGE)
        ends = producer is not None and roles.role(producer) in roles.MOVEMENTS
        if (starts or ends) and not _inside_movement(node, value):
            stored = self.named(self.reorder(stored, canonical(stored.rank), name_of(value)), name_of(value))
            self._stored[value] = stored
        return stored

    def stored_of(self, value: ir.Value) -> Stored:
        """A value that is written, whoever reads it."""
        return self._stored[value]

    def need(self, node: ir.Node, index: int, order: Order) -> Stored:
        """The input ``index`` in the axis order ``order``; a TRANSPOSE is written where it is stored otherwise.

        Raises:
            UnsupportedOperatorError: the input is a constant, or has another rank than ``order``.
        """
        stored = self.stored(node, index)
        if stored.rank != len(order):
            raise refuse(node, f"input {index} has rank {stored.rank} where {len(order)} is known here")
        return self.reorder(stored, order, name_of(node.inputs[index]))

    def fuse(self, node: ir.Node) -> tuple[Activation, ir.Value]:
        """The activation that alone consumes the node's output, and the value that then leaves the node.

        The activation's own node is not written any more. Without one: no activation, and the node's output. A
        movement takes none in: what it moved stays a tensor of the file, which is how its exactness is proved.
        """
        value = node.outputs[0]
        consumers = value.consumers()
        if self._planned.has_grid(value):
            return Activation.NONE, value
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
        dtype: np.dtype[Any] | None = None,
        options: Any = None,
        version: int = 1,
    ) -> Stored:
        """Writes an operator with one output.

        Args:
            code: of ``schema.BuiltinOperator``.
            inputs: tensor indices.
            name: of the ONNX value that the output holds or is a part of.
            like: the output has its order and dynamic axis, and its shape and type unless they are given.
            shape: of the output, in ONNX's order of axes.
            dtype: of the output.
            options: of the schema's options class.
            version: the operator's lowest version that carries the use.

        Returns:
            the output; `define` says that it is an ONNX value.
        """
        (result,) = self.add_several(
            code,
            inputs,
            [(name, like.shape if shape is None else tuple(shape), dtype or like.dtype)],
            like,
            options=options,
            version=version,
        )
        return result

    def add_several(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[tuple[str, tuple[int, ...], np.dtype[Any]]],
        like: Stored,
        *,
        options: Any = None,
        version: int = 1,
    ) -> list[Stored]:
        """`add` for an operator with several outputs: name, shape and type of each."""
        results = [
            self.tensor(name, dataclasses.replace(like, shape=shape, dtype=dtype)) for name, shape, dtype in outputs
        ]
        tensors = [result.tensor for result in results]
        self.writer.operator(code, inputs, tensors, options, version, has_integer_kernel=self._has_integer_kernel)
        return results

    def define(self, value: ir.Value, stored: Stored) -> None:
        """Says where an ONNX value is stored, which may be a tensor that holds another value already."""
        stored = self._held(value, stored)
        self._stored[value] = stored
        self.claim(name_of(value), stored)

    def constants(self, node: ir.Node, index: int, name: str, array: Array, order: Order) -> Stored:
        """A constant of any type that a file may hold, stored in the order ``order``.

        Args:
            node: that reads it.
            index: of the input.
            name: of the ONNX value.
            array: the numbers, of the rank of ``order``.
            order: of the axes.

        Raises:
            UnsupportedOperatorError: another type.
        """
        if array.dtype not in DTYPES:
            raise refuse(node, f"input {index} is {array.dtype}, which a .tflite file does not hold here")
        tensor = self.writer.constant(name, array.transpose(order))
        return Stored(tensor, array.shape, order, None, array.dtype)

    def _held(self, value: ir.Value, stored: Stored) -> Stored:
        """Notes on which grid the tensor is; a copy of it where other numbers than the value's may be read from it."""
        if self._planned.needs_a_copy(value, stored):
            copy = self.tensor(name_of(value), stored)
            self.write_reshape(stored, copy, name_of(value))
            stored = copy
        self._planned.note(value, stored)
        return stored

    def _input(self, value: ir.Value) -> int:
        dtype = None if value.dtype is None else value.dtype.numpy()
        if dtype is None or dtype not in DTYPES or value.shape is None:
            raise EmitError(
                f"Input {value.name!r} is {value.dtype} {value.shape}; TFLite emission takes float32, int32, int64, "
                "uint8 and bool."
            )
        unknown = [axis for axis, size in enumerate(value.shape) if not isinstance(size, int)]
        if len(unknown) > 1:
            raise EmitError(f"Input {value.name!r} has the shape {value.shape}; only the batch may be dynamic.")
        shape = tuple(size if isinstance(size, int) else 1 for size in value.shape)
        dynamic = unknown[0] if unknown else None
        stored = self.tensor(name_of(value), Stored(-1, shape, canonical(len(shape)), dynamic, dtype))
        stored = self._held(value, stored)
        self.claim(name_of(value), stored)
        self._stored[value] = stored
        return stored.tensor

    def _output(self, value: ir.Value, taken: set[int]) -> int:
        if value not in self._stored:
            raise EmitError(f"Output {value.name!r} is a constant; a file needs outputs that depend on its input.")
        name = name_of(value)
        stored = self.reorder(self._stored[value], canonical(self._stored[value].rank), name)
        if stored.tensor in taken:
            # Runtimes want every output in a tensor of its own.
            copy = self.tensor(name, stored)
            self.write_reshape(stored, copy, name)
            stored = copy
        self.writer.rename(stored.tensor, name)
        return stored.tensor


def _missing(value: ir.Value) -> Stored:
    """What stands for an output of a node that cannot be written, so that the nodes behind it can be looked at."""
    sizes = [] if value.shape is None else list(value.shape)
    shape = tuple(size if isinstance(size, int) else 1 for size in sizes)
    unknown = [axis for axis, size in enumerate(sizes) if not isinstance(size, int)]
    dtype = FLOAT if value.dtype is None else value.dtype.numpy()
    return Stored(0, shape, canonical(len(shape)), unknown[0] if unknown else None, dtype)


def name_of(value: ir.Value | None) -> str:
    """The value's name, from which its tensors take theirs.

    Raises:
        EmitError: it has none.
    """
    if value is None or not value.name:
        raise EmitError("The graph has a value without a name; give every value one before emission.")
    return value.name
