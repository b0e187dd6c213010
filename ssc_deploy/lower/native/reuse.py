"""Sums that are written over one of their parts.

The part was just read, so that its place is in the nearest cache, and its margin is zero already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower.native.held import Held, Storage, View
from ssc_deploy.native.words import ARENA

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    import onnx_ir as ir


def replaceable(value: ir.Value, result: View, held: Mapping[ir.Value, Held], done: Set[ir.Node]) -> View | None:
    """The place of a value, if a sum may be written there.

    Args:
        value: that is added.
        result: a new map for the sum; it tells how the sum has to be laid out.
        held: where all values lie that are computed.
        done: nodes whose steps are there, or that are carried out by the step that adds.

    Returns:
        None where anything in the value's storage is read again, or read by the step itself; where it is no part of the
        arena, or is laid out in another way.
    """
    place = held[value]
    if not isinstance(place, View) or place.storage.buffer != ARENA:
        return None
    if _layout(place) != _layout(result):
        return None
    for other, its in held.items():
        if place.storage in _storages(its) and (
            other.is_graph_output() or not all(use.node in done for use in other.uses())
        ):
            return None
    return place


def _layout(view: View) -> tuple[object, ...]:
    return view.storage.floats, view.offset, view.shape, view.strides, view.margin


def _storages(held: Held) -> set[Storage]:
    return {held.storage} if isinstance(held, View) else {storage for storage, _ in held.refs}
