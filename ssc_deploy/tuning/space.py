"""What can be chosen: for each group of alike sites one of the lowerings that take all of them, and the layout.

In LiteRT's channel-major layout whole stretches of a network are one form, movements included: there, groups that lie
in a stretch have nothing to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import lower
from ssc_deploy.errors import RecipeError
from ssc_deploy.ir import fingerprint
from ssc_deploy.ir.roles import Role
from ssc_deploy.lower import channel_major, product
from ssc_deploy.lower import groups as grouping
from ssc_deploy.lower.layout import Layout
from ssc_deploy.lower.recipe import MIXED, Recipe, compact
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

    from ssc_deploy.lower.groups import Group

    #: Lowering of each site, by its name; and the layout, by `LAYOUT`.
    Choices = Mapping[str, str]

#: Name of the axis that is not a group of sites.
LAYOUT = "layout"


@dataclass(frozen=True)
class Axis:
    """One thing to choose.

    Attributes:
        name: ``"shift 81x32x32"``, or `LAYOUT`.
        keys: in `Choices` that it sets, all to the same: names of sites, or `LAYOUT`.
        options: what it can be.
    """

    name: str
    keys: tuple[str, ...]
    options: tuple[str, ...]

    def of(self, choices: Choices) -> str:
        """What it is, or `MIXED` where its sites differ."""
        names = {choices[key] for key in self.keys}
        return next(iter(names)) if len(names) == 1 else MIXED

    def changed(self, choices: Choices, option: str) -> Choices:
        """The choices with this one made otherwise."""
        return {**choices, **dict.fromkeys(self.keys, option)}


@dataclass(frozen=True)
class Space:
    """All graphs that a search may choose from.

    Attributes:
        network: display name.
        target: what will run the graph.
        graph: fingerprint of the canonical graph.
        axes: what to choose; the layout first, then the groups that move most: what is wrong costs most there. Dense
            products come last, where the most that can be gained is least.
        groups: movements and products, each in the order of the graph.
        planar: names of the sites that channel-major stretches carry out.
        default: what ``auto`` takes.
        quantize: ``"int8"`` where the graphs are computed in integers; empty for float32.
    """

    network: str
    target: Target
    graph: str
    axes: tuple[Axis, ...]
    groups: tuple[Group, ...]
    planar: frozenset[str]
    default: Choices
    quantize: str = ""

    def alternatives(self, axis: Axis, choices: Choices) -> tuple[str, ...]:
        """What else the axis could be, if that makes another graph."""
        if choices[LAYOUT] == Layout.CHANNEL_MAJOR and self.planar.issuperset(axis.keys):
            return ()
        return tuple(option for option in axis.options if option != axis.of(choices))

    def started(self, shift: str) -> Choices:
        """The default, with shifts carried out by that lowering wherever their group can take it.

        Raises:
            RecipeError: no group of shifts can take it.
        """
        shifts = {str(group) for group in self.groups if group.role is Role.SHIFT}
        able = [axis for axis in self.axes if axis.name in shifts and shift in axis.options]
        if not able:
            known = sorted({option for axis in self.axes if axis.name in shifts for option in axis.options})
            raise RecipeError(f"no shift can be carried out by {shift!r} here; start from auto, {', '.join(known)}")
        choices = self.default
        for axis in able:
            choices = axis.changed(choices, shift)
        return choices

    def recipe(self, choices: Choices) -> Recipe:
        """The choices as a recipe without evidence."""
        groups = self.groups
        if choices[LAYOUT] == Layout.CHANNEL_MAJOR:
            groups = grouping.group_sites([(s, g.role) for g in groups for s in g.sites if s.name not in self.planar])
        said = compact(choices, groups)
        return Recipe(self.network, self.target, self.graph, *said, layout=choices[LAYOUT], quantize=self.quantize)


def build_space(model: ir.Model, target: Target, network: str, batch: int | None = 1, *, quantize: str = "") -> Space:
    """The space of a canonical graph.

    Args:
        model: the graph.
        target: what will run it.
        network: display name.
        batch: images at a time; None for any number.
        quantize: ``"int8"`` where the graph is computed in integers; empty for float32.

    Raises:
        RecipeError: there is nothing to choose.
    """
    quantized = bool(quantize)
    found = lower.sites(model, target, quantized=quantized)
    groups = grouping.group_sites(found)
    ordered = sorted(groups, key=lambda group: (group.role in product.ROLES, -group.numbers))
    axes = [Axis(str(group), tuple(site.name for site in group.sites), _options(group)) for group in ordered]
    planes = target is Target.LITERT and batch == 1 and not quantized
    stretches = channel_major.stretches(model) if planes else set()
    if stretches:
        axes.insert(0, Axis(LAYOUT, (LAYOUT,), (Layout.NHWC.value, Layout.CHANNEL_MAJOR.value)))
    if not any(len(axis.options) > 1 for axis in axes):
        raise RecipeError(f"{network} has nothing that could be carried out in more than one way")
    default = {site.name: lower.default(site, role, quantized=quantized) for site, role in found}
    default[LAYOUT] = Layout.NHWC.value
    planar = frozenset(site.name for site, _ in found if site.node in stretches)
    graph = fingerprint.fingerprint(model)
    return Space(network, target, graph, tuple(axes), groups, planar, default, quantize)


def _options(group: Group) -> tuple[str, ...]:
    lowerings = lower.lowerings_of(group.role)
    return tuple(
        name for name in lowerings.names if all(lowerings.get(name).refusal(site) is None for site in group.sites)
    )
