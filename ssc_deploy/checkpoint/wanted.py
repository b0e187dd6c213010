"""What a module wants to be loaded with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.checkpoint.entries import EXTRA_STATE

#: BatchNorm's counter: of no use in inference, and absent from checkpoints of old PyTorch and from many averages.
COUNTER = "num_batches_tracked"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """A module's state dict as it is to be filled.

    Attributes:
        title: of the module, for messages.
        shapes: of its tensors by name, in the order of its state dict; None for an extra state, which has no shape.
        parameters: names of all its parameters, in the order of ``module.parameters()``.
        trained: of those that require a gradient.
        ties: the names of one tensor that has several, by each of them.
    """

    title: str
    shapes: dict[str, Shape | None]
    parameters: tuple[str, ...]
    trained: tuple[str, ...]
    ties: dict[str, tuple[str, ...]]

    @property
    def required(self) -> tuple[str, ...]:
        """Names without which the module would keep values that nobody trained."""
        return tuple(name for name in self.shapes if not name.endswith(COUNTER))

    def takes(self, name: str, value: object) -> bool:
        """Whether the value has the shape of that name; one number may be a scalar or a vector of one."""
        shape = self.shapes[name]
        if shape is None:
            return True
        if not isinstance(value, torch.Tensor):
            return False
        return tuple(value.shape) == shape or (value.numel() == 1 and len(shape) <= 1 and all(n == 1 for n in shape))


def of_module(module: nn.Module) -> Wanted:
    """What a module wants; all its parameters must have their sizes (a lazy module has run once)."""
    state = module.state_dict()
    shapes: dict[str, Shape | None] = {}
    places: dict[tuple[object, ...], list[str]] = {}
    for name, value in state.items():
        is_tensor = isinstance(value, torch.Tensor) and not name.endswith(EXTRA_STATE)
        shapes[name] = tuple(value.shape) if is_tensor else None
        if is_tensor and value.numel():
            places.setdefault((value.data_ptr(), value.dtype, tuple(value.shape), value.stride()), []).append(name)
    parameters = dict(module.named_parameters())
    return Wanted(
        type(module).__name__,
        shapes,
        tuple(parameters),
        tuple(name for name, parameter in parameters.items() if parameter.requires_grad),
        {name: tuple(names) for names in places.values() if len(names) > 1 for name in names},
    )
