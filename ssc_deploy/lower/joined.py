"""A grouped 1x1 convolution of integers with several groups as one: their kernels on the diagonal, zeros beside them.

    y_1 = W_1 x_1,  y_2 = W_2 x_2    ->    (y_1, y_2) = [W_1 0; 0 W_2] (x_1, x_2)

Sums of integers are exact, so the zeros change nothing. A matrix kernel for integers writes 16 to 64 outputs at a time
and takes 4 to 8 inputs at once: nine channels use a small part of that, and each group is a call of its own. What is
gained, and what the zeros take in the file, is in `defaults`. In float32 joining costs more than it gains.

Refused: groups that cannot be joined within the limit, or that a smaller limit joins in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.product import PLAIN, Product
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    from collections.abc import Hashable

    import onnx_ir as ir

    from ssc_deploy.lower.target import Target

#: Channels of a block at most, by the lowerings that there are.
LIMITS = (18, 36, 64)


@dataclass(frozen=True, eq=False)
class GroupedSite(Product):
    """A grouped 1x1 convolution, and what is known about it.

    Attributes:
        node: the convolution.
        groups: of it.
        target: what will run the result.
    """

    groups: int
    target: Target

    @property
    def origin(self) -> ir.Node:
        """See `site.Choosable`."""
        return self.node

    @property
    def alike(self) -> Hashable:
        """See `site.Choosable`."""
        return self.weight.shape, self.groups, self.height, self.width

    def joined(self, limit: int) -> int:
        """How many groups become one, so that it has no more than ``limit`` inputs or outputs; at least 1."""
        widest = max(self.weight.shape[1], len(self.weight) // self.groups)
        return max((n for n in range(1, self.groups + 1) if self.groups % n == 0 and n * widest <= limit), default=1)


def sites(model: ir.Model, target: Target) -> list[GroupedSite]:
    """The grouped 1x1 convolutions of a graph, in its order; those of one channel a group are none."""
    return [site for node in model.graph if node.op_type == "Conv" and (site := _site(node, target)) is not None]


def _site(conv: ir.Node, target: Target) -> GroupedSite | None:
    weight, shape, groups = g.constant(conv.inputs[1]), g.shape_of(conv.outputs[0]), g.integer(conv, "group", 1)
    if weight is None or shape is None or len(shape) != 4 or groups == 1:
        return None
    if weight.shape[2:] != (1, 1) or weight.shape[1] == 1:
        return None
    return GroupedSite(conv, weight, *shape[2:], groups, target)


def join(limit: int) -> Lowering[GroupedSite]:
    """The lowering ``join-<limit>``."""
    smaller = max((other for other in LIMITS if other < limit), default=1)

    def refusal(site: GroupedSite) -> str | None:
        joined = site.joined(limit)
        if joined == 1:
            return f"no two of its {site.groups} groups have {limit} channels or fewer together"
        if joined == site.joined(smaller):
            return f"join-{smaller} joins its {site.groups} groups in the same way"
        return None

    def build(site: GroupedSite) -> ir.Value:
        return _with_joined(site, site.joined(limit))

    return Lowering(f"join-{limit}", refusal, build)


def fitting(site: GroupedSite, limit: int) -> str:
    """Name of the lowering that joins as many groups as the limit allows."""
    able = [one for most, one in _JOINING.items() if most <= limit and one.refusal(site) is None]
    return able[-1].name if able else PLAIN.name


def _with_joined(site: GroupedSite, joined: int) -> ir.Value:
    outputs, inputs = site.weight.shape[:2]
    of_group = outputs // site.groups
    wide = np.zeros((outputs, joined, inputs, 1, 1), site.weight.dtype)
    rows = np.arange(outputs)
    wide[rows, rows // of_group % joined] = site.weight
    weight = site.constant("joined", wide.reshape(outputs, joined * inputs, 1, 1))
    node = site.node
    attributes = {**g.attributes(node), "group": site.groups // joined}
    return site.op("Conv", [node.inputs[0], weight, *node.inputs[2:]], attributes, shape=known.dims(node.outputs[0]))


_JOINING = {limit: join(limit) for limit in LIMITS}
LOWERINGS: tuple[Lowering[GroupedSite], ...] = (PLAIN, *_JOINING.values())
