"""Pre-activation ResNet of bottleneck blocks for CIFAR (He et al. 2016, arXiv 1603.05027).

    block:  BN, ReLU -> 1x1 in -> mid -> BN, ReLU, 3x3 (stride here) -> BN, ReLU, 1x1 mid -> 4 mid -> + shortcut

The shortcut is x, or a 1x1 convolution where the width changes, which then reads x behind the block's first BN and ReLU
as in the authors' code. There is nothing after the sum: BN and ReLU stand once more before the pool. With 18 blocks a
stage it is ResNet-164.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import activated, plain, preactivated
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages

EXPANSION = 4


@dataclass(frozen=True)
class PreResNetConfig:
    """Pre-activation ResNet.

    Attributes:
        B: blocks a stage.
        classes: outputs.
        in_channels: of the image.
        stem: channels of the first convolution and of the first stage's bottlenecks.
    """

    B: int = 18
    classes: int = 10
    in_channels: int = 3
    stem: int = 16

    def __post_init__(self) -> None:
        for name in ("B", "classes", "in_channels", "stem"):
            value = getattr(self, name)
            require(value >= 1, f"pre-activation ResNet needs {name} of at least 1, not {value}.")


class BottleneckBlock(nn.Module):
    """[N, in, H, W] -> [N, 4 middle, H / stride, W / stride]."""

    def __init__(self, in_channels: int, middle: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * middle
        self.activated = activated(in_channels)
        self.conv1 = plain(in_channels, middle)
        self.conv2 = preactivated(middle, middle, 3, stride=stride)
        self.conv3 = preactivated(middle, out_channels)
        self.projects = in_channels != out_channels
        self.shortcut = plain(in_channels, out_channels, stride=stride) if self.projects else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        y = self.activated(x)
        out: torch.Tensor = self.conv3(self.conv2(self.conv1(y))) + self.shortcut(y if self.projects else x)
        return out


@register
class PreResNet(StagedClassifier):
    """Pre-activation ResNet: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "pre-resnet"
    config_type = PreResNetConfig

    def __init__(self, config: PreResNetConfig) -> None:
        stem, body, channels = plain(config.in_channels, config.stem, 3), nn.Sequential(), config.stem
        for stage, stride in stages(config.B):
            middle = config.stem * 2**stage
            body.append(BottleneckBlock(channels, middle, stride))
            channels = EXPANSION * middle
        super().__init__(config, channels, stem=stem, body=body, last=activated(channels))

    @property
    def title(self) -> str:
        """E.g. ``"pre-activation ResNet-164"``."""
        return f"pre-activation ResNet-{9 * self.config.B + 2}"

    @classmethod
    def infer(cls, shapes: Shapes) -> PreResNetConfig | None:
        """All from the shapes."""
        stem, conv3, head = (
            shapes.get(name, ()) for name in ("stem.weight", "body.0.conv3.conv.weight", "head.weight")
        )
        blocks = blocks_of(shapes, ".conv3.conv.weight")
        if len(stem) != 4 or len(conv3) != 4 or len(head) != 2 or blocks % STAGES:
            return None
        if not min(stem[0], stem[1], head[0]) or conv3[0] != EXPANSION * stem[0]:
            return None
        return PreResNetConfig(blocks // STAGES, head[0], stem[1], stem[0])
