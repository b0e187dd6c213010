"""A recipe: how a network's movements and dense products are carried out on one runtime, and what says so.

`ssc_deploy.tune` finds recipes and `ssc_deploy.export` follows them; `recipe_file` keeps them as TOML. A recipe is of
a graph, not of its weights: it fits the same network trained again, and no other.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import RecipeError
from ssc_deploy.ir.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssc_deploy.lower.groups import Group
    from ssc_deploy.lower.target import Target

#: Version of the file.
SCHEMA_VERSION = 1

#: What a recipe has a table of each.
CHOSEN = (Role.SHIFT, Role.SHUFFLE, Role.DENSE, Role.GROUPED)

#: What a group is said to be carried out by, where its sites differ.
MIXED = "mixed"

#: `Trial.group` of the measurement against the default.
ALL = "all"


class Verdict(enum.StrEnum):
    """What came of one measurement of a candidate."""

    TAKEN = "taken"  #: faster beyond noise: it became the best
    OPEN = "open"  #: it stayed in the running for a longer measurement
    HOPELESS = "hopeless"  #: slower beyond noise in a short measurement; never tried again
    KEPT_BEST = "not faster"  #: not faster beyond noise; what was best before stays
    FAILED = "failed"  #: the device refuses it, or computes something else
    DISTURBED = "disturbed"  #: the device was not steady; measured again


@dataclass(frozen=True)
class Trial:
    """One measurement of a candidate, which took turns with the best graph known by then.

    Attributes:
        group: whose lowering was changed, ``"shift 81x32x32"``; `ALL` against the default.
        lowering: what carries it out in the candidate.
        against: what carries it out in the other.
        verdict: what came of it.
        ratio: candidate's time / the other's, from the medians of each turn; None if it failed.
        low: lower end of the ratio's 95 % interval.
        high: upper end.
        p50_ms: median latency of the candidate, milliseconds; None if it failed.
        against_ms: of the other.
        control: ratio of a second copy of the other to the first, 1 on a device without noise.
        turns: of each.
        why: why it failed, or was measured again.
    """

    group: str
    lowering: str
    against: str
    verdict: Verdict
    ratio: float | None
    low: float | None
    high: float | None
    p50_ms: float | None
    against_ms: float | None
    control: float | None
    turns: int
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As TOML and JSON have it; what is None is left out."""
        fields = {name: value for name, value in vars(self).items() if value is not None and value != ""}
        return fields | {"verdict": self.verdict.value}


@dataclass(frozen=True)
class Measured:
    """Where a recipe was found, and what it gains there.

    Attributes:
        device: as the user writes it, e.g. ``"host"``.
        description: the device in a line.
        threads: of one inference.
        batch: images at a time; 0 where it is dynamic.
        seconds: of measuring.
        complete: whether every lowering of every group was tried before the budget was used up.
        ratio: time of the recipe's file / that of the default, interleaved; 1 where the default won.
        low: lower end of its 95 % interval.
        high: upper end.
        sha256: of the recipe's file, which an export of the same checkpoint with the same versions has as well.
    """

    device: str
    description: str
    threads: int
    batch: int
    seconds: float
    complete: bool
    ratio: float
    low: float
    high: float
    sha256: str

    def of_file(self, sha256: str) -> str:
        """A line about a file that was made by the recipe: whether it is the measured one, byte by byte."""
        if sha256 != self.sha256:
            return f"its graph was found on {self.description}; that file had other weights, options or versions"
        gain = "nothing was faster than the default" if self.ratio == 1 else f"{self.ratio:.2f} of the default's time"
        return f"the very file that was measured on {self.description}: {gain}"


@dataclass(frozen=True)
class Recipe:
    """How every movement and dense product of one canonical graph is carried out.

    Attributes:
        network: display name, e.g. ``"SSC-Net-6-9"``.
        target: the runtime that it is for.
        graph: fingerprint of the canonical graph; see `ssc_deploy.ir.fingerprint`.
        groups: lowering of each group, by ``"shift 81x32x32"`` as `lower.groups` names it; dense and grouped products
            of a group that is not named are left as they are.
        exceptions: lowering of single sites that differ from their group, by their name.
        layout: of `lower.Layout`: how a TFLite file holds feature maps. Movements that a channel-major stretch carries
            out are in no group.
        measured: where it was found; None for one that was not measured.
        trials: all measurements, in order.
        versions: of the packages that made and ran the measured files.
        quantize: ``"int8"`` where it is for a graph of integers; empty for float32.
    """

    network: str
    target: Target
    graph: str
    groups: Mapping[str, str]
    exceptions: Mapping[str, str] = field(default_factory=dict)
    layout: str = "nhwc"
    measured: Measured | None = None
    trials: tuple[Trial, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    quantize: str = ""

    def check_target(self, target: Target) -> None:
        """Refuses another runtime.

        Raises:
            RecipeError: the recipe is for another one than ``target``.
        """
        if target is not self.target:
            raise RecipeError(
                f"the recipe is for {self.target.value} and the file for {target.value}; tune the network for that too"
            )

    def check_numbers(self, *, quantized: bool) -> None:
        """Refuses a graph of other numbers: what is fast in float32 may be slow in integers.

        Args:
            quantized: whether the graph is computed in integers.

        Raises:
            RecipeError: the recipe is for the other one.
        """
        if quantized == bool(self.quantize):
            return
        found, wanted, way = (
            ("int8", "float32", "without `quantize`") if self.quantize else ("float32", "int8", "with `quantize`")
        )
        raise RecipeError(
            f"the recipe was found for {found} files and this one is {wanted}; tune the network {way}, or leave "
            "`recipe` out"
        )

    def choices(
        self, graph: str, groups: Sequence[Group], target: Target, *, quantized: bool = False
    ) -> dict[str, str]:
        """The lowering of each site, by the site's name.

        Args:
            graph: fingerprint of the graph that is to be lowered.
            groups: its movements and dense products.
            target: what will run it.
            quantized: whether it is computed in integers.

        Raises:
            RecipeError: the recipe is for another runtime, other numbers or another graph, or does not name each
                group and nothing else; the message says what differs.
        """
        self.check_target(target)
        self.check_numbers(quantized=quantized)
        from ssc_deploy.lower.product import PLAIN, ROLES

        plain = {str(group): PLAIN.name for group in groups if group.role in ROLES}
        said = {**plain, **self.groups}
        there, named = {str(group) for group in groups}, set(said)
        if graph != self.graph:
            raise RecipeError(
                f"the recipe is for {self.network}, and this is another graph: {_difference(named, there)}; "
                "find one for it with `ssc_deploy.tune()`"
            )
        sites = {site.name for group in groups for site in group.sites}
        if there != named or not set(self.exceptions) <= sites:
            wrong = _difference(named, there) if there != named else f"it has no {min(set(self.exceptions) - sites)}"
            raise RecipeError(f"the recipe does not say how this graph is carried out: {wrong}; correct it there")
        return {site.name: self.exceptions.get(site.name, said[str(group)]) for group in groups for site in group.sites}

    def to_dict(self) -> dict[str, Any]:
        """As TOML and JSON have it."""
        of_role = {
            role.value: {
                name.removeprefix(f"{role} "): lowering
                for name, lowering in self.groups.items()
                if name.startswith(f"{role} ")
            }
            for role in CHOSEN
        }
        tables = {**of_role, "exceptions": dict(self.exceptions), "versions": dict(self.versions)}
        return {
            "schema_version": SCHEMA_VERSION,
            "network": self.network,
            "runtime": self.target.value,
            "graph": self.graph,
            **({"quantize": self.quantize} if self.quantize else {}),
            **({} if self.layout == "nhwc" else {"layout": self.layout}),
            **{name: table for name, table in tables.items() if table},
            **({} if self.measured is None else {"measured": dict(vars(self.measured))}),
            **({"trials": [trial.to_dict() for trial in self.trials]} if self.trials else {}),
        }


def compact(choices: Mapping[str, str], groups: Sequence[Group]) -> tuple[dict[str, str], dict[str, str]]:
    """`Recipe.groups` and `Recipe.exceptions` that say the same as the choices site by site."""
    common = {str(group): Counter(choices[site.name] for site in group.sites).most_common(1)[0][0] for group in groups}
    exceptions = {
        site.name: choices[site.name]
        for group in groups
        for site in group.sites
        if choices[site.name] != common[str(group)]
    }
    return common, exceptions


def _difference(recipe: set[str], graph: set[str]) -> str:
    if graph - recipe:
        instead = f", and no {min(recipe - graph)}, which the recipe names" if recipe - graph else ""
        return f"it has a {min(graph - recipe)}, which the recipe does not know{instead}"
    if recipe - graph:
        return f"it has no {min(recipe - graph)}"
    return "it moves the same, and differs in other operators, shapes or connections"
