"""Shifts, shuffles and group pointwise convolutions as people write them: one function, many spellings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that everyone gives it

Offsets = Sequence[tuple[int, int]]


def raster(channels: int, k: int = 3) -> list[tuple[int, int]]:
    """SSC-Net's assignment: channel c moves by tap c mod k*k, row by row."""
    r = k // 2
    return [(c % (k * k) // k - r, c % k - r) for c in range(channels)]


class Spelled(nn.Module):
    """A shift as a module without parameters of its own."""

    def __init__(self, offsets: Offsets, spell: Callable[[torch.Tensor, Offsets], torch.Tensor]) -> None:
        super().__init__()
        self.offsets, self.spell = list(offsets), spell

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.spell(x, self.offsets)


def roll_and_mask(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    h, w = x.shape[2:]
    planes = []
    for c, (dy, dx) in enumerate(offsets):
        ys, xs = torch.arange(h) + dy, torch.arange(w) + dx
        inside = ((ys >= 0) & (ys < h))[:, None] & ((xs >= 0) & (xs < w))[None, :]
        planes.append(torch.roll(x[:, c : c + 1], (-dy, -dx), dims=(2, 3)) * inside.to(x.dtype))
    return torch.cat(planes, 1)


def pad_slice_cat(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    h, w = x.shape[2:]
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    padded = F.pad(x, (r, r, r, r))
    return torch.cat(
        [padded[:, c : c + 1, r + dy : r + dy + h, r + dx : r + dx + w] for c, (dy, dx) in enumerate(offsets)], 1
    )


def pad_slice_stack(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    """For offsets that repeat every k*k channels, on a view of the groups."""
    n, c, h, w = x.shape
    period = next(p for p in range(1, c + 1) if c % p == 0 and list(offsets) == list(offsets[:p]) * (c // p))
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    padded = F.pad(x, (r, r, r, r)).view(n, c // period, period, h + 2 * r, w + 2 * r)
    moved = [padded[:, :, p, r + dy : r + dy + h, r + dx : r + dx + w] for p, (dy, dx) in enumerate(offsets[:period])]
    return torch.stack(moved, 2).view(n, c, h, w)


def slice_assignment(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    h, w = x.shape[2:]
    out = torch.zeros_like(x)
    for c, (dy, dx) in enumerate(offsets):
        out[:, c, max(0, -dy) : h - max(0, dy), max(0, -dx) : w - max(0, dx)] = x[
            :, c, max(0, dy) : h + min(0, dy), max(0, dx) : w + min(0, dx)
        ]
    return out


def gather(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    n, c, h, w = x.shape
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    row = w + 2 * r
    planes = F.pad(x, (r, r, r, r)).reshape(n, c, -1)
    at = (torch.arange(h) + r)[:, None] * row + (torch.arange(w) + r)[None, :]
    index = torch.stack([at.reshape(-1) + dy * row + dx for dy, dx in offsets])
    return planes.gather(2, index.expand(n, -1, -1)).view(n, c, h, w)


def one_hot_depthwise(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    weight = torch.zeros(len(offsets), 1, 2 * r + 1, 2 * r + 1)
    for c, (dy, dx) in enumerate(offsets):
        weight[c, 0, r + dy, r + dx] = 1
    return F.conv2d(x, weight, padding=r, groups=len(offsets))


SHIFTS = {f.__name__: f for f in (roll_and_mask, pad_slice_cat, slice_assignment, gather, one_hot_depthwise)}
REGULAR_SHIFTS = {**SHIFTS, "pad_slice_stack": pad_slice_stack}


def shuffle(x: torch.Tensor, groups: int) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class GroupPointwise(nn.Module):
    """One grouped 1x1 convolution, spelled by ``spell(x, weight [G, O, I], bias [G * O])``."""

    def __init__(self, groups: int, inputs: int, outputs: int, spell: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(groups, outputs, inputs))
        self.bias = nn.Parameter(torch.randn(groups * outputs))
        self.spell = spell

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.spell(x, self.weight, self.bias)


def grouped_conv(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    g, o, i = weight.shape
    return F.conv2d(x, weight.reshape(g * o, i, 1, 1), bias, groups=g)


def block_diagonal(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, torch.block_diag(*weight)[:, :, None, None], bias)


def split_and_concat(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    pieces = zip(x.chunk(len(weight), 1), weight, bias.chunk(len(weight)), strict=True)
    return torch.cat([F.conv2d(piece, w[:, :, None, None], b) for piece, w, b in pieces], 1)


def einsum(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    n, _, h, w = x.shape
    g, o, i = weight.shape
    y = torch.einsum("ngihw,goi->ngohw", x.view(n, g, i, h, w), weight).reshape(n, g * o, h, w)
    return y + bias[:, None, None]


def batched_matmul(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    n, _, h, w = x.shape
    g, o, i = weight.shape
    y = torch.matmul(weight, x.reshape(n, g, i, h * w)) + bias.view(g, o, 1)
    return y.reshape(n, g * o, h, w)


def channels_last_linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return F.linear(x.permute(0, 2, 3, 1), torch.block_diag(*weight), bias).permute(0, 3, 1, 2)


GROUP_POINTWISE = {
    f.__name__: f
    for f in (grouped_conv, block_diagonal, split_and_concat, einsum, batched_matmul, channels_last_linear)
}
