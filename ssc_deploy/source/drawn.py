"""Notices a network that is drawn at random beyond its weights, and whose checkpoint therefore does not describe it.

A permutation or shifts drawn in ``__init__``, and kept as plain attributes, are others each time the network is built;
the trained ones are in no file. So the network is built again under other seeds and loaded with the same weights:
what is in the checkpoint is then the same, and so must be what they compute.

A forward that itself draws random numbers is not meant: it runs under one seed in all of them. One that draws them from
somewhere else does not even agree with itself, and is left to those who look at the forward.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from ssc_deploy.errors import USER_ERRORS, CheckpointError, NetworkError
from ssc_deploy.source.seeding import seeded

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ssc_deploy.signature import Signature

    Build = Callable[[int], torch.nn.Module]

#: Two, since a structure of few kinds may come out the same under two seeds; none that is likely in a training.
_OTHERS = (0x5EED, 0x5EED5)
#: Of the largest output. Both run the same operators on the same numbers, which may differ by an order of summation.
_TOLERANCE = 1e-5


def check(module: torch.nn.Module, build: Build, signature: Signature, title: str, *, seed: int | None) -> None:
    """Refuses a network that is another one each time it is built.

    Args:
        module: as built and loaded, in eval mode; it is run on random inputs.
        build: builds and loads it again, in eval mode, under a seed.
        signature: of the network.
        title: of the network, for the message.
        seed: that the user gave; then only another network under the same seed is refused.

    Raises:
        NetworkError: the networks compute something else, or one does not take the checkpoint.
    """
    first = 0 if seed is None else seed
    try:
        own = _run(module, signature)
        others = [_run(build(other), signature) for other in (_OTHERS if seed is None else (first,))]
    except CheckpointError as error:
        raise NetworkError(_sentence(title, seedable=seed is None)) from error
    except (*USER_ERRORS, NetworkError):
        return  # what cannot be built or run twice here cannot be compared
    if all(_alike(own, other) for other in others):
        return
    try:
        again, twin = _run(module, signature), _run(build(first), signature)
    except (*USER_ERRORS, CheckpointError):
        return
    if not _alike(own, again):
        return  # it does not agree with itself: its forward is random, or keeps something from call to call
    raise NetworkError(_sentence(title, seedable=seed is None and _alike(own, twin)))


def _run(module: torch.nn.Module, signature: Signature) -> list[torch.Tensor]:
    """Its outputs for noise."""
    import torch

    from ssc_deploy.source import returned, trial

    with seeded(0), torch.no_grad(), warnings.catch_warnings(action="ignore"):
        output = module(*trial.noise(signature.inputs))
    return [one.detach().double() for one in returned.tensors(output, "", signature.names).values()]


def _alike(every: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    import torch

    for a, b in zip(every, others, strict=True):
        if a.shape != b.shape:
            return False
        scale = float(a.nan_to_num().abs().max()) if a.numel() else 0.0
        if not torch.allclose(a, b, rtol=0, atol=_TOLERANCE * scale, equal_nan=True):
            return False
    return True


def _sentence(title: str, *, seedable: bool) -> str:
    kept = "keep it in the state dict (self.register_buffer) and train again"
    if not seedable:
        return (
            f"{title} is another network each time it is built, even under one seed, and the checkpoint does not hold "
            f"what differs: the trained network cannot be rebuilt; {kept}."
        )
    return (
        f"{title} draws random numbers while it is built (a permutation, shifts, masks?), and the checkpoint does not "
        "hold them, so that the network built here is not the trained one: give `seed=N` where the training set that "
        f"seed right before it built the network, or {kept}."
    )
