"""The layers that all networks here are made of: convolution without bias, BatchNorm, ReLU, under the same names."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    relu: bool = True,
    before: nn.Module | None = None,
) -> nn.Sequential:
    """``before`` (named ``shift``), then a convolution (``conv``), BatchNorm (``bn``), and ReLU (``relu``) where asked.

    The convolution is padded by ``kernel // 2`` and has no bias.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if before is not None:
        layers["shift"] = before
    layers["conv"] = nn.Conv2d(
        in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    layers["bn"] = nn.BatchNorm2d(out_channels)
    if relu:
        layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The identity, or a 1x1 convolution with BatchNorm where width or stride changes."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return convolution(in_channels, out_channels, stride=stride, relu=False)
