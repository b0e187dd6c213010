"""IGCV2*-C416 (Xie et al. 2018, arXiv 1804.06202), as far as its parameter count tells: there is no public code.

    block:  depthwise 3x3 (stride and widening here) -> 1x1 (branches of 8) -> permute
            -> 1x1 (branches of 8), BN, ReLU -> permute

Depth 20 without shortcuts: a stem, three stages of six blocks, and the classifier. A depthwise convolution that widens
makes two channels of each. The count fits to the unit; the place of permutations and BN is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution, plain
from ssc_deploy.nets.movement import Shuffle
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages


@dataclass(frozen=True)
class Igcv2Config:
    """IGCV2*.

    Attributes:
        C: channels of the first stage; the others have two and four times as many.
        B: blocks a stage.
        branch: channels of each branch of a group pointwise convolution.
        classes: outputs.
        in_channels: of the image.
    """

    C: int = 416
    B: int = 6
    branch: int = 8
    classes: int = 10
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("C", "B", "branch", "classes", "in_channels"):
            require(getattr(self, name) >= 1, f"IGCV2 needs {name} of at least 1, not {getattr(self, name)}.")
        require(
            self.C % self.branch == 0,
            f"IGCV2 needs C to be a multiple of branch = {self.branch}, not {self.C}.",
        )


class Igcv2Block(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]; out is a multiple of in."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, branch: int) -> None:
        super().__init__()
        groups = out_channels // branch
        self.spatial = plain(in_channels, out_channels, 3, stride=stride, groups=in_channels)
        self.first = plain(out_channels, out_channels, groups=groups)
        self.permute1 = Shuffle(groups)
        self.second = convolution(out_channels, out_channels, groups=groups)
        self.permute2 = Shuffle(groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        mixed = self.permute1(self.first(self.spatial(x)))
        out: torch.Tensor = self.permute2(self.second(mixed))
        return out


@register
class Igcv2(StagedClassifier):
    """IGCV2*: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "igcv2"
    config_type = Igcv2Config

    def __init__(self, config: Igcv2Config) -> None:
        stem, body, channels = convolution(config.in_channels, config.C, 3), nn.Sequential(), config.C
        for stage, stride in stages(config.B):
            width = config.C * 2**stage
            body.append(Igcv2Block(channels, width, stride, config.branch))
            channels = width
        super().__init__(config, channels, stem=stem, body=body)

    @property
    def title(self) -> str:
        """E.g. ``"IGCV2*-C416"``."""
        return f"IGCV2*-C{self.config.C}"

    @classmethod
    def infer(cls, shapes: Shapes) -> Igcv2Config | None:
        """All from the shapes."""
        stem, first, head = (
            shapes.get(name, ()) for name in ("stem.conv.weight", "body.0.first.weight", "head.weight")
        )
        blocks = blocks_of(shapes, ".second.conv.weight")
        if len(stem) != 4 or len(first) != 4 or len(head) != 2 or not blocks or blocks % STAGES:
            return None
        if not min(stem[0], stem[1], first[1], head[0]) or stem[0] % first[1]:
            return None
        return Igcv2Config(stem[0], blocks // STAGES, first[1], head[0], stem[1])
