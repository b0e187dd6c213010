"""DenseNet-L-k and DenseNet-BC-L-k for CIFAR (Huang et al. 2017, arXiv 1608.06993).

    layer:       BN, ReLU, 3x3 -> k;  with bottlenecks (B)  BN, ReLU, 1x1 -> 4k, BN, ReLU, 3x3 -> k;  beside its input
    transition:  BN, ReLU, 1x1 -> theta * channels, mean over 2x2

Three dense blocks of equally many layers, a transition between them, BN and ReLU at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import activated, plain, preactivated
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import StagedClassifier, blocks_of

BLOCKS = 3

#: A bottleneck is this many times as wide as the growth.
BOTTLENECK = 4


@dataclass(frozen=True)
class DenseNetConfig:
    """DenseNet.

    Attributes:
        L: depth: 3 n + 4 with n layers a block, or 6 n + 4 with bottlenecks.
        k: growth: channels that each layer adds.
        bottleneck: whether a 1x1 convolution precedes each 3x3.
        theta: what a transition keeps of the channels.
        stem: channels of the first convolution.
        classes: outputs.
        in_channels: of the image.
    """

    L: int = 40
    k: int = 12
    bottleneck: bool = False
    theta: float = 1.0
    stem: int = 16
    classes: int = 10
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("k", "stem", "classes", "in_channels"):
            require(getattr(self, name) >= 1, f"DenseNet needs {name} of at least 1, not {getattr(self, name)}.")
        convolutions = BLOCKS * (2 if self.bottleneck else 1)
        require(
            4 + convolutions <= self.L and (self.L - 4) % convolutions == 0,
            f"DenseNet needs a depth L of {convolutions} n + 4 with n of at least 1, not {self.L}.",
        )
        require(
            0 < self.theta <= 1 and int(self.theta * (self.stem + self.layers * self.k)) >= 1,
            f"DenseNet needs a theta between 0 and 1 that leaves a channel, not {self.theta:g}.",
        )

    @property
    def layers(self) -> int:
        """Layers of each block."""
        return (self.L - 4) // BLOCKS // (2 if self.bottleneck else 1)


class DenseLayer(nn.Module):
    """[N, C, H, W] -> [N, C + k, H, W]: its input, and behind it what it computes."""

    def __init__(self, config: DenseNetConfig, in_channels: int) -> None:
        super().__init__()
        inner = BOTTLENECK * config.k if config.bottleneck else in_channels
        self.bottleneck = preactivated(in_channels, inner) if config.bottleneck else nn.Identity()
        self.grow = preactivated(inner, config.k, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the layer on ``x`` [N, C, H, W]."""
        return torch.cat([x, self.grow(self.bottleneck(x))], 1)


class Transition(nn.Module):
    """[N, in, H, W] -> [N, out, H / 2, W / 2]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = preactivated(in_channels, out_channels)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the transition on ``x`` [N, C, H, W]."""
        out: torch.Tensor = self.pool(self.project(x))
        return out


@register
class DenseNet(StagedClassifier):
    """DenseNet: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "densenet"
    config_type = DenseNetConfig

    def __init__(self, config: DenseNetConfig) -> None:
        stem, body, channels = plain(config.in_channels, config.stem, 3), nn.Sequential(), config.stem
        for block in range(BLOCKS):
            if block:
                kept = int(config.theta * channels)
                body.append(Transition(channels, kept))
                channels = kept
            for _ in range(config.layers):
                body.append(DenseLayer(config, channels))
                channels += config.k
        super().__init__(config, channels, stem=stem, body=body, last=activated(channels))

    @property
    def title(self) -> str:
        """E.g. ``"DenseNet-BC-100-12"``."""
        kind = "B" * self.config.bottleneck + "C" * (self.config.theta < 1)
        return "-".join(["DenseNet", *([kind] if kind else []), str(self.config.L), str(self.config.k)])

    @classmethod
    def infer(cls, shapes: Shapes) -> DenseNetConfig | None:
        """All from the shapes; theta is the roundest number that gives these widths."""
        stem, grow, head = (shapes.get(name, ()) for name in ("stem.weight", "body.0.grow.conv.weight", "head.weight"))
        layers = blocks_of(shapes, ".grow.conv.weight")
        first = shapes.get(f"body.{layers // BLOCKS}.project.conv.weight", ())
        if len(stem) != 4 or len(grow) != 4 or len(head) != 2 or len(first) != 4 or layers % BLOCKS:
            return None
        if not min(stem[0], stem[1], grow[0], first[0], first[1], head[0]):
            return None
        bottleneck = "body.0.bottleneck.conv.weight" in shapes
        for parts in (1, 2, 4, 10, 100, first[1]):
            theta = -(-first[0] * parts // first[1]) / parts
            if theta <= 1 and int(theta * first[1]) == first[0]:
                depth = layers * (2 if bottleneck else 1) + 4
                return DenseNetConfig(depth, grow[0], bottleneck, theta, stem[0], head[0], stem[1])
        return None
