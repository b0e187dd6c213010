"""One grid for each group of values, by what the values hold.

The inputs and the output of a Concat share a grid where that makes no grid more than `WITHIN` times as coarse as its
values need: then the Concat moves bytes. Elsewhere each keeps its own, and the integers are rounded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.quantize.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.places import Places
    from ssc_deploy.quantize.ranges import Method

#: See above.
WITHIN = 2.0


def grids(found: Places, seen: Sequence[Histogram], method: Method) -> dict[str, Grid]:
    """The grid of each value, by its name; values that share one have the same object.

    Args:
        found: where grids are needed.
        seen: what each group of values holds.
        method: how a grid follows from what was seen, of `ranges.METHODS`.
    """
    chosen: dict[str, Grid] = {}
    for group in _joined(found, seen):
        one = found.fixed.get(group[0])
        if one is None:
            every = Histogram()
            for at in group:
                every.merge(seen[at])
            one = method(every)
        chosen.update((name, one) for at in group for name in found.groups[at])
    return chosen


def _joined(found: Places, seen: Sequence[Histogram]) -> list[list[int]]:
    """Indices of the groups that become one, in the order of the graph."""
    groups = [[at] for at in range(len(seen))]
    for output, inputs in found.joins:
        for one in inputs:
            first, other = groups[output], groups[one]
            if first is not other and _agree(first + other, found, seen):
                first.extend(other)
                for at in other:
                    groups[at] = first
    return [group for at, group in enumerate(groups) if group[0] == at]


def _agree(together: list[int], found: Places, seen: Sequence[Histogram]) -> bool:
    fixed = {found.fixed.get(at) for at in together}
    low, high = min(_low(seen[at]) for at in together), max(_high(seen[at]) for at in together)
    return len(fixed) == 1 and high - low <= WITHIN * min(_high(seen[at]) - _low(seen[at]) for at in together)


def _low(one: Histogram) -> float:
    return min(one.low, 0.0)


def _high(one: Histogram) -> float:
    return max(one.high, 0.0)
