"""What most classifiers here share: features, the mean of each feature map, and a linear layer on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ssc_deploy.nets.registry import Network, Shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Stages of a network for CIFAR; each but the first begins with a block of stride 2.
STAGES = 3


class StagedClassifier(Network):
    """[N, in_channels, H, W] -> logits [N, classes]: the named parts in order, mean over the image, linear layer.

    Args:
        config: has ``classes`` and ``in_channels``.
        channels: of the last part's output.
        parts: modules by name, in the order in which they run.
    """

    def __init__(self, config: Any, channels: int, **parts: nn.Module) -> None:
        super().__init__()
        self.config = config
        self._parts = tuple(parts)
        for name, part in parts.items():
            self.add_module(name, part)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, config.classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The last part's output, [N, channels, H', W']."""
        for name in self._parts:
            x = self.get_submodule(name)(x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the images ``x`` [N, in_channels, H, W]."""
        logits: torch.Tensor = self.head(self.pool(self.features(x)).flatten(1))
        return logits


def stages(blocks: int) -> Iterator[tuple[int, int]]:
    """(stage, stride) of each block of a network with `STAGES` stages of ``blocks`` blocks."""
    for stage in range(STAGES):
        for index in range(blocks):
            yield stage, 2 if stage and not index else 1


def blocks_of(shapes: Shapes, suffix: str) -> int:
    """How many blocks of ``body`` have a tensor whose name ends so."""
    return len([name for name in shapes if name.startswith("body.") and name.endswith(suffix)])
