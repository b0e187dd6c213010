"""MobileNetV2 (Sandler et al. 2018): inverted residuals, with torchvision's names, so that its weights load.

    block:  1x1 in -> t*in, BN, ReLU6 -> depthwise 3x3 (stride here), BN, ReLU6 -> 1x1 -> out, BN -> + x

where t = 1 leaves the first convolution out, and x is added where width and size stay. The form for CIFAR, which the
SSC paper compares with, has stride 1 in the stem and in the 24-wide stage, and else the same layers.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import plain
from ssc_deploy.nets.registry import Network, Shapes, register

#: Expansion t, width c, blocks n and stride s of the stages.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280


class Form(enum.StrEnum):
    """The images that a network was laid out for; its tensors are the same."""

    IMAGENET = "imagenet"  #: 224x224
    CIFAR = "cifar"  #: 32x32

    @property
    def size(self) -> int:
        """Height and width of the images."""
        return 224 if self is Form.IMAGENET else 32


@dataclass(frozen=True)
class MobileNetV2Config:
    """MobileNetV2.

    Attributes:
        width: factor of all widths, which are then rounded to multiples of 8; the last never gets less than 1280.
        classes: outputs.
        in_channels: of the image.
        form: where the strides stand. No tensor tells it, and without a header torchvision's weights are likelier.
    """

    width: float = 1.0
    classes: int = 1000
    in_channels: int = 3
    form: Form = Form.IMAGENET

    def __post_init__(self) -> None:
        for name in ("classes", "in_channels"):
            require(getattr(self, name) >= 1, f"MobileNetV2 needs {name} of at least 1, not {getattr(self, name)}.")
        require(0 < self.width <= 16, f"MobileNetV2 needs a width between 0 and 16, not {self.width:g}.")


def rounded(width: float) -> int:
    """The nearest multiple of 8, at least 8, and never less than 90 % of ``width``."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest


def strides(form: Form) -> tuple[int, ...]:
    """Of the stem, then of each stage's first block."""
    standard = (2, *(stride for *_, stride in STAGES))
    return standard if form is Form.IMAGENET else (1, 1, 1, *standard[3:])


class InvertedResidual(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        expand = [_unit(in_channels, inner)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            _unit(inner, inner, 3, stride=stride, groups=inner),
            plain(inner, out_channels),
            nn.BatchNorm2d(out_channels),
        )
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        out: torch.Tensor = self.conv(x)
        return x + out if self.adds else out


@register
class MobileNetV2(Network):
    """MobileNetV2: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "mobilenet-v2"
    config_type = MobileNetV2Config

    def __init__(self, config: MobileNetV2Config) -> None:
        super().__init__()
        self.config = config
        first, *others = strides(config.form)
        channels = rounded(STEM * config.width)
        self.features = nn.Sequential(_unit(config.in_channels, channels, 3, stride=first))
        for (expansion, width, blocks, _), stride in zip(STAGES, others, strict=True):
            for index in range(blocks):
                out_channels = rounded(width * config.width)
                self.features.append(InvertedResidual(channels, out_channels, 1 if index else stride, expansion))
                channels = out_channels
        last = rounded(LAST * max(1.0, config.width))
        self.features.append(_unit(channels, last))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, config.classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of images ``x``."""
        logits: torch.Tensor = self.classifier(self.pool(self.features(x)).flatten(1))
        return logits

    @property
    def title(self) -> str:
        """``"MobileNetV2"``, with the width where it is not 1."""
        return "MobileNetV2" if self.config.width == 1 else f"MobileNetV2 {self.config.width:g}"

    @property
    def size(self) -> int:
        """The form's."""
        size: int = self.config.form.size
        return size

    @classmethod
    def infer(cls, shapes: Shapes) -> MobileNetV2Config | None:
        """All but the form from the shapes; the width is the roundest that gives these channels."""
        stem, head = shapes.get("features.0.0.weight", ()), shapes.get("classifier.1.weight", ())
        if len(stem) != 4 or len(head) != 2 or not min(stem[1], head[0]):
            return None
        blocks = sum(blocks for *_, blocks, _ in STAGES)
        ends = [sum(stage[2] for stage in STAGES[: i + 1]) for i in range(len(STAGES))]
        seen = [stem[0]]
        for block in ends:
            weight = shapes.get(f"features.{block}.conv.{1 if block == 1 else 2}.weight", ())
            seen.append(weight[0] if weight else 0)
        if f"features.{blocks + 1}.0.weight" not in shapes:
            return None
        for width in (w / parts for parts in (1, 4, 20, 100) for w in range(1, 4 * parts + 1)):
            if seen == [rounded(c * width) for c in (STEM, *(stage[1] for stage in STAGES))]:
                return MobileNetV2Config(width, head[0], stem[1])
        return None


def _unit(in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm and ReLU6, numbered as in torchvision."""
    conv = plain(in_channels, out_channels, kernel, stride=stride, groups=groups)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU6())
