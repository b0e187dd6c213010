"""Finds the known network of a checkpoint by its header, its card and the shapes of its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.errors import CheckpointError, NetworkError, parameter, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from _typeshed import DataclassInstance

    from ssc_deploy.card import Card
    from ssc_deploy.checkpoint import Checkpoint
    from ssc_deploy.checkpoint.entries import Entry
    from ssc_deploy.nets import Network

#: Nested wrappers around a network that are removed.
_DEPTH = 4
_FEWEST = 4


def build(
    read: Checkpoint | None,
    card: Card | None,
    arch: str | None,
    args: Mapping[str, object],
    *,
    weights: str | None = None,
    seed: int = 0,
) -> Network:
    """The network, with weights as initialised.

    Args:
        read: its checkpoint; None for random weights, seeded.
        card: of the checkpoint.
        arch: name of an architecture or network, if the user gives it.
        args: of the network, by the user.
        weights: which set of weights is meant, where the checkpoint holds several networks.
        seed: of random weights.

    Raises:
        CheckpointError: the checkpoint is of none of the known networks, or of several.
        NetworkError: unknown architecture or impossible configuration.
    """
    from ssc_deploy import nets

    if arch is not None:
        arch, args = nets.resolve(arch, args)
    if read is None:
        if arch is None:
            raise NetworkError(f"name a checkpoint, or a network with `arch`; the known are {', '.join(nets.names())}.")
        network = nets.create(arch, nets.configure(arch, args))
        nets.randomise(network, seed)
        return network
    inferred = _inferred(read, arch, weights)
    told, config = read.header.arch, read.header.config
    if told is None and card is not None and card.arch is not None:
        told, config = card.arch, card.config
    if told is None and inferred is not None:
        told = inferred[0]
    chosen = arch or told
    if chosen is None:
        some, known = ", ".join(map(shown, list(read.tensors)[:3])), ", ".join(nets.names())
        raise CheckpointError(
            f"{read.path}: its tensors ({some}, ...) are of none of the known architectures ({known}): "
            'bring the network itself with `model="path/to/net.py:Name", input_shape=(1, 3, 32, 32)`.'
        )
    base = inferred[1] if inferred is not None and inferred[0] == chosen else None
    if chosen == told and config:
        described = nets.configure(chosen, config)
        # Only then is the network as large as the file: a header may claim any size.
        for name, value in vars(base).items() if base is not None else ():
            if type(value) is int and vars(described)[name] != value:
                raise CheckpointError(
                    f"{read.path} is described with {name}={vars(described)[name]}, its tensors are of {name}={value}."
                )
        if base is None:
            raise CheckpointError(f"{read.path} is described as {chosen}, its tensors are of another network.")
        base = described
    return nets.create(chosen, nets.configure(chosen, args, base))


def _inferred(read: Checkpoint, arch: str | None, weights: str | None) -> tuple[str, DataclassInstance] | None:
    """What the shapes say. If several networks are in the file, the one that the user chose."""
    from ssc_deploy import nets

    found: dict[str, tuple[str, DataclassInstance]] = {}
    for entry in read.entries:
        for prefix, tensors in _groups(entry):
            inner = any(prefix == known or prefix.startswith(f"{known}.") for known in found if known)
            network = None if inner else nets.infer({name: tuple(tensor.shape) for name, tensor in tensors.items()})
            if network is not None and (arch is None or network[0] == arch):
                found.setdefault(prefix, network)
    named = {
        prefix: network
        for prefix, network in found.items()
        if weights is not None and (f".{weights}." in f".{prefix}." or weights == (prefix or "."))
    }
    found = named or found
    if len({(name, repr(config)) for name, config in found.values()}) > 1:
        places = [shown(prefix) or "." for prefix in found]
        ways = " or ".join(parameter("weights", place) for place in places)
        raise CheckpointError(
            f"{read.path} holds several networks ({', '.join(places)}): say which is meant, with {ways}."
        )
    return next(iter(found.values()), None)


def _groups(entry: Entry) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """The tensors of one dict, and those under each of the prefixes that wrappers may have put before a network."""
    from ssc_deploy.checkpoint.entries import spellings

    if entry.is_list:
        return
    pending: list[tuple[str, dict[str, torch.Tensor], int]] = [(entry.place, entry.tensors, _DEPTH)]
    while pending:
        prefix, tensors, depth = pending.pop(0)
        for rank in range(3):
            spelled = {(names := spellings(name))[min(rank, len(names) - 1)]: t for name, t in tensors.items()}
            if len(spelled) == len(tensors):
                yield prefix, spelled
        inside: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items() if depth else ():
            first, dot, rest = name.partition(".")
            if dot and not first.isdecimal():
                inside.setdefault(first, {})[rest] = tensor
        pending += [
            (f"{prefix}.{first}".strip("."), part, depth - 1) for first, part in inside.items() if len(part) >= _FEWEST
        ]
