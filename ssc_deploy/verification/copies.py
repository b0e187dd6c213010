"""Copies of a module to run, each as if it were new.

A run may change what it runs on, so that every run needs a copy of its own. To copy a module takes longer than to see
that a run has changed nothing in its copy. Then the next run gets the same copy. If a copy holds anything of which this
cannot be seen, it is used once.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import types
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

#: Types of values that nothing can change; and those of which the same holds for every subclass.
_FIXED = {
    *(type(None), bool, int, float, complex, str, bytes),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size),
}
#: These ``copy.deepcopy`` shares, so that a run that changes one changes it for every other run as well.
_SHARED = (type, enum.Enum, types.FunctionType)

#: Where PyTorch's modules keep tensors and other modules.
_TABLES = ("_parameters", "_buffers", "_modules")


class _CannotBeSeenError(Exception):
    """Something in a module may change without a sign."""


class Copies:
    """Copies of one module, brought into a form.

    Args:
        module: is never changed.
        prepare: brings a copy into the form for a dtype.
    """

    def __init__(self, module: torch.nn.Module, prepare: Callable[[torch.nn.Module, torch.dtype], None]) -> None:
        self._module, self._prepare = module, prepare
        self._kept: dict[torch.dtype, tuple[torch.nn.Module, object]] = {}

    def take(self, dtype: torch.dtype) -> tuple[torch.nn.Module, object]:
        """A copy that nothing has changed, and how it looks; for `give_back`.

        Raises:
            Exception: the module cannot be copied or prepared; what it raises itself.
        """
        if dtype in self._kept:
            return self._kept.pop(dtype)
        ours = copy.deepcopy(self._module)
        self._prepare(ours, dtype)
        return ours, _look(ours)

    def give_back(self, dtype: torch.dtype, ours: torch.nn.Module, before: object) -> None:
        """Keeps a copy for the next run, if it is still as it was."""
        if before is not None and _look(ours) == before and self._has_our_numbers(ours):
            self._kept[dtype] = ours, before

    def _has_our_numbers(self, ours: torch.nn.Module) -> bool:
        """Whether the tensors of a copy hold what those of the module hold."""
        try:
            both = zip(_tensors(ours), _tensors(self._module), strict=True)
            return all(torch.equal(copied, given.detach().to(copied.dtype)) for copied, given in both)
        except (RuntimeError, ValueError):  # sparse, quantised, without numbers, or not as many
            return False


def _tensors(module: torch.nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


def _look(module: torch.nn.Module) -> object:
    """All that a run can change in a module but the numbers of its tensors; None if not all of it can be seen."""
    try:
        return [(id(part), type(part), _attributes(vars(part))) for part in module.modules()]
    except (_CannotBeSeenError, RecursionError, RuntimeError):
        return None


def _attributes(values: dict[str, Any]) -> list[object]:
    return [
        (name, [(key, _part(part)) for key, part in value.items()] if name in _TABLES else _seen(value))
        for name, value in values.items()
    ]


def _part(part: torch.Tensor | torch.nn.Module | None) -> object:
    """A tensor or module that a module is made of. What is in a module is looked at by itself, as a part of the whole.

    Raises:
        _CannotBeSeenError: it is a tensor that carries more than its numbers.
        RuntimeError: it is a tensor without strides.
    """
    if not isinstance(part, torch.Tensor):
        return id(part)
    if vars(part) or part.grad is not None:
        raise _CannotBeSeenError
    return id(part), part.dtype, part.shape, part.stride(), part.requires_grad


def _seen(value: Any) -> object:
    """A value as something that can be compared later.

    Raises:
        _CannotBeSeenError: it may change without a sign.
    """
    kind = type(value)
    if _is_fixed(value):
        return kind, value
    if kind in {tuple, list}:
        return kind, [_seen(item) for item in value]
    if kind in {set, frozenset} and all(map(_is_fixed, value)):
        return kind, frozenset(value)
    if kind in {dict, OrderedDict} and all(map(_is_fixed, value)):
        return kind, [(key, _seen(item)) for key, item in value.items()]
    if dataclasses.is_dataclass(value) and kind.__dataclass_params__.frozen and hasattr(value, "__dict__"):
        return kind, _seen(vars(value))
    raise _CannotBeSeenError


def _is_fixed(value: object) -> bool:
    return type(value) in _FIXED or isinstance(value, (*_SHARED, np.generic, np.dtype))
