"""Where a node is replaced, and where a movement happens: all that a lowering may know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import onnx_ir as ir

from ssc_deploy.ir import graph as g

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.ir.movement import Movement
    from ssc_deploy.lower.target import Target

#: One dimension of a shape: a number, a name, or unknown.
Dim = int | ir.SymbolicDim | None


@dataclass(frozen=True, eq=False)
class Place:
    """A node, and the nodes that are to stand in its place.

    Attributes:
        node: in the graph.
        added: the nodes made so far, in order.
    """

    node: ir.Node
    added: list[ir.Node] = field(default_factory=list, kw_only=True)

    @property
    def name(self) -> str:
        """Name of what the node computes."""
        return self.node.outputs[0].name or ""

    def constant(self, label: str, array: npt.NDArray[np.generic]) -> ir.Value:
        """A new initializer ``<name>/<label>``; equal ones are merged when the whole graph is lowered."""
        graph = self.node.graph
        assert graph is not None  # places are found by walking a graph
        return g.initializer(graph, f"{self.name}/{label}", array)

    def op(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        label: str,
        shape: Sequence[Dim] | None = None,
        like: ir.Node | None = None,
    ) -> ir.Value:
        """Adds a node whose output is named ``<name>/<label>``, of the node's own dtype.

        It is of the node's own shape where none is given, and of the role and block of ``like``: of the node itself,
        unless it does another node's work.
        """
        return self._add(op_type, inputs, attributes, {label: shape}, like)[0]

    def ops(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        label: str,
        shapes: Sequence[Sequence[Dim]],
    ) -> Sequence[ir.Value]:
        """`op` for a node of several outputs, which are named ``<name>/<label>_0`` and so on."""
        return self._add(op_type, inputs, attributes, {f"{label}_{i}": shape for i, shape in enumerate(shapes)})

    def finish(self, result: ir.Value) -> None:
        """Puts the added nodes in the place of ``node``; ``result`` takes its output's name and uses.

        Where the result is the node's own output, the node stays.
        """
        old = self.node.outputs[0]
        if result is old:
            return
        graph = self.node.graph
        assert graph is not None  # places are found by walking a graph
        producer = result.producer()
        assert producer is not None  # built by a node of this place
        result.shape = old.shape
        result.metadata_props.update(old.metadata_props)
        graph.insert_before(self.node, self.added)
        old.replace_all_uses_with(result, replace_graph_outputs=True)
        graph.remove(self.node, safe=True)
        result.name, producer.name = old.name, old.name

    def _add(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None,
        shapes: Mapping[str, Sequence[Dim] | None],
        like: ir.Node | None = None,
    ) -> Sequence[ir.Value]:
        own = self.node.outputs[0]
        outputs = [
            ir.val(f"{self.name}/{label}", dtype=own.dtype, shape=own.shape if shape is None else ir.Shape(shape))
            for label, shape in shapes.items()
        ]
        node = ir.node(op_type, inputs, attributes=dict(attributes or {}), outputs=outputs, name=outputs[0].name)
        node.metadata_props.update((like or self.node).metadata_props)
        self.added.append(node)
        return outputs


@dataclass(frozen=True, eq=False)
class Site(Place):
    """A node that only moves data, and what is known about it.

    Attributes:
        node: a depthwise Conv (shift) or a Gather of channels (shuffle), in the graph.
        movement: what it does.
        height: of the picture, in pixels.
        width: likewise.
        target: what will run the result.
    """

    movement: Movement
    height: int
    width: int
    target: Target

    @property
    def input(self) -> ir.Value:
        """The picture that is moved, float32 [N, in_channels, height, width]."""
        value = self.node.inputs[0]
        assert value is not None  # the canonical form: data is the first input of Conv and Gather
        return value

    @property
    def batch(self) -> int | ir.SymbolicDim:
        """The first dimension of the picture."""
        shape = self.input.shape
        assert shape is not None  # the canonical form has shapes
        return shape[0]

    @property
    def origin(self) -> ir.Node:
        """See `Choosable`."""
        return self.node

    @property
    def alike(self) -> Hashable:
        """See `Choosable`."""
        return self.movement, self.height, self.width

    @property
    def label(self) -> str:
        """See `Choosable`."""
        return f"{self.movement.in_channels}x{self.height}x{self.width}"

    @property
    def numbers(self) -> int:
        """See `Choosable`."""
        return self.movement.out_channels * self.height * self.width


class Choosable(Protocol):
    """A place that can be carried out in more than one way."""

    @property
    def node(self) -> ir.Node:
        """In the graph: what is replaced."""

    @property
    def origin(self) -> ir.Node:
        """The node that people know it by."""

    @property
    def name(self) -> str:
        """Name of what it computes."""

    @property
    def alike(self) -> Hashable:
        """Equal for places that are carried out alike, as a rule."""

    @property
    def label(self) -> str:
        """Channels x height x width, of the picture that goes into a movement or comes out of a product."""

    @property
    def numbers(self) -> int:
        """How many numbers it writes, for one picture."""

    def finish(self, result: ir.Value) -> None:
        """Puts the result in its place; see `Place.finish`."""
