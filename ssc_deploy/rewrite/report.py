"""What the rewrite recognised, and what it left alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


def counted(number: int, noun: str) -> str:
    """``"1 shift"``, ``"6 shifts"``, ``"1,209 nodes"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


#: What a rule would have made of a movement: see `Refusal`.
MOVEMENT = "shift or shuffle"


@dataclass(frozen=True)
class Refusal:
    """A region that looked like something a rule knows, and was left as it was.

    Attributes:
        block: path of the module that it belongs to.
        looked_for: what the rule would have made of it.
        steps: nodes in the region.
        reason: why it was left.
    """

    block: str
    looked_for: str
    steps: int
    reason: str


@dataclass(frozen=True)
class RewriteReport:
    """What a graph consists of after the rewrite.

    Attributes:
        shifts: nodes that shift, with a stride or without, and shifts between frames.
        shuffles: nodes that permute channels.
        group_pointwise: 1x1 convolutions with groups.
        nodes: all nodes.
        refusals: what was left alone, in the order of the graph; movements first.
        bytes_moved: that all movements write for one input.
        bytes_left: of those that were left alone.
        rearrangements: other movements that were recognised, such as flips of some channels: windows of the image that
            are cut out and joined.
    """

    shifts: int
    shuffles: int
    group_pointwise: int
    nodes: int
    refusals: tuple[Refusal, ...]
    bytes_moved: int = 0
    bytes_left: int = 0
    rearrangements: int = 0

    def __str__(self) -> str:
        shifts, shuffles = counted(self.shifts, "shift"), counted(self.shuffles, "shuffle")
        if self.rearrangements:
            shuffles += f", {counted(self.rearrangements, 'other movement')}"
        movements = sum(refusal.looked_for == MOVEMENT for refusal in self.refusals)
        left = f"{counted(movements, 'movement')} left alone"
        if self.bytes_left:
            left += f" ({100 * self.bytes_left / self.bytes_moved:.0f} % of the bytes moved)"
        products = len(self.refusals) - movements
        if products:
            left += f", {counted(products, 'product')} left alone"
        return f"{shifts}, {shuffles}, {self.group_pointwise} group pointwise recognised · {left}"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dicts and lists."""
        return dataclasses.asdict(self)
