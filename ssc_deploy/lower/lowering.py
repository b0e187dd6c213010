"""Canonical form -> a target's graph: picks how each shift, each shuffle and each dense product is carried out.

Lowering never changes what is computed: through every choice pixels move bit for bit, and products have the same terms.
Sums over large windows are added up in another order, for runtimes to be exact about them (`long_means`).
One choice a file; `registries` lists them, `defaults` says which one ``auto`` takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnx_ir.passes import common

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import canonical, fingerprint, known, roles
from ssc_deploy.ir.batch import set_batch
from ssc_deploy.lower import channel_major, joined, long_means, product
from ssc_deploy.lower import dense as dense_sites
from ssc_deploy.lower import groups as grouping
from ssc_deploy.lower.layout import ChosenLayout, Layout, choose
from ssc_deploy.lower.options import LoweringOptions
from ssc_deploy.lower.registries import default, lowerings_of
from ssc_deploy.lower.report import Choice, LowerReport
from ssc_deploy.lower.site import Site
from ssc_deploy.lower.target import FLOAT32_ALONE, Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.registry import Lowering
    from ssc_deploy.lower.site import Choosable

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


def lower(  # noqa: PLR0912 - one step after the other
    model: ir.Model, target: Target, options: LoweringOptions | None = None
) -> Lowered:
    """Lowers a model in canonical form; it is left as it is.

    Args:
        model: canonical form, static shapes.
        target: what will run the result.
        options: how; default the fastest way that was measured for each, for one image at a time.

    Raises:
        LoweringError: an unknown name; a lowering that was asked for by name and cannot carry out one of the
            movements; a batch that the graph cannot take; a layout that the network, the batch or the
            target cannot take.
        RecipeError: the recipe is for another graph or runtime.
    """
    options = options or LoweringOptions()
    recipe, batch = options.recipe, options.batch
    lowered = model.clone()
    if target is Target.NATIVE:
        return _for_engine(lowered, options)
    stretches = channel_major.stretches(lowered) if target is Target.LITERT else set()
    if recipe is None:
        layout = choose(
            options.layout,
            options.runtime,
            stretches=bool(stretches),
            batch=batch,
            quantized=options.quantized,
            any_size=options.any_size,
        )
    else:
        layout = ChosenLayout(Layout(recipe.layout), "as the recipe says")
    planar = stretches if layout.layout is Layout.CHANNEL_MAJOR else set()
    if layout.layout is Layout.CHANNEL_MAJOR:
        channel_major.check(planar, target, batch)
    every = sites(lowered, target, quantized=options.quantized)
    found = [(site, role) for site, role in every if site.node not in planar]
    if recipe is None:
        named = {
            roles.Role.SHIFT: options.shift,
            roles.Role.SHUFFLE: options.shuffle,
            roles.Role.DENSE: options.dense,
            roles.Role.GROUPED: "auto",
        }
        for role, name in named.items():
            if name != "auto":
                lowerings_of(role).get(name)  # an unknown name is refused where nothing asks for it, too
        names = {site.name: _named(site, role, named[role]) for site, role in found}
    else:
        groups = grouping.group_sites(found)
        names = recipe.choices(fingerprint.fingerprint(model), groups, target, quantized=options.quantized)
    chosen = [(site, role, _lowering(site, role, names[site.name], options)) for site, role in found]
    for site, role, lowering in chosen:
        reason = lowering.refusal(site)
        if reason is not None:
            raise LoweringError(
                f"the {role} {roles.where(site.origin)} cannot be carried out by {lowering.name}: {reason}"
            )
    if not options.quantized and not options.any_size:  # sums of integers are exact; windows have a size
        long_means.split(lowered, planar)
    set_batch(lowered, batch)
    changed = {role for _, role, lowering in chosen if role in product.ROLES and lowering is not product.PLAIN}
    choices = []
    for site, role, lowering in chosen:
        if role in changed or role not in product.ROLES:
            choices.append(Choice(site.name, roles.block(site.origin), role, lowering.name))
        site.finish(lowering.build(site))
    choices += channel_major.convert(lowered, planar)
    # Shifts of a stage share their windows, indices and kernels: one constant each, however many blocks there are.
    common.DeduplicateInitializersPass(size_limit=_SHARED)(lowered)
    common.RemoveUnusedNodesPass()(lowered)
    reason = layout.reason if target is Target.LITERT else ""
    return Lowered(lowered, LowerReport(target, batch, tuple(choices), layout.layout, reason))


def _for_engine(model: ir.Model, options: LoweringOptions) -> Lowered:
    """The graph that `lower.native` plans: movements stay, since they become addresses."""
    if options.any_size or options.batch is None:
        raise LoweringError(
            "a plan of the C engine is for images of one size and for one batch; leave `dynamic` out and give `batch` "
            "a number"
        )
    if options.quantized:
        raise LoweringError(FLOAT32_ALONE)
    choices = [
        Choice(site.name, roles.block(site.origin), role, "address") for site, role in movements(model, Target.NATIVE)
    ]
    set_batch(model, options.batch)
    return Lowered(model, LowerReport(Target.NATIVE, options.batch, tuple(choices)))


def sites(model: ir.Model, target: Target, *, quantized: bool = False) -> list[tuple[Choosable, roles.Role]]:
    """What can be carried out in more than one way in a canonical graph, movements first, and what each is.

    Args:
        model: the graph.
        target: what will run it.
        quantized: whether it will be computed in integers.
    """
    grouped = joined.sites(model, target) if quantized else []
    return [
        *movements(model, target),
        *((site, roles.Role.DENSE) for site in dense_sites.sites(model, target)),
        *((site, roles.Role.GROUPED) for site in grouped),
    ]


def movements(model: ir.Model, target: Target) -> list[tuple[Site, roles.Role]]:
    """The movements of a canonical graph, in its order, and what each is."""
    found = []
    for node in model.graph:
        role, movement = roles.role(node), canonical.movement_of(node)
        if role is not None and movement is not None:
            _, _, height, width = known.shape(node.outputs[0])
            found.append((Site(node, movement, height, width, target), role))
    return found


def _named(site: Choosable, role: roles.Role, name: str) -> str:
    """The name; or the role's fallback, if it has one, where the lowering of that name refuses the site."""
    fallback = lowerings_of(role).fallback
    if fallback is None or name == "auto" or lowerings_of(role).get(name).refusal(site) is None:
        return name
    return fallback


def _lowering(site: Choosable, role: roles.Role, name: str, options: LoweringOptions) -> Lowering[Any]:
    if name == "auto":
        name = default(site, role, quantized=options.quantized, any_size=options.any_size)
    return lowerings_of(role).get(name)
