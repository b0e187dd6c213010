"""What a lowering did, for people and for the file's metadata."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssc_deploy.ir.roles import Role
from ssc_deploy.lower.layout import Layout

if TYPE_CHECKING:
    from ssc_deploy.lower.target import Target


@dataclass(frozen=True)
class Choice:
    """How one movement or product is carried out.

    Attributes:
        name: of the value that holds the result.
        block: path of the PyTorch module that it belongs to.
        role: shift, shuffle, dense or grouped.
        lowering: name of the lowering.
    """

    name: str
    block: str
    role: Role
    lowering: str


@dataclass(frozen=True)
class LowerReport:
    """How every movement and dense product of a graph is carried out.

    Attributes:
        target: what will run the graph.
        batch: of its inputs; None if it is dynamic.
        choices: one for each shift and shuffle, in the order of execution; and, if any dense product is not left as it
            is, one for each dense product; likewise of grouped products.
        layout: how the feature maps inside are held; says nothing of ONNX Runtime's, which are NCHW.
        layout_reason: why that layout, see `layout.ChosenLayout`.
    """

    target: Target
    batch: int | None
    choices: tuple[Choice, ...]
    layout: Layout = Layout.NHWC
    layout_reason: str = field(default="", compare=False)

    def counts(self, role: Role) -> dict[str, int]:
        """How often each lowering carries out a site of that role, the most frequent first."""
        return dict(Counter(c.lowering for c in self.choices if c.role is role).most_common())

    def summary(self) -> dict[str, str]:
        """One text for each role that occurs: ``{"shift": "slice x24, depthwise x12", "shuffle": "transpose"}``.

        A layout other than the usual one is said as well.
        """
        texts = {}
        for role in (Role.SHIFT, Role.SHUFFLE, Role.DENSE, Role.GROUPED):
            counts = self.counts(role)
            if counts:
                several = ", ".join(f"{name} x{count}" for name, count in counts.items())
                texts[role.value] = several if len(counts) > 1 else next(iter(counts))
        if self.layout is Layout.CHANNEL_MAJOR:
            texts["layout"] = self.layout.value
        return texts

    def __str__(self) -> str:
        texts = self.summary()
        return ", ".join(f"{role}={text}" for role, text in texts.items()) if texts else "nothing to move"

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "target": self.target.value,
            "batch": self.batch,
            "layout": self.layout.value,
            "layout_reason": self.layout_reason,
            "shift": self.counts(Role.SHIFT),
            "shuffle": self.counts(Role.SHUFFLE),
            "dense": self.counts(Role.DENSE),
            "grouped": self.counts(Role.GROUPED),
            "choices": [
                {"name": c.name, "block": c.block, "role": c.role.value, "lowering": c.lowering} for c in self.choices
            ],
        }
