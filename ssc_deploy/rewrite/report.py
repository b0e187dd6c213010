"""What the rewrite recognised, and what it left alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


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
        shifts: nodes that shift.
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
        parts = (f"{self.shifts} shifts", f"{self.shuffles} shuffles", f"{self.group_pointwise} group pointwise")
        return f"{', '.join(parts)} recognised · {len(self.refusals)} regions left alone"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dicts and lists."""
        return dataclasses.asdict(self)
