"""ResNet-B-e: ResNet of basic blocks (He et al. 2016), narrowed to the size of a Shift-Net-B-e.

    block:  3x3 in -> mid (stride here), BN, ReLU -> 3x3 mid -> out, BN -> + shortcut -> ReLU

The Shift-Net paper compares at equal size in two ways: ``net`` narrows the three widths 16, 32, 64 by sqrt(r),
``block`` keeps them and narrows each block's middle by r. e = 9 is the unreduced ResNet
(B = 9 and 18: ResNet56 and ResNet110).

Where width or stride changes, the shortcut is a 1x1 convolution with BN, or as in Huang et al. (2016, arXiv 1603.09382)
every other pixel, with zeros for the channels that are missing.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution, shortcut
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import StagedClassifier, blocks_of, stages

WIDTHS = (16, 32, 64)

#: The e of the Shift-Net that is as large, by the reduction r.
EXPANSION_OF = {1.0: 9, 1.41: 6}


class Mode(enum.StrEnum):
    """What is narrowed."""

    NET = "net"
    BLOCK = "block"


class Shortcut(enum.StrEnum):
    """What the shortcut is where width or stride changes."""

    PROJECTION = "projection"
    ZERO_PAD = "zero-pad"


@dataclass(frozen=True)
class ResNetConfig:
    """ResNet-B-e.

    Attributes:
        B: blocks a stage.
        reduction: r, at least 1; 1.41 makes a ResNet-B-6 of a ResNet-B-9.
        mode: what r narrows.
        classes: outputs.
        in_channels: of the image.
        shortcut: what it is where width or stride changes.
    """

    B: int = 9
    reduction: float = 1.0
    mode: Mode = Mode.NET
    classes: int = 10
    in_channels: int = 3
    shortcut: Shortcut = Shortcut.PROJECTION

    def __post_init__(self) -> None:
        for name in ("B", "classes", "in_channels"):
            require(getattr(self, name) >= 1, f"ResNet needs {name} of at least 1, not {getattr(self, name)}.")
        largest = WIDTHS[0] ** 2 if self.mode is Mode.NET else WIDTHS[0]
        require(
            1 <= self.reduction <= largest,
            f"ResNet needs a reduction between 1 and {largest} in mode {self.mode.value}, not {self.reduction:g}.",
        )

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """(middle, output) channels of the blocks of each stage."""
        if self.mode is Mode.NET:
            narrowed = [int(width / math.sqrt(self.reduction)) for width in WIDTHS]
            return tuple((width, width) for width in narrowed)
        return tuple((int(width / self.reduction), width) for width in WIDTHS)


class ZeroPad(nn.Module):
    """Every ``stride``-th pixel, and ``further`` channels of zeros behind: [N, C, H, W] -> [N, C + further, ...]."""

    def __init__(self, further: int, stride: int) -> None:
        super().__init__()
        self.further, self.stride = further, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Narrows and widens ``x`` [N, C, H, W]."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.further))

    def extra_repr(self) -> str:
        """Shown by ``print(module)``."""
        return f"further={self.further}, stride={self.stride}"


class BasicBlock(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]."""

    def __init__(self, in_channels: int, middle: int, out_channels: int, stride: int, kind: Shortcut) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, middle, 3, stride=stride)
        self.conv2 = convolution(middle, out_channels, 3, relu=False)
        changes = stride != 1 or in_channels != out_channels
        zero_pads = changes and kind is Shortcut.ZERO_PAD
        self.shortcut = (
            ZeroPad(out_channels - in_channels, stride) if zero_pads else shortcut(in_channels, out_channels, stride)
        )
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        out: torch.Tensor = self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))
        return out


@register
class ResNet(StagedClassifier):
    """ResNet-B-e: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "resnet"
    config_type = ResNetConfig

    def __init__(self, config: ResNetConfig) -> None:
        channels = config.widths[0][1]
        stem, body = convolution(config.in_channels, channels, 3), nn.Sequential()
        for stage, stride in stages(config.B):
            middle, width = config.widths[stage]
            body.append(BasicBlock(channels, middle, width, stride, config.shortcut))
            channels = width
        super().__init__(config, channels, stem=stem, body=body)

    @property
    def title(self) -> str:
        """E.g. ``"ResNet-9-9"``, with the reduction where no Shift-Net is as large; ``"ResNet-110 (zero-pad)"``."""
        e = EXPANSION_OF.get(self.config.reduction)
        size = f"{self.config.B}-{e}" if e else f"{self.config.B} (r = {self.config.reduction:g})"
        if self.config.shortcut is Shortcut.PROJECTION:
            return f"ResNet-{size}"
        return f"ResNet-{6 * self.config.B + 2 if self.config.reduction == 1 else size} (zero-pad)"

    @classmethod
    def infer(cls, shapes: Shapes) -> ResNetConfig | None:
        """All from the shapes; r is the known one, or else the roundest, that gives these widths."""
        stem, conv1, head = (
            shapes.get(name, ()) for name in ("stem.conv.weight", "body.0.conv1.conv.weight", "head.weight")
        )
        blocks = blocks_of(shapes, ".conv2.conv.weight")
        if len(stem) != 4 or len(conv1) != 4 or conv1[2:] != (3, 3) or len(head) != 2 or blocks % len(WIDTHS):
            return None
        if not blocks or not min(stem[0], stem[1], head[0]):
            return None
        seen = []
        for stage in range(len(WIDTHS)):
            weight = shapes.get(f"body.{stage * blocks // len(WIDTHS)}.conv2.conv.weight", ())
            if len(weight) != 4:
                return None
            seen.append((weight[1], weight[0]))
        projects = f"body.{blocks // len(WIDTHS)}.shortcut.conv.weight" in shapes
        kind = Shortcut.PROJECTION if projects else Shortcut.ZERO_PAD
        mode = Mode.BLOCK if seen[0][1] == WIDTHS[0] else Mode.NET
        largest = WIDTHS[0] ** 2 if mode is Mode.NET else WIDTHS[0]
        # Many reductions give the same widths: the known ones first, then the roundest.
        round_ones = (r / parts for parts in (1, 10, 100) for r in range(parts, parts * largest + 1))
        for reduction in (*EXPANSION_OF, *round_ones):
            config = ResNetConfig(blocks // len(WIDTHS), reduction, mode, head[0], stem[1], kind)
            if config.widths == tuple(seen):
                return config
        return None
