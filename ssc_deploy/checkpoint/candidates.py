"""Sets of weights in a checkpoint that may belong to a module: a prefix of names, or a list in their order.

A prefix is what comes before the module's own names: dicts (``ema.module``), a wrapper's attribute (``model.`` of
Lightning, ``online_model.`` of ema-pytorch), or nothing. So one state dict with a teacher and a student gives two
candidates, and so do two state dicts in one file.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from ssc_deploy.checkpoint import roles
from ssc_deploy.checkpoint.entries import is_of_training, spellings, updates_of
from ssc_deploy.checkpoint.roles import Role
from ssc_deploy.checkpoint.wanted import COUNTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssc_deploy.checkpoint.entries import Entry
    from ssc_deploy.checkpoint.wanted import Wanted

#: More components than the names of any network have. It bounds the time of splitting a name.
_COMPONENTS = 64

#: Marks at the end or the beginning of names of averaged weights, in a dict that holds the raw weights as well.
_ENDING = re.compile(r"^(.+)[._/](ema|swa|avg|averaged?|ExponentialMovingAverage)$", re.IGNORECASE)
_OPENING = re.compile(r"^((?:.*\.)?)(ema|swa|avg|averaged?)_(.+)$", re.IGNORECASE)

#: Names of averaged weights without dots, since names of buffers must not have any. mmcv replaces a dot by ``_``,
#: latent-diffusion removes it.
_FLATTENED = re.compile(r"^((?:.*?\.)?(?:[a-z]+_)?ema[._])([^.]+)$")


_NOT_UPDATED = "the average was not updated yet"


@dataclass(frozen=True)
class Source:
    """The place of one value: the entry, and its name there."""

    entry: Entry
    name: str


@dataclass(frozen=True)
class Candidate:
    """A set of weights.

    Attributes:
        prefix: what comes before the module's names in the file, without the last dot.
        place: its name in messages and in ``weights``; empty for the whole file.
        role: raw or averaged.
        sources: the place of each of the module's names in the file.
        filled: values of a raw set that complete an average without buffers (BatchNorm's statistics).
        doubt: why its name may not be trusted; empty if it may.
    """

    prefix: str
    place: str
    role: Role
    sources: dict[str, Source]
    filled: dict[str, Source] = field(default_factory=dict)
    filled_from: str = ""
    doubt: str = ""

    @property
    def all_sources(self) -> dict[str, Source]:
        """Its own values, and those that complete it."""
        return self.filled | self.sources

    @property
    def values(self) -> dict[str, object]:
        """The values to load, by the module's own names, without those that cannot be used."""
        return {
            wanted: source.entry.values[source.name]
            for wanted, source in self.all_sources.items()
            if source.name not in source.entry.unusable
        }

    def missing(self, wanted: Wanted) -> list[str]:
        """Names that the module needs and this set lacks, or has with another shape."""
        values = self.values
        return [
            name
            for name in wanted.required
            if not any(tied in values and wanted.takes(tied, values[tied]) for tied in wanted.ties.get(name, (name,)))
        ]

    @property
    def is_averaged(self) -> bool:
        """Whether it is known to be averaged."""
        return self.role is Role.AVERAGED

    @property
    def key(self) -> str:
        """Its name in ``weights``; a dot is the whole file."""
        return self.place or "."


def find(entries: Sequence[Entry], wanted: Wanted) -> tuple[Candidate, ...]:
    """All sets of weights with some of the module's names. Those nearest to its own names come first."""
    found: dict[str, dict[str, tuple[int, Source]]] = {}
    for entry in entries:
        if not entry.is_list:
            for name in (*entry.values, *entry.unusable):
                for prefix, own, rank in _splits(entry.full_name(name), wanted):
                    known = found.setdefault(prefix, {})
                    if own not in known or rank < known[own][0]:
                        known[own] = rank, Source(entry, name)
    ranked = sorted(found.items(), key=lambda item: sum(rank for rank, _ in item[1].values()))
    candidates: dict[tuple[tuple[str, str, str], ...], Candidate] = {}
    for prefix, sources in ranked:
        plain = {own: source for own, (_, source) in sources.items()}
        # One set may have two prefixes, since a wrapper's name can be a part of the prefix or of the name.
        key = tuple(sorted((own, source.entry.place, source.name) for own, source in plain.items()))
        candidates.setdefault(key, _candidate(prefix, plain))
    named = list(candidates.values())
    raw = [candidate for candidate in named if not candidate.is_averaged]
    flattened = _flattened(entries, wanted, raw)
    swapped = {id(source.entry) for f in flattened if f.role is Role.UNKNOWN for source in f.sources.values()}
    named = [_doubted(c) if any(id(s.entry) in swapped for s in c.sources.values()) else c for c in named]
    return _with_places([*named, *flattened, *_lists(entries, wanted, raw)])


def _splits(full: str, wanted: Wanted) -> Iterable[tuple[str, str, int]]:
    """Each way to split the name into a prefix and a name of the module, and how much was changed for it."""
    if full.count(".") > _COMPONENTS:
        return
    for rank, spelled in enumerate(spellings(full)):
        for text, mark in _marked(spelled):
            start = 0
            while True:
                own = text[start:]
                if own in wanted.shapes:
                    prefix = text[: max(0, start - 1)]
                    yield (f"{prefix}.{mark}".strip(".") if mark else prefix), own, rank
                dot = text.find(".", start)
                if dot < 0:
                    break
                start = dot + 1


def _marked(name: str) -> Iterable[tuple[str, str]]:
    """The name; and if it has the mark of an average, the name without it and the mark."""
    yield name, ""
    ending, opening = _ENDING.match(name), _OPENING.match(name)
    if ending is not None:
        yield ending[1], f"*.{ending[2]}"
    if opening is not None:
        yield opening[1] + opening[3], f"{opening[2]}_*"


def _candidate(prefix: str, sources: dict[str, Source]) -> Candidate:
    entries = {source.entry.place: source.entry for source in sources.values()}
    entry = next(iter(entries.values()))
    inner = prefix[len(entry.place) :].strip(".") if prefix.startswith(entry.place) else prefix
    # The layout says what the dict holds. A name inside it may say otherwise (``ema.online_model``).
    role = roles.of_place(inner) or (entry.role if len(entries) == 1 else None) or roles.of_place(prefix) or Role.RAW
    doubt = ""
    if role is Role.UNKNOWN:
        doubt = "this layout is mmengine's, which saves them swapped, but the file does not say that mmengine wrote it"
    elif role is Role.AVERAGED and updates_of(entry, inner) == 0:
        doubt = _NOT_UPDATED
    return Candidate(prefix, entry.place if len(entries) == 1 else prefix, role, sources, doubt=doubt)


def _flattened(entries: Sequence[Entry], wanted: Wanted, raw: Sequence[Candidate]) -> list[Candidate]:
    """Averages with names without dots, found by the names of the raw weights in the file."""
    found = []
    for entry in entries:
        groups: dict[str, dict[str, str]] = {}
        for name in () if entry.is_list else entry.values:
            match = _FLATTENED.match(name)
            if match is not None:
                groups.setdefault(match[1], {})[match[2]] = name
        befores = {""}
        for candidate in raw:
            parts = candidate.prefix.split(".") if candidate.prefix else []
            befores |= {"".join(f"{part}." for part in parts[i:]) for i in range(len(parts))}
        for prefix, names in groups.items():
            best: dict[str, str] = {}
            for before in befores:
                for dot in ("_", ""):
                    flat = {(before + own).replace(".", dot): own for own in wanted.shapes}
                    own = {flat[text]: name for text, name in names.items() if text in flat}
                    best = own if len(own) > len(best) and len(flat) == len(wanted.shapes) else best
            if best:
                sources = {own: Source(entry, name) for own, name in best.items()}
                full = entry.full_name(prefix).rstrip("._")
                doubt = _NOT_UPDATED if updates_of(entry, prefix.rstrip("._")) == 0 else ""
                candidate = Candidate(full, full, Role.AVERAGED, sources, doubt=doubt)
                found.append(_doubted(candidate) if prefix.endswith("_") else candidate)
    return found


def _doubted(candidate: Candidate) -> Candidate:
    """Candidates of mmcv's layout, in which either set may be the averaged one."""
    doubt = "this layout is mmcv's, which swaps raw and averaged weights in some of its files"
    return dataclasses.replace(candidate, role=Role.UNKNOWN, doubt=doubt)


def _lists(entries: Sequence[Entry], wanted: Wanted, raw: Sequence[Candidate]) -> list[Candidate]:
    """Averages that are lists, in the order of the parameters or of the whole state dict (torch_ema, diffusers).

    Only the order identifies the tensors, so every shape must fit. If the file has raw weights by name, these must be
    in the order in which the module has them.
    """
    found = []
    complete = [candidate for candidate in raw if not candidate.missing(wanted)]
    for entry in entries:
        if not entry.is_list:
            continue
        for names in dict.fromkeys((wanted.parameters, wanted.trained, tuple(wanted.shapes))):
            positions = range(len(entry.values) + len(entry.unusable))
            sources = {own: Source(entry, str(i)) for own, i in zip(names, positions, strict=False)}
            values = {own: entry.values.get(source.name) for own, source in sources.items()}
            if len(names) != len(positions) or not all(
                sources[own].name in entry.unusable or wanted.takes(own, value) for own, value in values.items()
            ):
                continue
            orders = [[own for own in candidate.sources if own in sources] for candidate in complete]
            doubt = "" if all(_is_ordered(order, names) for order in orders) else "its order is not the module's"
            doubt = _NOT_UPDATED if entry.updates == 0 else doubt
            if is_of_training(entry.place):
                doubt = "one is a list in the order of an optimizer, which may not be the module's"
            role = roles.of_place(entry.place) or Role.AVERAGED
            found.append(Candidate(entry.place, entry.place, role, sources, doubt=doubt))
            break
    return found


def _is_ordered(order: list[str], names: Sequence[str]) -> bool:
    position = {name: i for i, name in enumerate(names)}
    return order == sorted(order, key=lambda name: position[name])


def completed(candidates: Sequence[Candidate], wanted: Wanted) -> list[Candidate]:
    """The candidates. An average that lacks only buffers gets those of the raw weights in the file.

    Trainers that average only parameters evaluate them in this way: the module keeps its own buffers.
    """
    raw = [c for c in candidates if not c.is_averaged and not c.missing(wanted)]
    result = []
    for candidate in candidates:
        missing = set(candidate.missing(wanted)) if candidate.role is not Role.RAW else set()
        if missing and raw and not missing & set(wanted.parameters):
            filled = {own: source for own, source in raw[0].sources.items() if own not in candidate.sources}
            doubt = candidate.doubt
            if any(_differ(raw[0], other, missing) for other in raw[1:]):
                doubt = doubt or "several sets of raw weights have the buffers that it lacks"
            result.append(dataclasses.replace(candidate, filled=filled, filled_from=raw[0].key, doubt=doubt))
        else:
            result.append(candidate)
    return result


def same(a: Candidate, b: Candidate) -> bool:
    """Whether two sets that both fit hold the same numbers. Counters are ignored."""
    return not _differ(a, b, [name for name in a.values if name in b.values and not name.endswith(COUNTER)])


def _differ(a: Candidate, b: Candidate, names: Iterable[str]) -> bool:
    for name in names:
        one, other = a.values.get(name), b.values.get(name)
        if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor) or one is other:
            continue
        if not bool(torch.eq(one, other).all()):  # `torch.equal` takes only tensors of one dtype
            return True
    return False


def _with_places(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """If one dict holds several sets, their prefixes distinguish them."""
    result = []
    for candidate in candidates:
        others = [c for c in candidates if c is not candidate and c.place == candidate.place]
        near = [c for c in others if len(c.sources) * 2 > len(candidate.sources)]
        result.append(dataclasses.replace(candidate, place=candidate.prefix) if near else candidate)
    return tuple(result)
