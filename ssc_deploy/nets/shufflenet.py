"""ShuffleNet (Zhang et al. 2018, arXiv 1707.01083): group pointwise convolutions with a channel shuffle between.

    unit:  1x1 in -> mid (g groups), BN, ReLU -> shuffle(g) -> depthwise 3x3 (stride here), BN -> 1x1 mid -> out (g), BN
           -> + x, ReLU;   with stride 2:  beside the mean over 3x3 of x, ReLU

with mid = out / 4. The very first 1x1 convolution has one group, as its input is narrow. The form for CIFAR has stride
1 in the stem and no max pool behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution
from ssc_deploy.nets.mobilenet_v2 import Form
from ssc_deploy.nets.movement import Shuffle
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import StagedClassifier

STEM = 24
UNITS = (4, 8, 4)

#: Channels of the first stage of 1x by groups; the other stages are two and four times as wide.
WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}


@dataclass(frozen=True)
class ShuffleNetConfig:
    """ShuffleNet.

    Attributes:
        g: groups of the pointwise convolutions: 1, 2, 3, 4 or 8.
        scale: factor of all widths: 0.25, 0.5, 1 and so on.
        classes: outputs.
        in_channels: of the image.
        form: where the strides stand.
    """

    g: int = 3
    scale: float = 1.0
    classes: int = 10
    in_channels: int = 3
    form: Form = Form.CIFAR

    def __post_init__(self) -> None:
        for name in ("classes", "in_channels"):
            require(getattr(self, name) >= 1, f"ShuffleNet needs {name} of at least 1, not {getattr(self, name)}.")
        known = ", ".join(map(str, WIDTHS))
        require(self.g in WIDTHS, f"ShuffleNet needs g to be one of {known}, not {self.g}.")
        # A unit of stride 2 computes what its input leaves over.
        divisible = self.widths[0] % (4 * self.g) == 0 and (self.widths[0] - self.stem) % self.g == 0
        require(
            0 < self.scale <= 16 and divisible and self.widths[0] > self.stem,
            f"ShuffleNet with {self.g} groups cannot be scaled by {self.scale:g}: its widths do not divide.",
        )

    @property
    def stem(self) -> int:
        """Channels of the stem."""
        return int(STEM * self.scale)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(int(WIDTHS[self.g] * self.scale) * 2**stage for stage in range(len(UNITS)))


class ShuffleUnit(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]; in = out where the stride is 1."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, groups: int, first_groups: int) -> None:
        super().__init__()
        middle = out_channels // 4
        self.narrows = stride == 2
        computed = out_channels - in_channels if self.narrows else out_channels
        self.conv1 = convolution(in_channels, middle, groups=first_groups)
        self.shuffle = Shuffle(groups)
        self.depthwise = convolution(middle, middle, 3, stride=stride, groups=middle, relu=False)
        self.conv2 = convolution(middle, computed, groups=groups, relu=False)
        self.shortcut = nn.AvgPool2d(3, 2, 1) if self.narrows else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the unit on ``x`` [N, C, H, W]."""
        y = self.conv2(self.depthwise(self.shuffle(self.conv1(x))))
        shortcut = self.shortcut(x)
        out: torch.Tensor = self.relu(torch.cat([shortcut, y], 1) if self.narrows else shortcut + y)
        return out


@register
class ShuffleNet(StagedClassifier):
    """ShuffleNet: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "shufflenet"
    config_type = ShuffleNetConfig

    def __init__(self, config: ShuffleNetConfig) -> None:
        standard = config.form is Form.IMAGENET
        channels = config.stem
        stem = convolution(config.in_channels, channels, 3, stride=2 if standard else 1)
        reduce = nn.MaxPool2d(3, 2, 1) if standard else nn.Identity()
        body = nn.Sequential()
        for width, units in zip(config.widths, UNITS, strict=True):
            for index in range(units):
                first_groups = config.g if len(body) else 1
                body.append(ShuffleUnit(channels, width, 1 if index else 2, config.g, first_groups))
                channels = width
        super().__init__(config, channels, stem=stem, reduce=reduce, body=body)

    @property
    def title(self) -> str:
        """E.g. ``"ShuffleNet 1x (g = 3)"``."""
        return f"ShuffleNet {self.config.scale:g}x (g = {self.config.g})"

    @property
    def size(self) -> int:
        """The form's."""
        size: int = self.config.form.size
        return size

    @classmethod
    def infer(cls, shapes: Shapes) -> ShuffleNetConfig | None:
        """All but the form from the shapes."""
        stem, conv1, depthwise, head = (
            shapes.get(name, ())
            for name in ("stem.conv.weight", "body.1.conv1.conv.weight", "body.1.depthwise.conv.weight", "head.weight")
        )
        if len(stem) != 4 or len(conv1) != 4 or len(depthwise) != 4 or len(head) != 2:
            return None
        if not min(stem[0], stem[1], conv1[0], conv1[1], head[0]):
            return None
        width = 4 * conv1[0]
        groups = width // conv1[1]
        if groups not in WIDTHS or stem[0] != int(STEM * width / WIDTHS[groups]):
            return None
        return ShuffleNetConfig(groups, width / WIDTHS[groups], head[0], stem[1])
