"""The lowerings that there are, by what they carry out, and the one that ``auto`` takes at a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssc_deploy.ir import roles
from ssc_deploy.lower import (
    defaults,
    dense_tile,
    joined,
    shift_depthwise,
    shift_flat,
    shift_gather,
    shift_slice,
    shuffle_gather,
    shuffle_planes,
    shuffle_transpose,
)
from ssc_deploy.lower.product import PLAIN
from ssc_deploy.lower.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssc_deploy.lower.site import Choosable

SHIFTS = Registry(
    roles.Role.SHIFT,
    (shift_depthwise.LOWERING, shift_slice.LOWERING, shift_gather.LOWERING, shift_flat.LOWERING),
)
SHUFFLES = Registry(roles.Role.SHUFFLE, (shuffle_transpose.LOWERING, shuffle_planes.LOWERING, shuffle_gather.LOWERING))
DENSE = Registry(roles.Role.DENSE, dense_tile.LOWERINGS, fallback=PLAIN.name)
GROUPED = Registry(roles.Role.GROUPED, joined.LOWERINGS, fallback=PLAIN.name)
_REGISTRIES: Mapping[roles.Role, Registry[Any]] = {one.role: one for one in (SHIFTS, SHUFFLES, DENSE, GROUPED)}


def default(site: Choosable, role: roles.Role, *, quantized: bool = False, any_size: bool = False) -> str:
    """Name of the lowering that ``auto`` takes at a site.

    Args:
        site: where.
        role: of it.
        quantized: whether it moves 8-bit integers.
        any_size: whether it has to be the same for images of any size.
    """
    table = defaults.OF_ANY_SIZE if any_size else defaults.OF_INTEGERS if quantized else defaults.OF
    return table[role](site)


def lowerings_of(role: roles.Role) -> Registry[Any]:
    """The lowerings of a role."""
    return _REGISTRIES[role]
