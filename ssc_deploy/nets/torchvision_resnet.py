"""ResNet for ImageNet (He et al. 2016) under torchvision's names, so that its weights load.

    basic:       3x3 in -> w (stride here), BN, ReLU -> 3x3 w -> w, BN -> + shortcut -> ReLU
    bottleneck:  1x1 in -> w, BN, ReLU -> 3x3 (stride here), BN, ReLU -> 1x1 w -> 4w, BN -> + shortcut -> ReLU

Another network than the ResNets of the SSC paper's tables, which are for CIFAR (`resnet`): a 7x7 stem of stride 2 with
a max pool behind it, and four stages.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import plain
from ssc_deploy.nets.registry import Network, Shapes, register

STEM = 64

#: Blocks of the four stages, and expansion (4: bottleneck blocks), by depth.
DEPTHS = {
    18: ((2, 2, 2, 2), 1),
    34: ((3, 4, 6, 3), 1),
    50: ((3, 4, 6, 3), 4),
    101: ((3, 4, 23, 3), 4),
    152: ((3, 8, 36, 3), 4),
}


@dataclass(frozen=True)
class TorchvisionResNetConfig:
    """ResNet-18, 34, 50, 101 or 152.

    Attributes:
        depth: that number.
        classes: outputs.
        in_channels: of the image.
    """

    depth: int = 18
    classes: int = 1000
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("classes", "in_channels"):
            require(getattr(self, name) >= 1, f"ResNet needs {name} of at least 1, not {getattr(self, name)}.")
        known = ", ".join(map(str, DEPTHS))
        require(self.depth in DEPTHS, f"ResNet needs a depth of {known}, not {self.depth}.")


class Block(nn.Module):
    """[N, in, H, W] -> [N, expansion * width, H / stride, W / stride]; a bottleneck where expansion is not 1."""

    def __init__(self, in_channels: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        out_channels = width * expansion
        is_bottleneck = expansion != 1
        self.conv1 = plain(in_channels, width, 1 if is_bottleneck else 3, stride=1 if is_bottleneck else stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = plain(width, width, 3, stride=stride if is_bottleneck else 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = plain(width, out_channels) if is_bottleneck else None
        self.bn3 = nn.BatchNorm2d(out_channels) if is_bottleneck else None
        self.relu = nn.ReLU()
        changes = stride != 1 or in_channels != out_channels
        self.downsample = (
            nn.Sequential(plain(in_channels, out_channels, stride=stride), nn.BatchNorm2d(out_channels))
            if changes
            else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.conv3 is not None and self.bn3 is not None:
            y = self.bn3(self.conv3(self.relu(y)))
        out: torch.Tensor = self.relu(y + (x if self.downsample is None else self.downsample(x)))
        return out


@register
class TorchvisionResNet(Network):
    """ResNet: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "torchvision-resnet"
    config_type = TorchvisionResNetConfig
    size = 224

    def __init__(self, config: TorchvisionResNetConfig) -> None:
        super().__init__()
        self.config = config
        stages, expansion = DEPTHS[config.depth]
        channels = STEM
        self.conv1 = nn.Conv2d(config.in_channels, channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, blocks in enumerate(stages):
            layer, width = nn.Sequential(), STEM * 2**stage
            for index in range(blocks):
                layer.append(Block(channels, width, 2 if stage and not index else 1, expansion))
                channels = width * expansion
            self.add_module(f"layer{stage + 1}", layer)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, config.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of images ``x``."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(len(DEPTHS[self.config.depth][0])):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        logits: torch.Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits

    @property
    def title(self) -> str:
        """E.g. ``"ResNet-50 (ImageNet)"``."""
        return f"ResNet-{self.config.depth} (ImageNet)"

    @classmethod
    def infer(cls, shapes: Shapes) -> TorchvisionResNetConfig | None:
        """All from the shapes."""
        stem, head = shapes.get("conv1.weight", ()), shapes.get("fc.weight", ())
        first = shapes.get("layer1.0.conv1.weight", ())
        if len(stem) != 4 or stem[2:] != (7, 7) or len(head) != 2 or len(first) != 4 or not min(stem[1], head[0]):
            return None
        expansion = 4 if "layer1.0.conv3.weight" in shapes else 1
        # Wide and grouped variants have the same names.
        if (stem[0], *first[:2]) != (STEM, STEM, STEM) or head[1] != 8 * STEM * expansion:
            return None
        conv2 = shapes.get("layer1.0.conv2.weight", ())
        if conv2[:2] != (STEM, STEM):
            return None
        stages = tuple(
            len([n for n in shapes if n.startswith(f"layer{stage}.") and n.endswith(".conv2.weight")])
            for stage in range(1, 5)
        )
        for depth, known in DEPTHS.items():
            if known == (stages, expansion):
                return TorchvisionResNetConfig(depth, head[0], stem[1])
        return None
