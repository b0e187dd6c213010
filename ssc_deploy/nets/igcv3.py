"""IGCV3-D (Sun et al. 2018, arXiv 1806.00178): MobileNetV2, twice as deep, of interleaved group convolutions.

    block:  1x1 in -> t*in (2 groups), BN -> permute(2) -> depthwise 3x3 (stride here), BN, ReLU6
            -> 1x1 -> out (2 groups), BN -> permute back -> + x

where x is added where width and size stay. The authors' code has no ReLU6 before the first permutation; most of the
others', which are otherwise alike, has one, so both are configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ssc_deploy.nets.config import require
from ssc_deploy.nets.layers import convolution
from ssc_deploy.nets.mobilenet_v2 import LAST, STAGES, STEM, Form, strides
from ssc_deploy.nets.movement import Shuffle
from ssc_deploy.nets.registry import Shapes, register
from ssc_deploy.nets.staged import StagedClassifier

GROUPS = 2

#: Blocks of the stages; their expansions, widths and strides are MobileNetV2's.
BLOCKS = (1, 4, 6, 8, 6, 6, 1)


@dataclass(frozen=True)
class Igcv3Config:
    """IGCV3-D.

    Attributes:
        width: factor of all widths but the last, which are then made even.
        classes: outputs.
        in_channels: of the image.
        form: where the strides stand.
        expand_relu: whether a ReLU6 stands before the permutation.
        permute_back: whether a second permutation, the inverse of the first, ends a block.
    """

    width: float = 1.0
    classes: int = 10
    in_channels: int = 3
    form: Form = Form.CIFAR
    expand_relu: bool = False
    permute_back: bool = True

    def __post_init__(self) -> None:
        for name in ("classes", "in_channels"):
            require(getattr(self, name) >= 1, f"IGCV3 needs {name} of at least 1, not {getattr(self, name)}.")
        require(0.1 <= self.width <= 16, f"IGCV3 needs a width between 0.1 and 16, not {self.width:g}.")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stem and of each stage."""
        scaled = [int(width * self.width) for width in (STEM, *(stage[1] for stage in STAGES))]
        return tuple(width + width % 2 for width in scaled)


class Igcv3Block(nn.Module):
    """[N, in, H, W] -> [N, out, H / stride, W / stride]."""

    def __init__(self, config: Igcv3Config, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.expand = convolution(in_channels, inner, groups=GROUPS, relu=config.expand_relu, activation=nn.ReLU6)
        self.permute = Shuffle(GROUPS)
        self.depthwise = convolution(inner, inner, 3, stride=stride, groups=inner, activation=nn.ReLU6)
        self.project = convolution(inner, out_channels, groups=GROUPS, relu=False)
        self.back = Shuffle(out_channels // GROUPS) if config.permute_back else nn.Identity()
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the block on ``x`` [N, C, H, W]."""
        out: torch.Tensor = self.back(self.project(self.depthwise(self.permute(self.expand(x)))))
        return x + out if self.adds else out


@register
class Igcv3(StagedClassifier):
    """IGCV3-D: [N, in_channels, H, W] -> logits [N, classes]."""

    arch = "igcv3"
    config_type = Igcv3Config

    def __init__(self, config: Igcv3Config) -> None:
        first, *others = strides(config.form)
        channels, *widths = config.widths
        stem = convolution(config.in_channels, channels, 3, stride=first, activation=nn.ReLU6)
        body = nn.Sequential()
        for (expansion, *_), blocks, width, stride in zip(STAGES, BLOCKS, widths, others, strict=True):
            for index in range(blocks):
                body.append(Igcv3Block(config, channels, width, 1 if index else stride, expansion))
                channels = width
        last = convolution(channels, LAST, activation=nn.ReLU6)
        super().__init__(config, LAST, stem=stem, body=body, last=last)

    @property
    def title(self) -> str:
        """E.g. ``"IGCV3-D 0.7"``."""
        return f"IGCV3-D {self.config.width}"

    @property
    def size(self) -> int:
        """The form's."""
        size: int = self.config.form.size
        return size

    @classmethod
    def infer(cls, shapes: Shapes) -> Igcv3Config | None:
        """Width, classes and in_channels from the shapes; the rest stays at its default."""
        stem, head = shapes.get("stem.conv.weight", ()), shapes.get("head.weight", ())
        ends = [sum(BLOCKS[: i + 1]) - 1 for i in range(len(BLOCKS))]
        projects = [shapes.get(f"body.{block}.project.conv.weight", ()) for block in ends]
        expand = shapes.get("body.0.expand.conv.weight", ())
        if len(stem) != 4 or len(head) != 2 or not min(stem[1], head[0]) or not expand or expand[1] * GROUPS != stem[0]:
            return None
        seen = (stem[0], *(weight[0] if weight else 0 for weight in projects))
        for width in (w / parts for parts in (1, 10, 20, 100) for w in range(parts // 10, 4 * parts + 1) if w):
            config = Igcv3Config(width, head[0], stem[1])
            if config.widths == seen:
                return config
        return None
