"""All contenders on one network: converted, compared with PyTorch in float64, then timed round by round in turns."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import random
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import measuring
from benchmarks.peers import contender, environments, net
from benchmarks.peers.contender import Kind
from benchmarks.peers.conversion import Workshop, variants
from benchmarks.peers.host import ContenderError, Process
from benchmarks.peers.results import NetResult, Row, Status, Times, fastest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.peers.net import Net
    from ssc_deploy.verification.tolerance import Own

#: Longest that a contender may take to load a file; Inductor compiles meanwhile.
_PATIENCE = 600


@dataclass(frozen=True)
class Reference:
    """What right outputs are.

    Attributes:
        inputs: [pictures, 3, H, W] float32.
        exact: outputs in float64 [pictures, classes].
        own: what float32 costs PyTorch, and the tolerance that follows.
    """

    inputs: np.ndarray
    exact: np.ndarray
    own: Own


@dataclass
class Entrant:
    """A row in the making: the process that runs it, and its samples so far."""

    row: Row
    process: Process | None = None
    cpu: list[float] = dataclasses.field(default_factory=list)
    wall: list[float] = dataclasses.field(default_factory=list)

    def fail(self, error: Exception) -> None:
        """Leaves the race."""
        self.row = dataclasses.replace(self.row, status=Status.FAILED, reason=str(error))
        self.process = None


def workshop(net_: Net, cache: Path) -> Workshop:
    """Stores the network's weights where every contender finds them."""
    import torch

    module = net.random_network(net_)
    weights = cache.absolute() / "weights" / f"{net_.name}.pt"
    weights.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place: another run may be reading them.
    unfinished = weights.with_suffix(f".{os.getpid()}")
    torch.save(module.state_dict(), unfinished)
    unfinished.replace(weights)
    return Workshop(net_, weights, net.fingerprint(module), cache)


def prepare(net_: Net, names: Sequence[str], cache: Path, say: Callable[[str], None]) -> None:
    """Makes all environments and files, and compares what they compute; compiles what compiles; times nothing."""
    with contextlib.ExitStack() as stack:
        admit(workshop(net_, cache), entering(net_, names), stack, say)


def compare(
    net_: Net,
    names: Sequence[str],
    cache: Path,
    *,
    rounds: int,
    runs: int,
    say: Callable[[str], None],
    ready: Callable[[], object] = lambda: None,
) -> NetResult:
    """Runs all contenders on a network.

    Args:
        net_: the network.
        names: of the contenders.
        cache: folder of environments and files.
        rounds: in each of which everybody has a turn, in an order drawn anew.
        runs: timed inferences in a turn, after one that brings the weights back into the processor's caches.
        say: is called with a line about each step.
        ready: is called when all are loaded and compared; timing begins when it returns.
    """
    shop = workshop(net_, cache)
    with contextlib.ExitStack() as stack:
        entrants, reference = admit(shop, entering(net_, names), stack, say)
        ready()
        take_turns(entrants, rounds, runs)
    rows = _judged(entrants)
    macs = sum(product.macs for product in net.products(net_, net.network(net_, shop.weights)))
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    own = reference.own.error.max / reference.own.scale
    return NetResult(net_.name, macs, date, rounds, runs, own, rows, _ours_to_peers(entrants, rows))


def entering(net_: Net, names: Sequence[str]) -> dict[str, list[str]]:
    """All variants of the contenders, by name."""
    return {name: list(variants(name, net_)) for name in names}


def admit(
    shop: Workshop, field: Mapping[str, Sequence[str]], stack: contextlib.ExitStack, say: Callable[[str], None]
) -> tuple[list[Entrant], Reference]:
    """Converts and loads contenders, and compares what they compute with the network in float64.

    Args:
        shop: of the network.
        field: variants of each contender.
        stack: ends the processes.
        say: is called with a line about each variant.
    """
    reference = _reference(shop.net, net.network(shop.net, shop.weights))
    folder = shop.cache.absolute() / "run" / shop.net.name
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "inputs.npy", reference.inputs)
    entrants = []
    for name, chosen in field.items():
        entered = _enter(name, chosen, shop, folder, stack)
        for entrant in entered:
            _check(entrant, reference, folder)
            say(f"{shop.net.name}: {entrant.row.label}: {entrant.row.status} {entrant.row.reason}".rstrip())
        entrants += entered
    return entrants, reference


def _reference(net_: Net, module: Any) -> Reference:
    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.tolerance import own_error
    from ssc_deploy.verification.torch_reference import TorchReference

    x, torch_reference = net.inputs(net_), TorchReference(module)
    (exact,) = torch_reference.outputs(Examples.of(x))
    own = own_error(torch_reference.float32_outputs(Examples.of(x))[0], exact)
    objection = own.objection()
    if objection:
        raise ValueError(f"{net_.name} {objection}")
    return Reference(x, exact, own)


def _enter(
    name: str, chosen: Sequence[str], shop: Workshop, folder: Path, stack: contextlib.ExitStack
) -> list[Entrant]:
    """A contender with its variants, loaded into one process."""
    about = contender.module(name).CONTENDER
    entrants, process, versions = [], None, {}
    for variant in chosen:
        converted = shop.convert(name, variant)
        row = Row(name, about.title, about.kind, variant, Status.FAILED, converted.reason)
        if converted.file is None:
            entrants.append(Entrant(row))
            continue
        row = dataclasses.replace(row, convert_seconds=converted.seconds)
        entrant = Entrant(row)
        entrants.append(entrant)
        try:
            if process is None:
                python = environments.python(about.environment, shop.cache)
                process = stack.enter_context(Process(python, name, folder / f"{name}.log"))
                versions = process.ask("versions", packages=about.packages)["versions"]
            entrant.process = process
            file = {"file": converted.file, "net": shop.net.to_dict()}
            notes = process.ask("load", seconds=_PATIENCE, **{"as": variant}, **file)["notes"]
            entrant.row = dataclasses.replace(row, versions=versions, notes=notes)
        except (ContenderError, environments.EnvironmentUnavailableError) as error:
            entrant.fail(error)
    return entrants


def _check(entrant: Entrant, reference: Reference, folder: Path) -> None:
    """Compares what an entrant computes with the network in float64."""
    from ssc_deploy.verification.tolerance import error_of

    if entrant.process is None:
        return
    row = entrant.row
    path = folder / f"{row.contender}.npy"
    files = {"inputs": str(folder / "inputs.npy"), "outputs": str(path)}
    try:
        entrant.process.ask("compute", seconds=_PATIENCE, **{"as": row.variant}, **files)
    except ContenderError as error:
        entrant.fail(error)
        return
    if row.kind is Kind.LIMIT:
        entrant.row = dataclasses.replace(row, status=Status.BOUND, reason="")
        return
    y = np.load(path)
    entrant.row = judged(row, y, reference, error_of(y, reference.exact) if y.shape == reference.exact.shape else None)


def judged(row: Row, y: np.ndarray, reference: Reference, error: Any) -> Row:
    """The row with the verdict on its outputs ``y``.

    Args:
        row: so far.
        y: outputs.
        reference: what they should be.
        error: their distance from it; None where they have another shape.
    """
    tolerance = reference.own.tolerance
    assert tolerance is not None  # the reference was asked for objections
    if error is None:
        reason = f"returns {list(y.shape)} in place of {list(reference.exact.shape)}"
        return dataclasses.replace(row, status=Status.WRONG, reason=reason)
    relative = error.max / reference.own.scale
    if tolerance.allows(error):
        return dataclasses.replace(row, status=Status.RIGHT, reason="", error=relative)
    own = reference.own.error.max / reference.own.scale
    reason = f"differs from float64 by {relative:.1e} of the largest output; PyTorch's own float32 by {own:.1e}"
    return dataclasses.replace(row, status=Status.WRONG, reason=reason, error=relative)


def take_turns(entrants: Sequence[Entrant], rounds: int, runs: int) -> None:
    """Times all entrants in every round, in an order drawn anew, and adds each round's median to their samples."""
    order = random.Random(0)  # noqa: S311 - an order, no secret
    for _ in range(rounds):
        racing = [entrant for entrant in entrants if entrant.process is not None]
        for entrant in order.sample(racing, len(racing)):
            assert entrant.process is not None
            try:
                times = entrant.process.ask("run", **{"as": entrant.row.variant}, warmup=1, times=runs)
            except ContenderError as error:
                entrant.fail(error)
                continue
            entrant.cpu.append(statistics.median(times["cpu"]))
            entrant.wall.append(statistics.median(times["wall"]))


def _judged(entrants: Sequence[Entrant]) -> tuple[Row, ...]:
    """Rows with their times and ratios."""
    timed = {id(entrant): _times(entrant, None, None) for entrant in entrants if entrant.process is not None}
    rows = [dataclasses.replace(entrant.row, times=timed.get(id(entrant))) for entrant in entrants]
    peer = _fastest(entrants, rows, Kind.PEER)
    limit = _fastest(entrants, rows, Kind.LIMIT)
    return tuple(
        row if row.times is None else dataclasses.replace(row, times=_times(entrant, peer, limit))
        for entrant, row in zip(entrants, rows, strict=True)
    )


def _fastest(entrants: Sequence[Entrant], rows: Sequence[Row], kind: Kind) -> Entrant | None:
    best = fastest([row for row in rows if row.kind is kind])
    return None if best is None else next(e for e, row in zip(entrants, rows, strict=True) if row is best)


def _times(entrant: Entrant, peer: Entrant | None, limit: Entrant | None) -> Times:
    cpu, wall = ([1e3 * second for second in seconds] for seconds in (entrant.cpu, entrant.wall))
    ratios = [None if other is None else measuring.paired(entrant.cpu, other.cpu) for other in (peer, limit)]
    return Times(measuring.interval(cpu), measuring.interval(wall), *ratios)


def _ours_to_peers(entrants: Sequence[Entrant], rows: Sequence[Row]) -> measuring.Ratio | None:
    ours, peer = (_fastest(entrants, rows, kind) for kind in (Kind.OURS, Kind.PEER))
    return None if ours is None or peer is None else measuring.paired(ours.cpu, peer.cpu)
