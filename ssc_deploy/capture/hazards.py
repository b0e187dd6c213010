"""Finds, in one eager run before the export, what ``torch.export`` does differently from eager PyTorch.

``.data``: tracing a tensor's ``.data`` ends the whole process (PyTorch 2.15). Layers use it to clamp or round their own
weights, which does not change them after the first call. In this case reading ``.data`` of a weight gives a copy during
the export, and assigning to it does nothing.

Overlapping writes: ``y[:, 1:] = y[:, :-1]`` reads what it has just written, so that eager PyTorch copies one slice
everywhere. The export has no order of writing, and shifts. ``y[:, 1:] += y[:, :-1]`` and ``out=`` do the same.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ssc_deploy.capture.user_line import user_line
from ssc_deploy.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn

_DATA: Any = torch.Tensor.data
_READ, _ASSIGN = _DATA.__get__, _DATA.__set__


def check(module: nn.Module, noise: Sequence[torch.Tensor], *, only_look: bool = False) -> bool:
    """Runs the module once more on noise and looks at what it does.

    Args:
        module: has run once on inputs of these shapes.
        noise: one tensor for each of its inputs.
        only_look: the graph is for looking at, and no file is made of it: overlapping writes are warned of.

    Returns:
        whether the module uses ``.data``, so that it has to be exported inside `weights_kept`.

    Raises:
        CaptureError: the module writes into a slice what it reads from an overlapping one, so that it reads what it
            wrote, or changes its weights with every call through ``.data``, or assigns to ``.data`` of something else
            than a weight.
    """
    weights = [*module.parameters(), *module.buffers()]
    before = [weight.detach().clone() for weight in weights]
    watching: Any = _OverlappingWrites
    uses, overlaps = _UsesOfData(weights), watching()
    # If the module fails on noise, but not on an empty image, the export reports it.
    with contextlib.suppress(Exception), torch.no_grad(), uses, overlaps:
        module(*noise)
    if overlaps.line is not None:
        sentence = (
            f"{type(module).__name__} writes into a slice of a tensor from an overlapping slice of the same tensor"
            f"{overlaps.line}: PyTorch reads there what it has just written, so that one slice is copied everywhere, "
            "and no exporter does the same; add .clone() to the slice that is read, and train again with it if need be"
        )
        if not only_look:
            raise CaptureError(sentence)
        warnings.warn(sentence, stacklevel=2)
    if uses.other is not None:
        raise CaptureError(
            f"{type(module).__name__} assigns to .data of a tensor that is not a weight{uses.other}, which "
            "torch.export cannot follow; compute a new tensor instead"
        )
    changed = not all(torch.equal(weight, was) for weight, was in zip(weights, before, strict=True))
    if uses.line is not None and changed:
        raise CaptureError(
            f"{type(module).__name__} changes its weights through .data with every call{uses.line}, so that there are "
            "no weights to export; change them in training only (if self.training), and save them so"
        )
    return uses.line is not None


@contextlib.contextmanager
def weights_kept(module: nn.Module) -> Iterator[None]:
    """While it lasts, ``.data`` of a weight is a copy of it, and assigning to it does nothing."""
    with _Kept([*module.parameters(), *module.buffers()]):
        yield


class _UsesOfData(TorchFunctionMode):
    """Notes where ``.data`` is used, and where it is assigned to on a tensor that is not a weight."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self._weights = {id(weight) for weight in weights}
        self.line: str | None = None
        self.other: str | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in {_READ, _ASSIGN}:
            self.line = self.line or user_line()
            if func == _ASSIGN and id(args[0]) not in self._weights:
                self.other = self.other or user_line()
        return func(*args, **(kwargs or {}))


class _Kept(TorchFunctionMode):
    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self._weights = weights

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func == _ASSIGN:
            return None
        if func == _READ:
            # An activation may be changed in place through it, and has to see that.
            return args[0].detach().clone() if isinstance(args[0], torch.nn.Parameter) else args[0].detach()
        return func(*args, **(kwargs or {}))


class _OverlappingWrites(TorchDispatchMode):  # type: ignore[no-untyped-call]  # __init_subclass__ of torch has no types
    """Notes the first operator that gives another result because it writes into a tensor that it reads elsewhere."""

    line: str | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = {argument.name: value for argument, value in zip(func._schema.arguments, args, strict=False)}
        given |= kwargs or {}
        writes = {a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write}
        tensors = {name: value for name, value in given.items() if isinstance(value, torch.Tensor)}
        written = {name: value for name, value in tensors.items() if name in writes}
        reads = [value for name, value in tensors.items() if name not in writes]
        if not any(_overlap(to, source) for to in written.values() for source in reads):
            return func(*args, **(kwargs or {}))
        apart = given | {name: value.clone() for name, value in tensors.items()}
        func(*(apart[a.name] for a in func._schema.arguments[: len(args)]), **{n: apart[n] for n in kwargs or {}})
        result = func(*args, **(kwargs or {}))
        same = all(torch.isclose(value, apart[name], equal_nan=True).all() for name, value in written.items())
        if self.line is None and not same:
            self.line = user_line()
        return result


def _overlap(to: torch.Tensor, source: torch.Tensor) -> bool:
    """Whether two tensors are different parts of one memory that have elements in common."""
    if to.layout is not torch.strided or source.layout is not torch.strided or not to.numel() or not source.numel():
        return False
    if to.untyped_storage().data_ptr() != source.untyped_storage().data_ptr():
        return False
    places = [(t.storage_offset(), t.size(), t.stride()) for t in (to, source)]
    if places[0] == places[1]:
        return False
    ends = [
        t.storage_offset() + sum((n - 1) * s for n, s in zip(t.size(), t.stride(), strict=True)) for t in (to, source)
    ]
    elements = torch.zeros(max(ends) + 1, dtype=torch.bool)
    elements.as_strided(to.size(), to.stride(), to.storage_offset()).fill_(True)
    return bool(elements.as_strided(source.size(), source.stride(), source.storage_offset()).any())
