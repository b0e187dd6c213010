"""Places of a graph that are alike, and so are carried out alike: those of a stage, as a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from ssc_deploy.ir.roles import Role
    from ssc_deploy.lower.site import Choosable


@dataclass(frozen=True)
class Group:
    """Sites of one role that are alike: one movement, or one shape of kernel, and one size of feature map.

    Attributes:
        role: shift, shuffle, dense or grouped.
        label: of its sites, ``"81x32x32"``; where sites of that role and label differ, those that come later are
            ``"81x32x32 #2"`` and so on.
        sites: in the order of execution.
    """

    role: Role
    label: str
    sites: tuple[Choosable, ...]

    def __str__(self) -> str:
        return f"{self.role} {self.label}"

    @property
    def numbers(self) -> int:
        """How many numbers all its sites together write, for one image."""
        return sum(site.numbers for site in self.sites)


def group_sites(found: Sequence[tuple[Choosable, Role]]) -> tuple[Group, ...]:
    """The sites of a graph in groups, in the order of their first sites."""
    alike: dict[tuple[Role, Hashable], list[Choosable]] = {}
    for site, role in found:
        alike.setdefault((role, site.alike), []).append(site)
    seen: dict[str, int] = {}
    groups = []
    for (role, _), sites in alike.items():
        label = sites[0].label
        seen[f"{role} {label}"] = number = seen.get(f"{role} {label}", 0) + 1
        groups.append(Group(role, label if number == 1 else f"{label} #{number}", tuple(sites)))
    return tuple(groups)
