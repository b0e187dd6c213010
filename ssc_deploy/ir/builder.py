"""Builds nodes that are to stand in the place of another node, and puts them there.

The nodes are made by a tape of onnx-ir (`onnx_ir.tape.Tape`), which records them until they are put into the graph. The
tape knows nothing of the node that they are made for. So `Builder` adds what follows from that node: the type and the
shape of their outputs, their block and role, names of constants that are still free, and the place where they go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.ir import movement as mv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Inputs = Sequence[ir.Value | None]

#: One dimension of a shape: a number, a name, or unknown.
Dim = int | ir.SymbolicDim | None


@dataclass(frozen=True, eq=False)
class Builder:
    """Makes nodes of the block of ``node``, whose outputs are of the type of its output.

    The graph names those outputs when the nodes are put into it; `naming` gives readable names in the end.

    Attributes:
        node: in the graph.
    """

    node: ir.Node
    _tape: Tape = field(default_factory=Tape, init=False, repr=False)

    @property
    def nodes(self) -> Sequence[ir.Node]:
        """The nodes made so far, in order."""
        return self._tape.nodes

    @property
    def result(self) -> ir.Value:
        """What the last node computes."""
        return self.nodes[-1].outputs[0]

    def constant(self, label: str, array: npt.NDArray[Any]) -> ir.Value:
        """A new initializer, named after the block and ``label``."""
        return g.initializer(known.graph(self.node), f"{roles.block(self.node)}/{label}", array)

    def integers(self, label: str, *numbers: int) -> ir.Value:
        """A new initializer, int64 [n]."""
        return self.constant(label, np.array(numbers, np.int64))

    def op(
        self,
        op_type: str,
        inputs: Inputs,
        attributes: Mapping[str, Any] | None = None,
        *,
        shape: Sequence[Dim] | None = None,
        role: roles.Role | None = None,
        label: str = "",
        like: ir.Node | None = None,
    ) -> ir.Value:
        """Adds a node with one output.

        Args:
            op_type: its operator.
            inputs: of the node.
            attributes: as plain Python values.
            shape: of the output; default that of ``node``.
            role: of the node; default none.
            label: of the output, where it is named: see `Place`.
            like: a node whose block, type and role it has instead.
        """
        output = self._output(label, shape, like)
        metadata = self._metadata(like, role)
        return self._tape.op(op_type, inputs, attributes, name=output.name, metadata_props=metadata, output=output)

    def ops(
        self,
        op_type: str,
        inputs: Inputs,
        attributes: Mapping[str, Any] | None = None,
        *,
        shapes: Sequence[Sequence[Dim]],
        label: str = "",
    ) -> Sequence[ir.Value]:
        """`op` for a node of several outputs; their labels have a number behind them."""
        outputs = [self._output(f"{label}_{i}", shape) for i, shape in enumerate(shapes)]
        name, metadata = outputs[0].name, self._metadata(None, None)
        return self._tape.op_multi_out(op_type, inputs, attributes, name=name, metadata_props=metadata, outputs=outputs)

    def again(self, node: ir.Node, inputs: Inputs, *, shape: Sequence[Dim]) -> ir.Value:
        """Adds a node with the operator, attributes, block and role of ``node``, on other inputs."""
        return self.op(node.op_type, inputs, g.attributes(node), shape=shape, like=node)

    def transpose(self, value: ir.Value, *perm: int, label: str = "") -> ir.Value:
        """Adds a Transpose to the axes ``perm``."""
        sizes = known.dims(value)
        return self.op("Transpose", [value], {"perm": perm}, shape=[sizes[axis] for axis in perm], label=label)

    def reshape(
        self,
        value: ir.Value,
        target: Sequence[int],
        name: str = "shape",
        *,
        shape: Sequence[Dim] | None = None,
        label: str = "",
        like: ir.Node | None = None,
    ) -> ir.Value:
        """Adds a Reshape.

        Args:
            value: is given another shape.
            target: that shape; 0 keeps an axis, -1 is what is left.
            name: of the constant that holds it.
            shape: of the output, where the target leaves it open.
            label: see `op`.
            like: see `op`.
        """
        if shape is None:
            shape = [size or known.dims(value)[axis] for axis, size in enumerate(target)]
        return self.op("Reshape", [value, self.integers(name, *target)], shape=shape, label=label, like=like)

    def gather(
        self, value: ir.Value, indices: ir.Value, axis: int, *, role: roles.Role | None = None, label: str = ""
    ) -> ir.Value:
        """Adds a Gather of the places ``indices`` [n] along an axis."""
        sizes = known.dims(value)
        shape = (*sizes[:axis], *known.shape(indices), *sizes[axis + 1 :])
        return self.op("Gather", [value, indices], {"axis": axis}, shape=shape, role=role, label=label)

    def concat(self, values: Sequence[ir.Value], axis: int, *, label: str = "") -> ir.Value:
        """Adds a Concat of values whose size along the axis is known."""
        sizes, along = known.dims(values[0]), sum(known.size(value, axis) for value in values)
        shape = (*sizes[:axis], along, *sizes[axis + 1 :])
        return self.op("Concat", values, {"axis": axis}, shape=shape, label=label)

    def conv(
        self,
        data: ir.Value,
        weight: ir.Value,
        bias: ir.Value | None = None,
        *,
        group: int,
        pads: int = 0,
        role: roles.Role | None = None,
    ) -> ir.Value:
        """Adds a Conv of stride 1."""
        n, _, *before = known.shape(data)
        outputs, _, *kernel = known.shape(weight)
        size = [length + 2 * pads - k + 1 for length, k in zip(before, kernel, strict=True)]
        return self.op(
            "Conv",
            [data, weight] if bias is None else [data, weight, bias],
            {"group": group, "kernel_shape": kernel, "pads": (pads,) * 4, "strides": (1, 1), "dilations": (1, 1)},
            shape=(n, outputs, *size),
            role=role,
        )

    def shift(self, data: ir.Value, movement: mv.Movement) -> ir.Value:
        """Adds the canonical form of a shift, its kernel in the type of the data."""
        dtype = np.float32 if data.dtype is None else data.dtype.numpy()
        weight = self.constant("shift", movement.kernel().astype(dtype))
        group, pads = movement.out_channels, movement.radius
        if movement.edge is not mv.Edge.ZERO:
            n, c, *size = known.shape(data)
            widths = self.integers("border", *(0, 0, pads, pads) * 2)
            shape, mode = (n, c, *(length + 2 * pads for length in size)), {"mode": movement.edge.value}
            data = self.op("Pad", [data, widths], mode, shape=shape, role=roles.Role.BORDER)
            pads = 0
        return self.conv(data, weight, group=group, pads=pads, role=roles.Role.SHIFT)

    def shuffle(self, data: ir.Value, order: Sequence[int]) -> ir.Value:
        """Adds the canonical form of a shuffle: a Gather of the channels ``order``."""
        return self.gather(data, self.integers("channels", *order), 1, role=roles.Role.SHUFFLE)

    def insert(self, before: ir.Node | None = None) -> None:
        """Puts the nodes into the graph, before ``node`` if not before another one."""
        before = before or self.node
        known.graph(before).insert_before(before, self.nodes)

    def replace(self, result: ir.Value, *gone: ir.Node) -> ir.Value:
        """Puts the nodes in the place of ``node`` and those ``gone``; ``result`` stands for its output.

        Returns:
            the value that stands there now; see `take_over`.
        """
        graph = known.graph(self.node)
        self.insert()
        result = take_over(self.node.outputs[0], result)
        graph.remove([self.node, *gone], safe=True)
        return result

    def _output(self, label: str, shape: Sequence[Dim] | None, like: ir.Node | None = None) -> ir.Value:
        own = (like or self.node).outputs[0]
        return ir.val(self._name(label), dtype=own.dtype, shape=own.shape if shape is None else ir.Shape(shape))

    def _name(self, _label: str) -> str | None:
        return None

    def _metadata(self, like: ir.Node | None, role: roles.Role | None) -> dict[str, str]:
        metadata = dict((like or self.node).metadata_props)
        if like is None:
            metadata.pop(roles.KEY, None)
        if role is not None:
            metadata[roles.KEY] = role.value
        return metadata


@dataclass(frozen=True, eq=False)
class Place(Builder):
    """A builder for graphs whose values have their names: after the rewrite.

    New values and constants are ``<name>/<label>``, and so are their nodes, which have the role of ``node``: those that
    carry out a shift are the shift. What replaces ``node`` takes its name.
    """

    @property
    def name(self) -> str:
        """Name of what the node computes."""
        return self.node.outputs[0].name or ""

    def constant(self, label: str, array: npt.NDArray[Any]) -> ir.Value:
        """A new initializer ``<name>/<label>``; equal ones are merged when the whole graph is lowered."""
        return g.initializer(known.graph(self.node), f"{self.name}/{label}", array)

    def finish(self, result: ir.Value) -> None:
        """Puts the nodes in the place of ``node``; where the result is the node's own output, the node stays."""
        old = self.node.outputs[0]
        if result is old:
            return
        result.shape, name = old.shape, old.name
        result.metadata_props.update(old.metadata_props)
        self.replace(result)
        result.name = known.producer(result).name = name

    def _name(self, label: str) -> str | None:
        return f"{self.name}/{label}"

    def _metadata(self, like: ir.Node | None, role: roles.Role | None) -> dict[str, str]:
        return super()._metadata(like or self.node, role)


def take_over(old: ir.Value, new: ir.Value) -> ir.Value:
    """Lets ``new`` stand for ``old``, which holds the same: for its users, in the graph's outputs, as a block's output.

    Where ``old`` is returned and ``new`` is the graph's input or returned already, an Identity stands between them.

    Returns:
        the value that stands for ``old`` now.
    """
    if old.is_graph_output() and (new.is_graph_input() or new.is_graph_output()):
        between = Builder(known.producer(old))
        new = between.op("Identity", [new], shape=known.shape(new))
        between.insert()
    roles.move_outputs_of(old, new)
    old.replace_all_uses_with(new, replace_graph_outputs=True)
    return new
