"""Small networks in the style of others', for `benchmarks.peers`: what they move, they move as their papers' code does.

    s2_mlp: four quarters of the channels move by a pixel each, and the edge stays (Yu et al. 2021)
    shift_vit: twelfths of the channels move by a pixel each, and zeros come in (Wang et al. 2022)
    tsm: eighths of the channels move between eight frames (Lin et al. 2019)
    wrap_net: each ninth of the channels is rolled, in modules like SSC-Net's
    shufflenet_v2: half of the channels is kept, and both halves are shuffled (Ma et al. 2018)
    ghostnet: half of the channels are made of the other half by depthwise convolutions (Han et al. 2020)

Each is a function without arguments that returns a module with ten outputs in eval mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES = 10
_FRAMES = 8


def _conv(inner: int, outer: int, k: int = 1, stride: int = 1, groups: int = 1, *, relu: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(inner, outer, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(outer)]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


class _Classifier(nn.Module):
    """Features, their mean over the pixels, and a linear layer."""

    def __init__(self, features: nn.Module, channels: int) -> None:
        super().__init__()
        self.features, self.head = features, nn.Linear(channels, _CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).mean((2, 3)))


class _EdgeStays(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, h, w, c = x.shape
        y = x.clone()
        y[:, 1:, :, : c // 4] = x[:, : h - 1, :, : c // 4]
        y[:, : h - 1, :, c // 4 : c // 2] = x[:, 1:, :, c // 4 : c // 2]
        y[:, :, 1:, c // 2 : c * 3 // 4] = x[:, :, : w - 1, c // 2 : c * 3 // 4]
        y[:, :, : w - 1, c * 3 // 4 :] = x[:, :, 1:, c * 3 // 4 :]
        return y


class _S2Block(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.shift = _EdgeStays()
        self.mlp = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.outer(self.shift(functional.gelu(self.inner(self.norm(x)))))
        return x + self.mlp(self.norm2(x))


class _S2Mlp(nn.Module):
    def __init__(self, dim: int = 96, depth: int = 6) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, dim, 4, 4)
        self.blocks = nn.Sequential(*(_S2Block(dim) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, _CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.embed(x).permute(0, 2, 3, 1))
        return self.head(self.norm(x).mean((1, 2)))


class _ZerosComeIn(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        g = x.shape[1] // 12
        out = torch.zeros_like(x)
        out[:, :g, :, :-1] = x[:, :g, :, 1:]
        out[:, g : 2 * g, :, 1:] = x[:, g : 2 * g, :, :-1]
        out[:, 2 * g : 3 * g, :-1] = x[:, 2 * g : 3 * g, 1:]
        out[:, 3 * g : 4 * g, 1:] = x[:, 3 * g : 4 * g, :-1]
        out[:, 4 * g :] = x[:, 4 * g :]
        return out


class _ShiftVitBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.shift, self.norm = _ZerosComeIn(), nn.GroupNorm(1, dim)
        self.mlp = nn.Sequential(nn.Conv2d(dim, 2 * dim, 1), nn.GELU(), nn.Conv2d(2 * dim, dim, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.shift(x)
        return x + self.mlp(self.norm(x))


class _FramesMove(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nt, c, h, w = x.shape
        x = x.view(nt // _FRAMES, _FRAMES, c, h, w)
        fold = c // 8
        out = torch.zeros_like(x)
        out[:, :-1, :fold] = x[:, 1:, :fold]
        out[:, 1:, fold : 2 * fold] = x[:, :-1, fold : 2 * fold]
        out[:, :, 2 * fold :] = x[:, :, 2 * fold :]
        return out.view(nt, c, h, w)


class _Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.layers(x))


class _Rolls(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.chunk(9, 1)
        return torch.cat([part.roll((p // 3 - 1, p % 3 - 1), (2, 3)) for p, part in enumerate(parts)], 1)


class _Shuffled(nn.Module):
    """A unit of ShuffleNetV2, of stride 1 or 2."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        half, self.stride = outer // 2, stride
        taken = inner if stride == 2 else half
        middle = _conv(half, half, 3, stride, half, relu=False)
        self.main = nn.Sequential(_conv(taken, half), middle, _conv(half, half))
        if stride == 2:
            self.kept = nn.Sequential(_conv(inner, inner, 3, 2, inner, relu=False), _conv(inner, half))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride == 2:
            both = torch.cat([self.kept(x), self.main(x)], 1)
        else:
            kept, taken = x.chunk(2, 1)
            both = torch.cat([kept, self.main(taken)], 1)
        n, c, h, w = both.shape
        return both.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class _Ghost(nn.Module):
    def __init__(self, inner: int, outer: int, *, relu: bool) -> None:
        super().__init__()
        self.first = _conv(inner, outer // 2, relu=relu)
        self.cheap = _conv(outer // 2, outer // 2, 3, groups=outer // 2, relu=relu)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.first(x)
        return torch.cat([first, self.cheap(first)], 1)


class _Bottleneck(nn.Module):
    def __init__(self, inner: int, middle: int, outer: int, stride: int) -> None:
        super().__init__()
        down = [_conv(middle, middle, 3, 2, middle, relu=False)] if stride == 2 else []
        self.main = nn.Sequential(_Ghost(inner, middle, relu=True), *down, _Ghost(middle, outer, relu=False))
        beside = _conv(inner, inner, 3, stride, inner, relu=False)
        same = inner == outer and stride == 1
        self.beside = nn.Identity() if same else nn.Sequential(beside, _conv(inner, outer, relu=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.beside(x)


def s2_mlp() -> nn.Module:
    """Images of 4 n x 4 m pixels."""
    return _S2Mlp().eval()


def shift_vit() -> nn.Module:
    """Images of 8 n x 8 m pixels."""
    first, second = ([_ShiftVitBlock(dim) for _ in range(3)] for dim in (48, 96))
    features = nn.Sequential(nn.Conv2d(3, 48, 4, 4), *first, nn.Conv2d(48, 96, 2, 2), *second, nn.GroupNorm(1, 96))
    return _Classifier(features, 96).eval()


def tsm() -> nn.Module:
    """Batches of eight frames."""

    def block(dim: int) -> nn.Module:
        return _Residual(_FramesMove(), _conv(dim, dim, 3), _conv(dim, dim, 3, relu=False))

    features = nn.Sequential(_conv(3, 32, 3, 2), block(32), block(32), _conv(32, 64, 3, 2), block(64), block(64))
    return _Classifier(features, 64).eval()


def wrap_net() -> nn.Module:
    """Images of 4 n x 4 m pixels."""

    def block(dim: int) -> nn.Module:
        return _Residual(_conv(dim, dim), _Rolls(), _conv(dim, dim, groups=9), _Rolls(), _conv(dim, dim, relu=False))

    stages = [_conv(3, 81, 3), block(81), block(81), _conv(81, 162, 1, 2), block(162), block(162)]
    return _Classifier(nn.Sequential(*stages), 162).eval()


def shufflenet_v2() -> nn.Module:
    """ShuffleNetV2 1.0x; images of 32 n x 32 m pixels."""
    units: list[nn.Module] = [_conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    inner = 24
    for outer, count in ((116, 4), (232, 8), (464, 4)):
        units += [_Shuffled(inner if i == 0 else outer, outer, 2 if i == 0 else 1) for i in range(count)]
        inner = outer
    return _Classifier(nn.Sequential(*units, _conv(inner, 1024)), 1024).eval()


def ghostnet() -> nn.Module:
    """Images of 16 n x 16 m pixels."""
    shape = [(16, 16, 16, 1), (16, 48, 24, 2), (24, 72, 24, 1), (24, 72, 40, 2), (40, 120, 40, 1), (40, 240, 80, 2)]
    shape += [(80, 200, 80, 1), (80, 184, 80, 1), (80, 480, 112, 1)]
    blocks = [_Bottleneck(*one) for one in shape]
    return _Classifier(nn.Sequential(_conv(3, 16, 3, 2), *blocks, _conv(112, 480)), 480).eval()


#: By name on the command line: what builds it, and the (size, batch) that it is measured with.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "shufflenet-v2": (shufflenet_v2, 96, 1),
    "shift-vit": (shift_vit, 64, 1),
    "s2-mlp": (s2_mlp, 64, 1),
    "wrap-net": (wrap_net, 32, 1),
    "tsm": (tsm, 32, _FRAMES),
    "ghostnet": (ghostnet, 96, 1),
}
