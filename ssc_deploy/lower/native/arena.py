"""Gives each storage a place in the arena: two whose lifetimes meet never overlap.

Each begins at a line of the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.native.words import LINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssc_deploy.lower.native.held import Storage


def lay_out(storages: Iterable[Storage]) -> int:
    """Sets the offsets, the largest storage first, each at the lowest place that is free; returns the floats in all."""
    placed: list[Storage] = []
    for storage in sorted(storages, key=lambda one: (-one.floats, one.first, one.last)):
        alive = [one for one in placed if one.first <= storage.last and storage.first <= one.last]
        storage.offset = 0
        for one in sorted(alive, key=lambda one: one.offset):
            if storage.offset + storage.floats <= one.offset:
                break
            storage.offset = max(storage.offset, -(-(one.offset + one.floats) // LINE) * LINE)
        placed.append(storage)
    return max((one.offset + one.floats for one in placed), default=0)
