"""In which order the axes lie after a reshape of a value whose axes do not lie as ONNX has them.

Every reshape joins neighbouring axes and splits what was joined. It moves nothing where the axes that are joined lie
together, in ONNX's order. So [N, C, H, W] that lies as NHWC becomes [N, C, H * W] that lies as N, H * W, C, and the
tokens of a vision transformer cost no TRANSPOSE.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.emit.tflite.order import Order


def order_after(before: Sequence[int], order: Order, after: Sequence[int]) -> Order | None:
    """The order of the result's axes over the same bytes; None where something has to be moved.

    Args:
        before: the shape, in ONNX's order of axes.
        order: stored axis j is axis ``order[j]`` of the value.
        after: the shape that is wanted, of as many numbers.
    """
    place = {axis: j for j, axis in enumerate(order)}
    moving: list[tuple[int, list[int]]] = []
    single = [axis for axis, size in enumerate(after) if size == 1]
    for olds, news in _groups(before, after):
        places = [place[axis] for axis in olds]
        between = range(places[0], places[-1] + 1)
        if places != sorted(places) or any(before[order[j]] != 1 and order[j] not in olds for j in between):
            return None
        moving.append((places[0], news))
    result = [axis for _, news in sorted(moving) for axis in news]
    # An axis of size 1 stands behind the axis before it.
    for axis in single:
        result.insert(result.index(axis - 1) + 1 if axis else 0, axis)
    return tuple(result)


def _groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes, without those of size 1, that hold the same numbers before and after."""
    olds = [axis for axis, size in enumerate(before) if size != 1]
    news = [axis for axis, size in enumerate(after) if size != 1]
    groups = []
    while olds and news:
        old, new = [olds.pop(0)], [news.pop(0)]
        while (left := math.prod(before[a] for a in old)) != (right := math.prod(after[a] for a in new)):
            if left < right:
                old.append(olds.pop(0))
            else:
                new.append(news.pop(0))
        groups.append((old, new))
    return groups
