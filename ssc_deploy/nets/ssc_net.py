"""SSC-Net-B-G: group pointwise convolutions, shifts and one shuffle a module (Table 1 of the SSC paper).

    module:  conv1 1x1 (dense) -> conv2 1x1 (G groups) -> ssc1: shift, 1x1 (G) -> shuffle(G)
             -> conv3 1x1 (C groups) -> ssc2: shift, 1x1 (G) -> merge 1x1 (C) -> + shortcut

with C = k*k, G groups in the first stage (G = d*C; 2G and 4G in the next two) and M = G*C channels. There is no second
shuffle: each of conv3's C partitions holds d whole SSC groups. What the paper leaves open is configuration.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution, shortcut
from ssc_deploy.nets.movement import ChannelOrder, ScanOrder, Shift, Shuffle, window_offsets
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import STAGES, StagedClassifier, blocks_of, stages


class Step(enum.StrEnum):
    """Places in a module: its six convolutions, and the sum with the shortcut."""

    CONV1 = "conv1"
    CONV2 = "conv2"
    SSC1 = "ssc1"
    CONV3 = "conv3"
    SSC2 = "ssc2"
    MERGE = "merge"
    SUM = "sum"


@dataclass(frozen=True)
class SscNetConfig:
    """SSC-Net-B-G.

    Attributes:
        B: modules a stage.
        G: groups in the first stage, a multiple of k*k.
        k: side of the shift's window, odd.
        classes: outputs.
        in_channels: of the image.
        stem: channels of the first 3x3 convolution.
        relu: where a ReLU stands: after the BatchNorm of these convolutions, or after the sum.
        stride_at: the convolution that carries the stride of a stage's first module.
        order: which channels share an offset (order of p and d).
        scan: how p counts the window (order of p and k).
        reverse: whether the shift moves pixels the other way.
    """

    B: int = 1
    G: int = 9
    k: int = 3
    classes: int = 10
    in_channels: int = 3
    stem: int = 16
    relu: tuple[Step, ...] = (Step.CONV1, Step.CONV2, Step.SSC1, Step.CONV3, Step.SSC2, Step.SUM)
    stride_at: Step = Step.CONV1
    order: ChannelOrder = ChannelOrder.INTERLEAVED
    scan: ScanOrder = ScanOrder.ROWS
    reverse: bool = False

    def __post_init__(self) -> None:
        for name in ("B", "G", "classes", "in_channels", "stem"):
            require(getattr(self, name) >= 1, f"SSC-Net needs {name} of at least 1, not {getattr(self, name)}.")
        require(self.k >= 1 and self.k % 2 == 1, f"SSC-Net needs an odd k, not {self.k}.")
        c = self.k * self.k
        require(self.G % c == 0, f"SSC-Net needs G to be a multiple of k*k = {c} (G = d*C), not {self.G}.")
        require(self.stride_at is not Step.SUM, "SSC-Net's stride stands at a convolution: stride_at cannot be 'sum'.")


class SscModule(nn.Module):
    """One module: [N, in, H, W] -> [N, G*C, H / stride, W / stride].

    Args:
        config: of the network.
        in_channels: of the input.
        groups: G of this module's stage.
        stride: 1 or 2.
    """

    def __init__(self, config: SscNetConfig, in_channels: int, groups: int, stride: int) -> None:
        super().__init__()
        c = config.k * config.k
        m = groups * c
        offsets = window_offsets(m, config.k, order=config.order, scan=config.scan, reverse=config.reverse)

        def step(at: Step, channels: int, groups: int, *, shifted: bool = False) -> nn.Sequential:
            return convolution(
                channels,
                m,
                groups=groups,
                stride=stride if config.stride_at is at else 1,
                relu=at in config.relu,
                before=Shift(offsets) if shifted else None,
            )

        self.conv1 = step(Step.CONV1, in_channels, 1)
        self.conv2 = step(Step.CONV2, m, groups)
        self.ssc1 = step(Step.SSC1, m, groups, shifted=True)
        self.shuffle = Shuffle(groups)
        self.conv3 = step(Step.CONV3, m, c)
        self.ssc2 = step(Step.SSC2, m, groups, shifted=True)
        self.merge = step(Step.MERGE, m, c)
        self.shortcut = shortcut(in_channels, m, stride)
        self.relu = nn.ReLU() if Step.SUM in config.relu else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the module on ``x`` [N, C, H, W]."""
        y = self.shuffle(self.ssc1(self.conv2(self.conv1(x))))
        y = self.merge(self.ssc2(self.conv3(y)))
        out: torch.Tensor = self.relu(y + self.shortcut(x))
        return out


@register
class SscNet(StagedClassifier):
    """SSC-Net-B-G: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "ssc-net"
    config_type = SscNetConfig

    def __init__(self, config: SscNetConfig) -> None:
        stem, body, channels = convolution(config.in_channels, config.stem, 3), nn.Sequential(), config.stem
        for stage, stride in stages(config.B):
            groups = config.G * 2**stage
            body.append(SscModule(config, channels, groups, stride))
            channels = groups * config.k**2
        super().__init__(config, channels, stem=stem, body=body)

    @property
    def title(self) -> str:
        """E.g. ``"SSC-Net-1-9"``."""
        return f"SSC-Net-{self.config.B}-{self.config.G}"

    @classmethod
    def infer(cls, shapes: Shapes) -> SscNetConfig | None:
        """B, G, k, classes, stem and in_channels from the shapes; the rest stays at its default."""
        stem, merge, head = (
            shapes.get(name, ()) for name in ("stem.conv.weight", "body.0.merge.conv.weight", "head.weight")
        )
        modules = blocks_of(shapes, ".merge.conv.weight")
        if len(stem) != 4 or len(merge) != 4 or len(head) != 2 or not merge[1] or modules % STAGES:
            return None
        m, c = merge[0], merge[0] // merge[1]
        k = math.isqrt(c)
        if not c or k * k != c or k % 2 == 0 or m % (c * c) or not min(stem[0], stem[1], head[0]):
            return None
        return SscNetConfig(B=modules // STAGES, G=m // c, k=k, classes=head[0], in_channels=stem[1], stem=stem[0])
