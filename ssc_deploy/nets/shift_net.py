"""Shift-Net-B-e (Wu et al. 2018, arXiv 1711.08141), as ResNet with convolution-shift-convolution blocks.

    block:  1x1 in -> e*out, BN, ReLU -> shift 3x3 -> 1x1 e*out -> out (stride here), BN, ReLU -> + shortcut

The second ReLU stands before the sum in the code that the paper's figures come from, and after it in a later version.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution, shortcut
from ssc_deploy.nets.movement import Shift, window_offsets
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages


class ReluPlace(enum.StrEnum):
    """Where a block's second ReLU stands."""

    BEFORE_SUM = "before-sum"
    AFTER_SUM = "after-sum"


@dataclass(frozen=True)
class ShiftNetConfig:
    """Shift-Net-B-e.

    Attributes:
        B: blocks a stage.
        e: expansion: a block is e times as wide inside as its output.
        classes: outputs.
        in_channels: of the image.
        stem: width of the first stage; the others are twice and four times as wide.
        relu: where a block's second ReLU stands.
    """

    B: int = 3
    e: int = 6
    classes: int = 10
    in_channels: int = 3
    stem: int = 16
    relu: ReluPlace = ReluPlace.BEFORE_SUM

    def __post_init__(self) -> None:
        for name in ("B", "e", "classes", "in_channels", "stem"):
            require(getattr(self, name) >= 1, f"Shift-Net needs {name} of at least 1, not {getattr(self, name)}.")


class ShiftBlock(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]."""

    def __init__(self, config: ShiftNetConfig, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        after_sum = config.relu is ReluPlace.AFTER_SUM
        inner = out_channels * config.e
        self.expand = convolution(in_channels, inner)
        self.project = convolution(
            inner, out_channels, stride=stride, relu=not after_sum, before=Shift(window_offsets(inner, 3))
        )
        self.shortcut = shortcut(in_channels, out_channels, stride)
        self.relu = nn.ReLU() if after_sum else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        out: torch.Tensor = self.relu(self.project(self.expand(x)) + self.shortcut(x))
        return out


@register
class ShiftNet(StagedClassifier):
    """Shift-Net-B-e: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "shift-net"
    config_type = ShiftNetConfig

    def __init__(self, config: ShiftNetConfig) -> None:
        stem, body, channels = convolution(config.in_channels, config.stem, 3), nn.Sequential(), config.stem
        for stage, stride in stages(config.B):
            width = config.stem * 2**stage
            body.append(ShiftBlock(config, channels, width, stride))
            channels = width
        super().__init__(config, channels, stem=stem, body=body)

    @property
    def title(self) -> str:
        """E.g. ``"Shift-Net-3-6"``."""
        return f"Shift-Net-{self.config.B}-{self.config.e}"

    @classmethod
    def infer(cls, shapes: Shapes) -> ShiftNetConfig | None:
        """All but the place of the ReLU from the shapes."""
        stem, expand, project, head = (
            shapes.get(name, ())
            for name in ("stem.conv.weight", "body.0.expand.conv.weight", "body.0.project.conv.weight", "head.weight")
        )
        blocks = blocks_of(shapes, ".project.conv.weight")
        if len(stem) != 4 or len(expand) != 4 or len(project) != 4 or len(head) != 2 or blocks % STAGES:
            return None
        if not min(stem[0], stem[1], expand[0], project[0], head[0]) or expand[0] % project[0]:
            return None
        return ShiftNetConfig(
            B=blocks // STAGES, e=expand[0] // project[0], classes=head[0], in_channels=stem[1], stem=stem[0]
        )
