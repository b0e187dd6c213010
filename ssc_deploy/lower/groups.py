"""Movements of a graph that are alike, and so are carried out alike: those of a stage, as a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.lower.site import Site
    from ssc_deploy.roles import Role


@dataclass(frozen=True)
class Group:
    """Sites of one role, one movement and one size of picture.

    Attributes:
        role: shift or shuffle.
        label: channels x height x width of the picture that goes in, ``"81x32x32"``; where movements of that role and
            size differ, those that come later are ``"81x32x32 #2"`` and so on.
        sites: in the order of execution.
    """

    role: Role
    label: str
    sites: tuple[Site, ...]

    def __str__(self) -> str:
        return f"{self.role} {self.label}"

    @property
    def numbers(self) -> int:
        """How many numbers all its sites together move, for one picture."""
        return sum(site.movement.out_channels * site.height * site.width for site in self.sites)


def of(found: Sequence[tuple[Site, Role]]) -> tuple[Group, ...]:
    """The sites of a graph in groups, in the order of their first sites."""
    alike: dict[object, list[Site]] = {}
    for site, role in found:
        alike.setdefault((role, site.movement, site.height, site.width), []).append(site)
    roles = {id(site): role for site, role in found}
    seen: dict[str, int] = {}
    groups = []
    for sites in alike.values():
        first, role = sites[0], roles[id(sites[0])]
        label = f"{first.movement.in_channels}x{first.height}x{first.width}"
        seen[f"{role} {label}"] = number = seen.get(f"{role} {label}", 0) + 1
        groups.append(Group(role, label if number == 1 else f"{label} #{number}", tuple(sites)))
    return tuple(groups)
