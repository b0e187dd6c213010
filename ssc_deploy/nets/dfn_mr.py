"""DFN-MR (Zhao et al. 2016, arXiv 1611.07718): two residual networks that merge and run on, block by block.

    fuse = (S1(a) + S2(b)) / 2
    a' = ReLU(fuse + F1(a)),  b' = ReLU(fuse + F2(b));    the last block:  ReLU(fuse + F1(a) + F2(b))

    F:  3x3 (stride here), BN, ReLU -> 3x3, BN;    S:  identity, or 1x1 (stride 2), BN where the width changes

The SSC paper prints DFN-MR1 as "DFM-MP1".
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution, shortcut
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages

#: Blocks a stage and first width of the networks that the paper names.
NAMED = {(9, 16): "DFN-MR1"}


@dataclass(frozen=True)
class DfnMrConfig:
    """DFN-MR.

    Attributes:
        B: blocks a stage.
        classes: outputs.
        in_channels: of the image.
        stem: width of the first stage; the others are twice and four times as wide.
    """

    B: int = 9
    classes: int = 10
    in_channels: int = 3
    stem: int = 16

    def __post_init__(self) -> None:
        for name in ("B", "classes", "in_channels", "stem"):
            require(getattr(self, name) >= 1, f"DFN-MR needs {name} of at least 1, not {getattr(self, name)}.")


class _Fusion(nn.Module):
    """The layers of a block, and the merge of its branches."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.residual1 = _residual(in_channels, out_channels, stride)
        self.residual2 = _residual(in_channels, out_channels, stride)
        self.shortcut1 = shortcut(in_channels, out_channels, stride)
        self.shortcut2 = shortcut(in_channels, out_channels, stride)
        self.relu = nn.ReLU()

    def fuse(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The mean of the branches, as wide and as large as the block's output."""
        mean: torch.Tensor = (self.shortcut1(a) + self.shortcut2(b)) * 0.5
        return mean


class FusedBlock(_Fusion):
    """Two images [N, in, H, W] -> two images [N, out, H / stride, W / stride]."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Computes the block on both branches, [N, C, H, W] each."""
        fuse = self.fuse(a, b)
        return self.relu(fuse + self.residual1(a)), self.relu(fuse + self.residual2(b))


class LastBlock(_Fusion):
    """Two images [N, in, H, W] -> one [N, out, H / stride, W / stride]."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Computes the block, which sums the branches."""
        out: torch.Tensor = self.relu(self.fuse(a, b) + self.residual1(a) + self.residual2(b))
        return out


@register
class DfnMr(StagedClassifier):
    """DFN-MR: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "dfn-mr"
    config_type = DfnMrConfig

    def __init__(self, config: DfnMrConfig) -> None:
        stem, body, channels = convolution(config.in_channels, config.stem, 3), nn.ModuleList(), config.stem
        for stage, stride in stages(config.B):
            width = config.stem * 2**stage
            block = LastBlock if len(body) == STAGES * config.B - 1 else FusedBlock
            body.append(block(channels, width, stride))
            channels = width
        super().__init__(config, channels, stem=stem, body=body)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The output of the last block, which sums the two branches."""
        a = b = self.get_submodule("stem")(x)
        *blocks, last = self.get_submodule("body").children()
        for block in blocks:
            a, b = block(a, b)
        summed: torch.Tensor = last(a, b)
        return summed

    @property
    def title(self) -> str:
        """``"DFN-MR1"``, or e.g. ``"DFN-MR (B = 3)"``."""
        return NAMED.get((self.config.B, self.config.stem), f"DFN-MR (B = {self.config.B})")

    @classmethod
    def infer(cls, shapes: Shapes) -> DfnMrConfig | None:
        """All from the shapes."""
        stem, head = shapes.get("stem.conv.weight", ()), shapes.get("head.weight", ())
        ending = ".residual2.conv2.conv.weight"
        blocks = blocks_of(shapes, ending)
        if len(stem) != 4 or len(head) != 2 or not min(stem[0], stem[1], head[0]) or not blocks or blocks % STAGES:
            return None
        return DfnMrConfig(blocks // STAGES, head[0], stem[1], stem[0])


def _residual(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=convolution(in_channels, out_channels, 3, stride=stride),
            conv2=convolution(out_channels, out_channels, 3, relu=False),
        )
    )
