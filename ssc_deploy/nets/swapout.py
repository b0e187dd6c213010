"""Swapout (Singh et al. 2016, arXiv 1605.06465): a pre-activation ResNet that drops units of both summands.

    training:   y = M1 * x + M2 * F(x)      with independent random masks of zeros and ones, an element each
    inference:  y = p x + p F(x)            with their means

    F:  BN, ReLU, 3x3 (stride here) -> BN, ReLU, 3x3

p falls linearly over the blocks, from 1 before the first to ``last`` at the last (the paper's "Linear(1, 0.5)"). x
stands for a 1x1 convolution of it, behind the block's first BN and ReLU, where the width changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import activated, plain, preactivated
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages

#: Of the first stage of the network that is not widened.
WIDTH = 16


@dataclass(frozen=True)
class SwapoutConfig:
    """Swapout v2(6 B + 2)x(widen).

    Attributes:
        B: blocks a stage.
        widen: factor of the widths 16, 32 and 64.
        last: p of the last block.
        classes: outputs.
        in_channels: of the image.
    """

    B: int = 3
    widen: int = 2
    last: float = 0.5
    classes: int = 10
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("B", "widen", "classes", "in_channels"):
            require(getattr(self, name) >= 1, f"Swapout needs {name} of at least 1, not {getattr(self, name)}.")
        require(0 < self.last <= 1, f"Swapout needs a last between 0 and 1, not {self.last:g}.")


class Mask(nn.Module):
    """``x`` with each element kept with probability ``p`` in training, and ``p x`` at inference.

    Dropout would divide by p in training instead, so that what BatchNorm sees would be larger than in the paper.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Masks ``x``, of any shape."""
        return x * torch.empty_like(x).bernoulli_(self.p) if self.training else x * self.p

    def extra_repr(self) -> str:
        """Shown by ``print(module)``."""
        return f"p={self.p:g}"


class SwapoutBlock(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, p: float) -> None:
        super().__init__()
        self.activated = activated(in_channels)
        self.conv1 = plain(in_channels, out_channels, 3, stride=stride)
        self.conv2 = preactivated(out_channels, out_channels, 3)
        self.projects = in_channels != out_channels
        self.shortcut = plain(in_channels, out_channels, stride=stride) if self.projects else nn.Identity()
        self.mask1, self.mask2 = Mask(p), Mask(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        y = self.activated(x)
        kept = self.mask1(self.shortcut(y if self.projects else x))
        out: torch.Tensor = kept + self.mask2(self.conv2(self.conv1(y)))
        return out


@register
class Swapout(StagedClassifier):
    """Swapout: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "swapout"
    config_type = SwapoutConfig

    def __init__(self, config: SwapoutConfig) -> None:
        channels = WIDTH * config.widen
        stem, body = plain(config.in_channels, channels, 3), nn.Sequential()
        for stage, stride in stages(config.B):
            width, passed = WIDTH * config.widen * 2**stage, (len(body) + 1) / (STAGES * config.B)
            p = 1 - (1 - config.last) * passed
            body.append(SwapoutBlock(channels, width, stride, p))
            channels = width
        super().__init__(config, channels, stem=stem, body=body, last=activated(channels))

    @property
    def title(self) -> str:
        """E.g. ``"Swapout v2(20)x2"``."""
        return f"Swapout v2({6 * self.config.B + 2})x{self.config.widen}"

    @classmethod
    def infer(cls, shapes: Shapes) -> SwapoutConfig | None:
        """All but p from the shapes."""
        stem, conv1, head = (shapes.get(name, ()) for name in ("stem.weight", "body.0.conv1.weight", "head.weight"))
        blocks = blocks_of(shapes, ".conv2.conv.weight")
        if len(stem) != 4 or len(conv1) != 4 or conv1[2:] != (3, 3) or len(head) != 2 or not blocks or blocks % STAGES:
            return None
        if not min(stem[0], stem[1], head[0]) or stem[0] % WIDTH:
            return None
        return SwapoutConfig(B=blocks // STAGES, widen=stem[0] // WIDTH, classes=head[0], in_channels=stem[1])
