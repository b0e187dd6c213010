"""Runs a module once, on zeros: does it take such inputs, and what does it return?"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import torch

from ssc_deploy.capture.user_line import reason
from ssc_deploy.errors import USER_ERRORS, NetworkError
from ssc_deploy.signature import Signature, Tensor
from ssc_deploy.source import returned
from ssc_deploy.source.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The largest whole number that is tried, and what a network is given that takes even that: an image has 255.
_LARGEST, _ANY = 2**20, 255


def of_module(module: torch.nn.Module, given: Sequence[Tensor], outputs: Sequence[str], batch: int | None) -> Signature:
    """Makes the module ready for inference, and runs it.

    Args:
        module: with its weights, or lazy; afterwards in eval mode, in float32, without gradients.
        given: its inputs.
        outputs: names of the outputs that are wanted; empty for all.
        batch: where it does not run on one example, so many are tried, as one whole; None or 1 for no such trial.

    Raises:
        NetworkError: it fails, or returns something that no file can.
    """
    name = type(module).__name__
    try:
        # What these return is not used: networks override them, and return nothing.
        module.float()
        module.eval()
    except USER_ERRORS as error:
        raise NetworkError(f"{name} cannot be made ready for inference: {reason(error)}") from error
    rows = all(tensor.shape[0] == 1 for tensor in given)
    if isinstance(module, Program):
        given, rows = _batch_of_program(module, given)
    if len(given) == 1 and len(given[0].shape) == 3 and not rows and _takes_one_more_axis(module, given[0]):
        raise NetworkError(
            f"{name} takes images, and {list(given[0].shape)} is one without a batch in front: give "
            f"`input_shape={(1, *given[0].shape)}`."
        )
    try:
        found = _run(module, given, outputs)
    except USER_ERRORS as error:
        if not rows or batch in {None, 1}:
            raise NetworkError(_failure(module, given, error)) from error
        given = [dataclasses.replace(tensor, shape=(batch, *tensor.shape[1:])) for tensor in given]
        rows = False
        try:
            found = _run(module, given, outputs)
        except USER_ERRORS:
            raise NetworkError(_failure(module, given, error)) from error
    unused = lazy(module)
    if unused:
        raise NetworkError(
            f"{name} has lazy tensors that its forward does not use ({', '.join(unused[:3])}), so "
            "that they have no size: remove those parts."
        )
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for output, tensor in found.items():
        if tensor.is_complex():
            raise NetworkError(
                f"{name} returns complex numbers{f' as {output}' if len(found) > 1 else ''}, and files hold real ones: "
                "return their parts, for example with torch.view_as_real."
            )
    for output, tensor in found.items():
        if rows and len(found) > 1 and (tensor.ndim == 0 or len(tensor) != 1):
            others = tuple(one for one in found if one != output)
            raise NetworkError(
                f"{name} returns {list(tensor.shape)} as {output} for one example; an output begins with the batch, "
                f"[1, ...]: export the others, `outputs={others}`, or return it so."
            )
    returns = tuple(Tensor(output, tuple(t.shape), _dtype(t)) for output, t in found.items())
    return Signature(_named(module, _ranged(module, given)), returns, rows)


def zeros(tensors: Sequence[Tensor]) -> list[torch.Tensor]:
    """One of each input, of zeros."""
    return [torch.zeros(tensor.shape, dtype=getattr(torch, tensor.dtype)) for tensor in tensors]


def noise(tensors: Sequence[Tensor], seed: int = 0) -> list[torch.Tensor]:
    """One of each input: standard normal values, and whole numbers that the network takes."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(tensor.shape, generator=generator)
        if tensor.dtype == "float32"
        else torch.randint(0, (tensor.most or 0) + 1, tensor.shape, generator=generator).to(
            getattr(torch, tensor.dtype)
        )
        for tensor in tensors
    ]


def lazy(module: torch.nn.Module) -> list[str]:
    """Names of its parameters and buffers that have no size yet."""
    from torch.nn.parameter import is_lazy

    return [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if is_lazy(tensor)]


def _batch_of_program(module: Program, given: Sequence[Tensor]) -> tuple[Sequence[Tensor], bool]:
    """Its inputs with a batch of one, if it takes any batch; as they are, and no rows, if its batch is fixed."""

    def with_batch(batch: int) -> list[Tensor]:
        return [dataclasses.replace(tensor, shape=(batch, *tensor.shape[1:])) for tensor in given]

    results = []
    for batch in (1, 2):
        try:
            results.append(_run(module, with_batch(batch), ()))
        except USER_ERRORS:
            return given, False
    one, two = (list(result.values()) for result in results)
    rows = all(
        a.ndim > 0 and len(a) == 1 and tuple(b.shape) == (2, *a.shape[1:]) for a, b in zip(one, two, strict=True)
    )
    return (with_batch(1), True) if rows else (given, False)


def _takes_one_more_axis(module: torch.nn.Module, given: Tensor) -> bool:
    """Whether the module takes a batch of one of these: then its author forgot the batch."""
    with contextlib.suppress(*USER_ERRORS), torch.no_grad():
        module(*zeros([dataclasses.replace(given, shape=(1, *given.shape))]))
        return True
    return False


def _run(module: torch.nn.Module, given: Sequence[Tensor], outputs: Sequence[str]) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        output = module(*zeros(given))
    return returned.tensors(output, type(module).__name__, outputs)


def _failure(module: torch.nn.Module, given: Sequence[Tensor], error: BaseException) -> str:
    name = type(module).__name__
    if isinstance(error, NetworkError):
        return str(error)
    taken = _parameters(module)
    if len(given) == 1 and len(given[0].shape) == 4:
        what = f"an image of {'x'.join(map(str, given[0].shape))}"
    else:
        what = " and ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in given)
    needed = [parameter.name for parameter in taken if parameter.default is parameter.empty]
    advice = ""
    if isinstance(error, TypeError) and len(needed) > len(given):
        advice = f"; it takes {', '.join(needed)}: give `input_shape` for each of them"
    return f"{name} fails on {what}: {reason(error)}{advice}"


def _parameters(module: torch.nn.Module) -> list[inspect.Parameter]:
    """What the module's forward takes by position; empty if that cannot be told."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]


def _named(module: torch.nn.Module, given: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Several inputs are called as the forward calls them."""
    names = [parameter.name for parameter in _parameters(module)]
    if len(given) == 1 or len(names) < len(given):
        return tuple(given)
    return tuple(dataclasses.replace(tensor, name=name) for tensor, name in zip(given, names, strict=False))


def _ranged(module: torch.nn.Module, given: Sequence[Tensor]) -> list[Tensor]:
    """The inputs, of whole numbers with the largest that the network takes: the rows of an embedding, for example."""
    found = list(given)
    for i, tensor in enumerate(given):
        if tensor.dtype == "float32" or tensor.most is not None:
            continue
        limit = {"bool": 1, "uint8": 255}.get(tensor.dtype, _LARGEST)
        if not _takes(module, found, i, limit):
            low, high = 0, limit  # takes low, does not take high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _takes(module, found, i, middle) else (low, middle)
            limit = low
        elif limit == _LARGEST:
            limit = _ANY  # it takes any number, so it computes with them
        found[i] = dataclasses.replace(tensor, most=limit)
    return found


def _takes(module: torch.nn.Module, given: Sequence[Tensor], place: int, number: int) -> bool:
    values: list[Any] = zeros(given)
    values[place].fill_(number)
    with contextlib.suppress(*USER_ERRORS), torch.no_grad():
        module(*values)
        return True
    return False


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
