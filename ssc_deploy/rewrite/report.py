"""What the rewrite recognised, and what it left alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


def counted(number: int, noun: str) -> str:
    """``"1 shift"``, ``"6 shifts"``, ``"1,209 nodes"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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
        shifts: nodes that shift, and shifts between frames.
        shuffles: nodes that permute channels.
        group_pointwise: 1x1 convolutions with groups.
        nodes: all nodes.
        refusals: regions left alone, in the order of the graph.
    """

    shifts: int
    shuffles: int
    group_pointwise: int
    nodes: int
    refusals: tuple[Refusal, ...]

    def __str__(self) -> str:
        shifts, shuffles = counted(self.shifts, "shift"), counted(self.shuffles, "shuffle")
        left = counted(len(self.refusals), "region")
        return f"{shifts}, {shuffles}, {self.group_pointwise} group pointwise recognised · {left} left alone"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dicts and lists."""
        return dataclasses.asdict(self)
