"""A network's view for training: the same parameters and buffers, computed in the fastest way.

Measured on SSC-Net-1-9 (``python -m benchmarks.training``): with activations in channels-last order and convolutions
in bfloat16 a step takes a quarter of the time of the plain network's in float32; the order alone makes it 0.55. One
dense product with a block-diagonal kernel is no faster than PyTorch's own grouped convolution in that form, so
convolutions and shifts stay as they are. The order needs a shuffle that keeps it: the plain one changes to
channels-first, and everything after it is slower.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

from ssc_deploy.nets.movement import Shuffle

if TYPE_CHECKING:
    import torch


class ChannelsLastShuffle(nn.Module):
    """`Shuffle` in one copy, from channels-last order to channels-last order."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Permutes the channels of ``x`` [N, C, H, W]."""
        n, c, h, w = x.shape
        grouped = x.permute(0, 2, 3, 1).reshape(n, h, w, self.groups, c // self.groups)
        return grouped.transpose(3, 4).reshape(n, h, w, c).permute(0, 3, 1, 2)


def training_view(network: nn.Module) -> nn.Module:
    """A copy of the network in train mode that shares its parameters, so that an optimizer changes both.

    The network itself keeps its modules, its own mode, and the names of its state dict.
    """
    return _view(network).train()


def _view(module: nn.Module) -> nn.Module:
    if isinstance(module, Shuffle):
        return ChannelsLastShuffle(module.groups)
    # Dictionaries of parameters and buffers are shared, that of the children is made again.
    twin = copy.copy(module)
    children: dict[str, nn.Module | None] = OrderedDict()
    before: nn.Module | None = None
    for name, child in module._modules.items():
        # In a sequence, only the next module needs the output of BatchNorm; its own backward pass does not.
        overwrites = isinstance(module, nn.Sequential) and isinstance(before, nn.BatchNorm2d)
        if overwrites and type(child) is nn.ReLU:
            children[name] = nn.ReLU(inplace=True)
        else:
            children[name] = None if child is None else _view(child)
        before = child
    twin._modules = children
    return twin
