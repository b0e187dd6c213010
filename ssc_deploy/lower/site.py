"""Where a movement happens: all that a lowering may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ssc_deploy.ir import canonical, known
from ssc_deploy.ir.builder import Place

if TYPE_CHECKING:
    from collections.abc import Hashable

    import onnx_ir as ir

    from ssc_deploy.ir.movement import Movement
    from ssc_deploy.lower.target import Target


@dataclass(frozen=True, eq=False)
class Site(Place):
    """A node that only moves data, and what is known about it.

    Attributes:
        node: a depthwise Conv (shift) or a Gather of channels (shuffle), in the graph.
        movement: what it does.
        height: of the feature map, in pixels.
        width: likewise.
        target: what will run the result.
    """

    movement: Movement
    height: int
    width: int
    target: Target

    @property
    def input(self) -> ir.Value:
        """The feature map that is moved, float32 [N, in_channels, height, width]."""
        return canonical.image_of(self.node)

    @property
    def batch(self) -> int | ir.SymbolicDim:
        """The first dimension of the feature map."""
        return known.image(self.input)[0]

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
        """Channels x height x width, of the feature map that goes into a movement or comes out of a product."""

    @property
    def numbers(self) -> int:
        """How many numbers it writes, for one image."""

    def finish(self, result: ir.Value) -> None:
        """Puts the result in its place; see `Place.finish`."""
