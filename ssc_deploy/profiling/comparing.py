"""Compares two saved profiles: what became faster, and what slower."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import ProfileError
from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.results import verdict_sentence
from ssc_deploy.profiling.statistics import Ratio, Verdict
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.profiling.results import ModelProfile, Profile

#: Version of the JSON.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Change:
    """One model of the second profile, compared with one of the first.

    Attributes:
        before: model of the first profile, for people.
        after: model of the second profile.
        ratio: time after / time before; its verdict is on the second.
    """

    before: str
    after: str
    ratio: Ratio

    def __str__(self) -> str:
        """A sentence."""
        return verdict_sentence(self.ratio, self.after, self.before)


@dataclass(frozen=True)
class Changes:
    """The result of `compare`.

    Attributes:
        changes: one for each pair.
        notes: sentences about why the comparison may be unfair.
        schema_version: `SCHEMA_VERSION`.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded


def compare(before: Profile, after: Profile) -> Changes:
    """Compares models of the same name at the same number of threads, or else the only models of a format.

    Raises:
        ProfileError: no two models can be compared.
    """
    pairs = _pairs(before, after, lambda model: model.model) or _pairs(
        before, after, lambda model: Path(model.model).suffix.lower()
    )
    if not pairs:
        raise ProfileError(
            "the two profiles have no model in common that was timed at the same number of threads; "
            "profile both files in one run instead"
        )
    changes = [Change(f"{one.title} (before)", f"{other.title} (after)", _ratio(one, other)) for one, other in pairs]
    same = [f"{one.title} is the same file in both." for one, other in pairs if one.sha256 == other.sha256]
    return Changes(tuple(changes), (*_notes(before, after), *same))


def _ratio(before: ModelProfile, after: ModelProfile) -> Ratio:
    """A run that was disturbed shows the disturbance, so nothing is said about it."""
    ratio = statistics.apart(after.samples, before.samples)
    steady = all(model.latency is not None and model.latency.steady for model in (before, after))
    return ratio if steady else dataclasses.replace(ratio, verdict=Verdict.CANNOT_TELL.value)


def _pairs(
    before: Profile, after: Profile, key: Callable[[ModelProfile], str]
) -> list[tuple[ModelProfile, ModelProfile]]:
    sides = [[(key(m), m.threads) for m in one.models if m.latency] for one in (before, after)]
    once = {pair for pair in sides[0] if all(Counter(side)[pair] == 1 for side in sides)}
    by_key = [
        {(key(m), m.threads): m for m in one.models if m.latency and (key(m), m.threads) in once}
        for one in (before, after)
    ]
    return [(model, by_key[1][pair]) for pair, model in by_key[0].items()]


def _notes(before: Profile, after: Profile) -> list[str]:
    notes = [
        "The two were measured in separate runs, so differences below "
        f"{statistics.MARGIN_APART:.0%} are not reported; profile both files in one run to see smaller ones."
    ]
    for what in ("device", "processor", "machine", "cores", "system", "runtimes"):
        there = [getattr(one.environment, what) for one in (before, after)]
        if there[0] != there[1]:
            notes.append(f"They differ in {what}: {there[0] or 'unknown'} before, {there[1] or 'unknown'} after.")
    if before.protocol != after.protocol:
        notes.append("They were measured by different protocols; one may be a quick run.")
    for name, one in (("before", before), ("after", after)):
        notes += [f"{m.title} ({name}) was not steady." for m in one.models if m.latency and not m.latency.steady]
    return notes
