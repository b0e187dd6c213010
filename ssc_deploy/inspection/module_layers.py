"""Layers of a PyTorch network, as it calls them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ssc_deploy.inspection.report import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence


def layers_of(module: nn.Module, given: Sequence[torch.Tensor]) -> tuple[Layer, ...]:
    """The modules without children, in the order in which the network calls them on such inputs."""
    layers: list[Layer] = []
    counted: set[nn.Parameter] = set()

    def note(path: str, child: nn.Module, output: Any) -> None:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else None
        own = [p for p in child.parameters() if p not in counted]
        counted.update(own)
        numbers = sum(p.numel() for p in own)
        name, macs = type(child).__name__, _macs(child, shape)
        layers.append(Layer(path, path, name, _detail(child), None, shape, numbers, macs, 0))

    with contextlib.ExitStack() as stack:
        for path, child in module.named_modules():
            if next(child.children(), None) is None:
                handle = child.register_forward_hook(lambda child, _, output, path=path: note(path, child, output))
                stack.callback(handle.remove)
        with torch.inference_mode():
            module(*given)
    return tuple(layers)


def _detail(child: nn.Module) -> str:
    if not isinstance(child, nn.Conv2d):
        return ""
    parts = ["x".join(map(str, child.kernel_size))]
    stride = max(child.stride)
    return " ".join(parts + [f"g{child.groups}"] * (child.groups > 1) + [f"/{stride}"] * (stride > 1))


def _macs(child: nn.Module, shape: tuple[int, ...] | None) -> int | None:
    if isinstance(child, nn.Conv2d | nn.Linear):
        return None if shape is None else torch.Size(shape).numel() * child.weight[0].numel()
    # Another module with weights may multiply by them in any way.
    known = isinstance(child, nn.BatchNorm2d) or next(child.parameters(), None) is None
    return 0 if known else None
