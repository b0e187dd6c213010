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
    activation: type[nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """``before`` (named ``shift``), then a convolution (``conv``), BatchNorm (``bn``), and ReLU (``relu``) where asked.

    The convolution is padded by ``kernel // 2`` and has no bias. ``activation`` is what stands for the ReLU.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if before is not None:
        layers["shift"] = before
    layers["conv"] = plain(in_channels, out_channels, kernel, stride=stride, groups=groups)
    layers["bn"] = nn.BatchNorm2d(out_channels)
    if relu:
        layers["relu"] = activation()
    return nn.Sequential(layers)


def activated(channels: int) -> nn.Sequential:
    """BatchNorm (``bn``) and ReLU (``relu``), which stand before the convolutions of a pre-activation network."""
    return nn.Sequential(OrderedDict[str, nn.Module](bn=nn.BatchNorm2d(channels), relu=nn.ReLU()))


def preactivated(in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1) -> nn.Sequential:
    """BatchNorm (``bn``) and ReLU (``relu``), then a convolution (``conv``) as in `plain`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(activated(in_channels).named_children())
    layers["conv"] = plain(in_channels, out_channels, kernel, stride=stride)
    return nn.Sequential(layers)


def plain(in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution padded by ``kernel // 2``, without bias."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The identity, or a 1x1 convolution with BatchNorm where width or stride changes."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return convolution(in_channels, out_channels, stride=stride, relu=False)
