"""Gives each storage a place in the arena: two whose lifetimes meet never overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssc_deploy.lower.native.held import Storage

#: Storages begin at multiples of so many floats: a line of the cache.
_LINE = 16


def lay_out(storages: Iterable[Storage]) -> int:
    """Sets the offsets, the largest storage first, each at the lowest place that is free; returns the floats in all."""
    placed: list[Storage] = []
    for storage in sorted(storages, key=lambda one: (-one.floats, one.first, one.last)):
        alive = [one for one in placed if one.first <= storage.last and storage.first <= one.last]
        storage.offset = 0
        for one in sorted(alive, key=lambda one: one.offset):
            if storage.offset + storage.floats <= one.offset:
                break
            storage.offset = max(storage.offset, -(-(one.offset + one.floats) // _LINE) * _LINE)
        placed.append(storage)
    return max((one.offset + one.floats for one in placed), default=0)
