"""What can be chosen: for each group of alike movements, one of the lowerings that take all of its sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import lower
from ssc_deploy.errors import RecipeError
from ssc_deploy.lower import groups as grouping
from ssc_deploy.recipe import MIXED, Recipe, compact
from ssc_deploy.rewrite import fingerprint
from ssc_deploy.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

    from ssc_deploy.lower.groups import Group
    from ssc_deploy.lower.target import Target

    #: Lowering of each site, by its name.
    Choices = Mapping[str, str]


@dataclass(frozen=True)
class Space:
    """All graphs that a search may choose from.

    Attributes:
        network: display name.
        target: what will run the graph.
        graph: fingerprint of the canonical graph.
        groups: its movements, those that move most first: a wrong lowering costs most there.
        options: names of the lowerings that each group can take, by the group.
        default: what ``auto`` takes.
    """

    network: str
    target: Target
    graph: str
    groups: tuple[Group, ...]
    options: Mapping[str, tuple[str, ...]]
    default: Choices

    def changed(self, choices: Choices, group: Group, lowering: str) -> Choices:
        """The choices with all of the group carried out by that lowering."""
        return {**choices, **{site.name: lowering for site in group.sites}}

    def started(self, shift: str) -> Choices:
        """The default, with shifts carried out by that lowering wherever their group can take it.

        Raises:
            RecipeError: no group of shifts can take it.
        """
        choices, able = self.default, False
        for group in self.groups:
            if group.role is Role.SHIFT and shift in self.options[str(group)]:
                choices, able = self.changed(choices, group, shift), True
        if not able:
            known = sorted({name for g in self.groups if g.role is Role.SHIFT for name in self.options[str(g)]})
            raise RecipeError(f"no shift can be carried out by {shift!r} here; start from auto, {', '.join(known)}")
        return choices

    def recipe(self, choices: Choices) -> Recipe:
        """The choices as a recipe without evidence."""
        in_order = sorted(self.groups, key=lambda group: (group.role != Role.SHIFT, -group.sites[0].height))
        return Recipe(self.network, self.target, self.graph, *compact(choices, in_order))


def lowering_of(choices: Choices, group: Group) -> str:
    """What carries out a group, or `MIXED`."""
    names = {choices[site.name] for site in group.sites}
    return next(iter(names)) if len(names) == 1 else MIXED


def of(model: ir.Model, target: Target, network: str) -> Space:
    """The space of a canonical graph.

    Raises:
        RecipeError: there is nothing to choose.
    """
    found = lower.sites(model, target)
    groups = sorted(grouping.of(found), key=lambda group: -group.numbers)
    options = {str(group): _options(group) for group in groups}
    if not any(len(names) > 1 for names in options.values()):
        raise RecipeError(f"{network} has no shift or shuffle that could be carried out in more than one way")
    default = {site.name: lower.default(site, role) for site, role in found}
    return Space(network, target, fingerprint.of(model), tuple(groups), options, default)


def _options(group: Group) -> tuple[str, ...]:
    registry = lower.registry(group.role)
    return tuple(
        name for name in registry.names if all(registry.get(name).refusal(site) is None for site in group.sites)
    )
