"""Chooses one of the sets of weights in a checkpoint.

    one set fits                                  -> it is taken
    raw weights and one average fit               -> the average: it was evaluated, and training is the only
                                                     use of the raw ones
    several sets of one kind with other numbers,
    with or without one of the other kind,
    or a set whose kind the file does not tell    -> the user must choose with ``weights``

If none fits, the set with most of the module's names is taken, so that loading says what is wrong with it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.checkpoint import candidates as find
from ssc_deploy.checkpoint import roles
from ssc_deploy.checkpoint.roles import Role
from ssc_deploy.errors import CheckpointError, parameter, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.checkpoint.candidates import Candidate
    from ssc_deploy.checkpoint.entries import Entry
    from ssc_deploy.checkpoint.wanted import Wanted


@dataclass(frozen=True)
class Choice:
    """The choice from a file.

    Attributes:
        taken: the set of weights that is loaded.
        others: the other sets that would fit, with different numbers.
        fitting: all that would fit.
    """

    taken: Candidate
    others: tuple[Candidate, ...]
    fitting: tuple[Candidate, ...]


#: Values of ``weights`` besides the name of a set.
_KINDS = {"raw": Role.RAW, "ema": Role.AVERAGED}


def choose(path: Path, entries: Sequence[Entry], wanted: Wanted, weights: str | None) -> Choice:
    """Chooses the set of weights for the module.

    Args:
        path: of the file, named in errors.
        entries: of the file.
        wanted: what the module wants.
        weights: ``"raw"``, ``"ema"``, or the name of a set; None to choose by the rule above.

    Raises:
        CheckpointError: the user must choose, or what they chose is not in the file.
    """
    found = find.completed(find.find(entries, wanted), wanted)
    if not found:
        raise CheckpointError(_none_fits(path, entries, wanted))
    fitting = [candidate for candidate in found if not candidate.missing(wanted)]
    pool = _distinct(fitting) if fitting else _nearest(found)
    if weights in _KINDS:
        taken = _of_kind(path, pool, _KINDS[weights])
    elif weights is not None:
        taken = _named(path, found, pool, weights)
    else:
        taken = _by_rule(path, pool, wanted, fits=bool(fitting))
        unclear = None if taken.is_averaged or not fitting else _unresolved(entries, found, fitting, taken, wanted)
        if unclear is not None:
            raise CheckpointError(
                f"{path} holds raw weights ({shown(taken.key)}) and what looks like an average of them "
                f"({shown(unclear)}), which does not fit {wanted.title} as it is; take the raw ones with "
                "`weights='raw'`, or save the average as a whole state dict."
            )
    return Choice(taken, tuple(other for other in pool if other is not taken), tuple(fitting))


def _by_rule(path: Path, pool: Sequence[Candidate], wanted: Wanted, *, fits: bool) -> Candidate:
    if len(pool) == 1:
        return pool[0]
    doubt = next((candidate.doubt for candidate in pool if candidate.doubt), "")
    averaged = [candidate for candidate in pool if candidate.is_averaged]
    if doubt or len(averaged) != 1 or len(pool) > 2:
        relation = "fit" if fits else "may be meant for"
        raise CheckpointError(
            f"{path} holds {len(pool)} sets of weights that {relation} {wanted.title}"
            f"{f' ({doubt})' if doubt else ''}; "
            f"{_offer(pool)}"
        )
    return averaged[0]


def _of_kind(path: Path, pool: Sequence[Candidate], kind: Role) -> Candidate:
    known = [candidate for candidate in pool if candidate.role is kind]
    if len(known) != 1:
        reason = f"several sets of {kind.value} weights" if known else f"no weights that are known to be {kind.value}"
        raise CheckpointError(f"{path} holds {reason}; {_offer(pool)}")
    return known[0]


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without those that repeat the numbers of an earlier one."""
    result: list[Candidate] = []
    for candidate in candidates:
        twin = next((i for i, other in enumerate(result) if find.same(candidate, other)), None)
        if twin is None:
            result.append(candidate)
        elif candidate.is_averaged and not result[twin].is_averaged:
            result[twin] = candidate
    return result


def _nearest(found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with the most names of the module, though some names are missing or have other shapes."""
    most = max(len(candidate.sources) for candidate in found)
    return [candidate for candidate in found if len(candidate.sources) == most]


def _named(path: Path, found: Sequence[Candidate], pool: Sequence[Candidate], name: str) -> Candidate:
    for candidates in (pool, found):
        matches = [c for c in candidates if name in (c.key, c.prefix)]
        matches = matches or [c for c in candidates if f".{name}." in f".{c.prefix}."]
        if matches:
            most = max(len(candidate.sources) for candidate in matches)
            matches = [candidate for candidate in matches if len(candidate.sources) == most]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise CheckpointError(f"{path} holds several sets of weights that {name!r} may mean; {_offer(matches)}")
    raise CheckpointError(f"{path} holds no weights called {name!r}; {_offer(pool)}")


def _offer(candidates: Sequence[Candidate]) -> str:
    listed = ", ".join(f"{shown(candidate.key)} ({candidate.role.value})" for candidate in candidates)
    if len(candidates) == 1:
        return f"it holds {listed}: leave `weights` out, or name that."
    kinds = [candidate.role for candidate in candidates]
    by_kind = len(candidates) == 2 and set(kinds) == set(_KINDS.values())
    keys = list(_KINDS) if by_kind else [shown(candidate.key) for candidate in candidates]
    ways = " or ".join(parameter("weights", key) for key in keys)
    return f"it holds {listed}: say which is meant, with {ways}."


def _unresolved(
    entries: Sequence[Entry],
    every: Sequence[Candidate],
    fitting: Sequence[Candidate],
    chosen: Candidate,
    wanted: Wanted,
) -> str | None:
    """The place of tensors that look like an average of the module's parameters, but are in no set that fits.

    Their name says average, and they have the shapes of at least half of the parameters, or are one vector of all.
    """
    used = {(id(s.entry), s.name) for c in (chosen, *fitting) for s in c.all_sources.values()}
    shapes = Counter(wanted.shapes[name] for name in wanted.parameters if name in wanted.shapes)
    sizes = {
        sum(math.prod(wanted.shapes.get(name) or ()) for name in names)
        for names in (wanted.parameters, wanted.trained, wanted.required, wanted.shapes)
    }
    found: Counter[Any] = Counter()
    places: list[str] = []
    for entry in entries:
        for name, tensor in entry.tensors.items():
            full = entry.full_name(name)
            role = roles.of_place(full) if entry.role is None else entry.role
            if (id(entry), name) in used or role is not Role.AVERAGED:
                continue
            if tensor.dim() == 1 and tensor.numel() in sizes and len(shapes) > 1:
                return full
            if tuple(tensor.shape) in shapes:
                found[tuple(tensor.shape)] += 1
                places.append(entry.place or name)
    if places and 2 * (found & shapes).total() >= shapes.total():
        return places[0]
    # Also by name, since what is not a tensor has no shape.
    names = set(wanted.parameters)
    partial = (
        c for c in every if c.is_averaged and c not in fitting and 2 * len(names & c.sources.keys()) >= len(names)
    )
    return next((candidate.key for candidate in partial), None)


def _none_fits(path: Path, entries: Sequence[Entry], wanted: Wanted) -> str:
    some = [shown(entry.full_name(name)) for entry in entries for name in [*entry.values][:3]][:3]
    needs = ", ".join([*wanted.shapes][:3]) or "no tensors"
    return (
        f"{path} holds nothing that {wanted.title} needs: its tensors are called {', '.join(some)}, ..., the network's "
        f"{needs}, ...; is it a checkpoint of this network?"
    )
