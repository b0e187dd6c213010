"""Canonical form -> a target's graph: picks how each shift, each shuffle and each dense product is carried out.

Lowering never changes what is computed: through every choice pixels move bit for bit, and products have the same terms.
Sums over large windows are added up in another order, for runtimes to be exact about them (`long_means`).
One choice a file; `SHIFTS`, `SHUFFLES` and `DENSE` list them, `defaults` says which one ``auto`` takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnx_ir.passes import common

from ssc_deploy import roles
from ssc_deploy.errors import LoweringError, RecipeError
from ssc_deploy.lower import (
    channel_major,
    defaults,
    dense_tile,
    groups,
    long_means,
    shift_depthwise,
    shift_flat,
    shift_gather,
    shift_slice,
    shuffle_gather,
    shuffle_transpose,
)
from ssc_deploy.lower import dense as dense_sites
from ssc_deploy.lower.batch import set_batch
from ssc_deploy.lower.layout import Layout, Runtime, choose
from ssc_deploy.lower.registry import Lowering, Registry
from ssc_deploy.lower.report import Choice, LowerReport
from ssc_deploy.lower.site import Site
from ssc_deploy.lower.target import Target
from ssc_deploy.rewrite import canonical, fingerprint
from ssc_deploy.rewrite import graph as g

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

    from ssc_deploy.lower.site import Choosable
    from ssc_deploy.recipe import Recipe

__all__ = [
    "DENSE",
    "SHIFTS",
    "SHUFFLES",
    "Choice",
    "Layout",
    "LowerReport",
    "Lowered",
    "Runtime",
    "Target",
    "default",
    "lower",
    "movements",
    "registry",
    "sites",
]

SHIFTS = Registry(
    roles.Role.SHIFT,
    (shift_depthwise.LOWERING, shift_slice.LOWERING, shift_gather.LOWERING, shift_flat.LOWERING),
)
SHUFFLES = Registry(roles.Role.SHUFFLE, (shuffle_transpose.LOWERING, shuffle_gather.LOWERING))
DENSE = Registry(roles.Role.DENSE, dense_tile.LOWERINGS, fallback=dense_tile.PLAIN.name)
_REGISTRIES: Mapping[roles.Role, Registry[Any]] = {one.role: one for one in (SHIFTS, SHUFFLES, DENSE)}

# Constants of more numbers than this are not compared with each other: kernels and indices of a stage have fewer, and
# the comparison holds a copy of all that it compares.
_SHARED = 2**22


@dataclass(frozen=True)
class Lowered:
    """A graph for one target.

    Attributes:
        model: a copy; weights are shared with the model it was made from.
        report: how each movement, and each dense product that is not left as it is, is carried out.
    """

    model: ir.Model
    report: LowerReport


def lower(
    model: ir.Model,
    target: Target,
    *,
    shift: str = "auto",
    shuffle: str = "auto",
    dense: str = "auto",
    batch: int | None = 1,
    layout: str = Layout.NHWC,
    runtime: str | None = None,
    recipe: Recipe | None = None,
) -> Lowered:
    """Lowers a model in canonical form; it is left as it is.

    Args:
        model: canonical form, static shapes.
        target: what will run the result.
        shift: name of a lowering in `SHIFTS` for every shift, or ``auto``: the fastest measured for each.
        shuffle: name of a lowering in `SHUFFLES` for every shuffle, or ``auto``.
        dense: name of a lowering in `DENSE`, for LiteRT, for every dense product that it changes, or ``auto``.
        batch: pictures at a time; None for any number (dimension ``batch`` of the inputs).
        layout: of `Layout`, for LiteRT: how pictures are held; or ``auto``: the fastest on ``runtime``.
        runtime: of `Runtime`, for LiteRT: what the file is to be fast on; None for all of them.
        recipe: says it for each of them, in place of ``shift``, ``shuffle`` and ``dense``, and the layout.

    Raises:
        LoweringError: an unknown name; a lowering that was asked for by name and cannot carry out one of the
            movements; a batch below 1, or one that the graph cannot take; a layout that the network, the batch or the
            target cannot take.
        RecipeError: the recipe is for another graph or runtime, or says what is named besides.
    """
    if batch is not None and batch < 1:
        raise LoweringError(f"a batch of {batch} pictures is impossible; give a number from 1 on, or dynamic")
    if recipe is not None and (shift, shuffle, dense, layout, runtime) != (*("auto",) * 3, Layout.NHWC, None):
        raise RecipeError(
            "a recipe says how everything is carried out; leave --shift, --shuffle, --dense, --layout and --runtime out"
        )
    if recipe is not None:
        layout = recipe.layout
    lowered = model.clone()
    stretches = channel_major.stretches(lowered) if target is Target.LITERT else set()
    chosen_layout = choose(layout, runtime, lambda: bool(stretches) and batch == 1)
    planar = stretches if chosen_layout is Layout.CHANNEL_MAJOR else set()
    if chosen_layout is Layout.CHANNEL_MAJOR:
        channel_major.check(planar, target, batch)
    found = [(site, role) for site, role in sites(lowered, target) if site.node not in planar]
    if recipe is None:
        named = {roles.Role.SHIFT: shift, roles.Role.SHUFFLE: shuffle, roles.Role.DENSE: dense}
        for role, name in named.items():
            if name != "auto":
                registry(role).get(name)  # an unknown name is refused where nothing asks for it, too
        names = {site.name: _named(site, role, named[role]) for site, role in found}
    else:
        names = recipe.choices(fingerprint.of(model), groups.of(found), target)
    chosen = [(site, role, _lowering(site, role, names[site.name])) for site, role in found]
    for site, role, lowering in chosen:
        reason = lowering.refusal(site)
        if reason is not None:
            raise LoweringError(
                f"the {role} {roles.where(site.origin)} cannot be carried out by {lowering.name}: {reason}"
            )
    long_means.split(lowered, planar)
    set_batch(lowered, batch)
    tiled = any(lowering is not dense_tile.PLAIN for _, role, lowering in chosen if role is roles.Role.DENSE)
    choices = []
    for site, role, lowering in chosen:
        if tiled or role is not roles.Role.DENSE:
            choices.append(Choice(site.name, roles.block(site.origin), role, lowering.name))
        site.finish(lowering.build(site))
    choices += channel_major.convert(lowered, planar)
    # Shifts of a stage share their windows, indices and kernels: one constant each, however many blocks there are.
    common.DeduplicateInitializersPass(size_limit=_SHARED)(lowered)
    common.RemoveUnusedNodesPass()(lowered)
    return Lowered(lowered, LowerReport(target, batch, tuple(choices), chosen_layout))


def sites(model: ir.Model, target: Target) -> list[tuple[Choosable, roles.Role]]:
    """What can be carried out in more than one way in a canonical graph, movements first, and what each is."""
    return [*movements(model, target), *((site, roles.Role.DENSE) for site in dense_sites.sites(model, target))]


def movements(model: ir.Model, target: Target) -> list[tuple[Site, roles.Role]]:
    """The movements of a canonical graph, in its order, and what each is."""
    found = []
    for node in model.graph:
        role, movement = roles.role(node), canonical.movement_of(node)
        if role is not None and movement is not None:
            shape = g.shape_of(node.inputs[0])
            assert shape is not None  # movement_of has looked at it
            _, _, height, width = shape
            found.append((Site(node, movement, height, width, target), role))
    return found


def default(site: Choosable, role: roles.Role) -> str:
    """Name of the lowering that ``auto`` takes at a site."""
    return defaults.OF[role](site)


def registry(role: roles.Role) -> Registry[Any]:
    """The lowerings of a role."""
    return _REGISTRIES[role]


def _named(site: Choosable, role: roles.Role, name: str) -> str:
    """The name; or the role's fallback, if it has one, where the lowering of that name refuses the site."""
    fallback = registry(role).fallback
    if fallback is None or name == "auto" or registry(role).get(name).refusal(site) is None:
        return name
    return fallback


def _lowering(site: Choosable, role: roles.Role, name: str) -> Lowering[Any]:
    return registry(role).get(default(site, role) if name == "auto" else name)
