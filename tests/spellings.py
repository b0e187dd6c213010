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


def shifted_last(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    """The shift of a picture with its channels last, [N, H, W, C]."""
    h, w = x.shape[1:3]
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    padded = F.pad(x, (0, 0, r, r, r, r))
    return torch.cat(
        [padded[:, r + dy : r + dy + h, r + dx : r + dx + w, c : c + 1] for c, (dy, dx) in enumerate(offsets)], 3
    )


def channels_last(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    return shifted_last(x.permute(0, 2, 3, 1), offsets).permute(0, 3, 1, 2)


def tokens(x: torch.Tensor, offsets: Offsets) -> torch.Tensor:
    """On one row of pixels, [N, H * W, C], as a transformer passes them on."""
    n, c, h, w = x.shape
    rows = x.flatten(2).transpose(1, 2)
    moved = shifted_last(rows.reshape(n, h, w, c), offsets).reshape(n, h * w, c)
    return moved.transpose(1, 2).reshape(n, c, h, w)


SHIFTS = {f.__name__: f for f in (roll_and_mask, pad_slice_cat, slice_assignment, gather, one_hot_depthwise)}
REGULAR_SHIFTS = {**SHIFTS, **{f.__name__: f for f in (pad_slice_stack, channels_last, tokens)}}


# Shifts whose edges wrap around ("wrap") or repeat ("edge"), of a tensor whose rows and columns are ``axes``, with its
# channels on the axis that is left beside the batch.

Axes = tuple[int, int]


def _channel(axes: Axes) -> int:
    return 6 - sum(axes)


def rolls(x: torch.Tensor, offsets: Offsets, _edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    """For edges that wrap around."""
    planes = x.split(1, _channel(axes))
    moved = [torch.roll(plane, (-dy, -dx), axes) for plane, (dy, dx) in zip(planes, offsets, strict=True)]
    return torch.cat(moved, _channel(axes))


def rolls_of_runs(x: torch.Tensor, offsets: Offsets, _edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    """One axis after the other, as AS-MLP and Swin have it."""
    for axis, moves in zip(axes, zip(*offsets, strict=True), strict=True):
        pieces = [torch.roll(x.narrow(_channel(axes), c, 1), -d, axis) for c, d in enumerate(moves)]
        x = torch.cat(pieces, _channel(axes))
    return x


def pads(x: torch.Tensor, offsets: Offsets, edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    x = x.movedim(_channel(axes), 1)
    h, w = x.shape[2:]
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    padded = F.pad(x, (r, r, r, r), mode={"wrap": "circular", "edge": "replicate"}[edge])
    moved = [padded[:, c : c + 1, r + dy : r + dy + h, r + dx : r + dx + w] for c, (dy, dx) in enumerate(offsets)]
    return torch.cat(moved, 1).movedim(1, _channel(axes))


def _lines(size: int, by: int, edge: str) -> torch.Tensor:
    wanted = torch.arange(size) + by
    return wanted % size if edge == "wrap" else wanted.clamp(0, size - 1)


def indices(x: torch.Tensor, offsets: Offsets, edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    planes = []
    for c, move in enumerate(offsets):
        plane = x.narrow(_channel(axes), c, 1)
        for axis, by in zip(axes, move, strict=True):
            plane = plane.index_select(axis, _lines(x.shape[axis], by, edge))
        planes.append(plane)
    return torch.cat(planes, _channel(axes))


def copies(x: torch.Tensor, offsets: Offsets, edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    """Line by line into a tensor that is there already."""
    for axis, moves in zip(axes, zip(*offsets, strict=True), strict=True):
        out = x.clone()
        for c, by in enumerate(moves):
            lines = _lines(x.shape[axis], by, edge)
            out.narrow(_channel(axes), c, 1).index_copy_(
                axis, torch.arange(len(lines)), x.narrow(_channel(axes), c, 1).index_select(axis, lines)
            )
        x = out
    return x


def assignments(x: torch.Tensor, offsets: Offsets, edge: str, axes: Axes = (2, 3)) -> torch.Tensor:
    """Slices to slices, the edge after the rest."""
    for axis, moves in zip(axes, zip(*offsets, strict=True), strict=True):
        out, size = torch.zeros_like(x), x.shape[axis]
        for c, by in enumerate(moves):
            to, come = out.narrow(_channel(axes), c, 1), x.narrow(_channel(axes), c, 1)
            inside = size - abs(by)
            to.narrow(axis, max(0, -by), inside)[:] = come.narrow(axis, max(0, by), inside)
            for i in range(abs(by)):
                line = i if by < 0 else size - 1 - i
                to.narrow(axis, line, 1)[:] = come.narrow(axis, int(_lines(size, by, edge)[line]), 1)
        x = out
    return x


#: By name: the function, and the edges that it knows.
EDGES = {
    "rolls": (rolls, ("wrap",)),
    "rolls_of_runs": (rolls_of_runs, ("wrap",)),
    **{f.__name__: (f, ("wrap", "edge")) for f in (pads, indices, copies, assignments)},
}
EDGED_SHIFTS = [(name, edge) for name, (_, edges) in EDGES.items() for edge in edges]


# Shifts between the frames of clips: of [N * T, C, H, W], the first ``fold`` channels are one frame early, the next
# ``fold`` one frame late.


def frames_assigned(x: torch.Tensor, frames: int, fold: int) -> torch.Tensor:
    """As in TSM."""
    v = x.view(-1, frames, *x.shape[1:])
    out = torch.zeros_like(v)
    out[:, :-1, :fold] = v[:, 1:, :fold]
    out[:, 1:, fold : 2 * fold] = v[:, :-1, fold : 2 * fold]
    out[:, :, 2 * fold :] = v[:, :, 2 * fold :]
    return out.view_as(x)


def frames_padded(x: torch.Tensor, frames: int, fold: int) -> torch.Tensor:
    n, c, h, w = x.shape
    v = x.view(n // frames, frames, c, h * w)
    early = F.pad(v[:, 1:, :fold], (0, 0, 0, 0, 0, 1))
    late = F.pad(v[:, :-1, fold : 2 * fold], (0, 0, 0, 0, 1, 0))
    return torch.cat([early, late, v[:, :, 2 * fold :]], 2).view(n, c, h, w)


def frames_in_place(x: torch.Tensor, frames: int, fold: int) -> torch.Tensor:
    """As TSM's in-place shift, in the tensor itself."""
    v = x.view(-1, frames, *x.shape[1:]).clone()
    early, late = v[:, 1:, :fold].clone(), v[:, :-1, fold : 2 * fold].clone()
    v[:, -1, :fold] = 0
    v[:, 0, fold : 2 * fold] = 0
    v[:, :-1, :fold], v[:, 1:, fold : 2 * fold] = early, late
    return v.view_as(x)


def frames_indexed(x: torch.Tensor, frames: int, fold: int) -> torch.Tensor:
    """On the axes in the order of a video, [N, C, T, H, W]."""
    v = x.view(-1, frames, *x.shape[1:]).transpose(1, 2)
    empty = torch.zeros_like(v[:, :fold, :1])
    early = torch.cat([v[:, :fold].index_select(2, torch.arange(1, frames)), empty], 2)
    late = torch.cat([empty, v[:, fold : 2 * fold].index_select(2, torch.arange(frames - 1))], 2)
    return torch.cat([early, late, v[:, 2 * fold :]], 1).transpose(1, 2).reshape(x.shape)


FRAMES = [frames_assigned, frames_padded, frames_in_place, frames_indexed]


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


class Mixer(nn.Module):
    """Two linear layers on the channels with a shift between them, all with the channels last."""

    def __init__(self, channels: int, offsets: Offsets, *, rows: bool) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.offsets, self.rows = list(offsets), rows

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        x = x.permute(0, 2, 3, 1)
        x = self.up(x.reshape(n, h * w, c) if self.rows else x)
        x = shifted_last(torch.relu(x).reshape(n, h, w, c), self.offsets)
        x = self.down(x.reshape(n, h * w, c) if self.rows else x)
        return x.reshape(n, h, w, c).permute(0, 3, 1, 2)


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


def edge_stays(x: torch.Tensor) -> torch.Tensor:
    """The spatial shift of S2-MLP: what moves away leaves its old values behind."""
    x, q = x.clone(), x.shape[1] // 4
    x[:, :q, 1:] = x[:, :q, :-1].clone()
    x[:, q : 2 * q, :-1] = x[:, q : 2 * q, 1:].clone()
    x[:, 2 * q : 3 * q, :, 1:] = x[:, 2 * q : 3 * q, :, :-1].clone()
    x[:, 3 * q :, :, :-1] = x[:, 3 * q :, :, 1:].clone()
    return x


def edge_stays_channels_last(x: torch.Tensor) -> torch.Tensor:
    y = x.permute(0, 2, 3, 1).clone()
    y[:, 1:, :, :2] = y[:, :-1, :, :2].clone()
    y[:, :, :-1, 2:5] = y[:, :, 1:, 2:5].clone()
    return y.permute(0, 3, 1, 2)


def edge_stays_aslant(x: torch.Tensor) -> torch.Tensor:
    """Every channel by another of nine offsets, so that a row and a column stay."""
    h, w = x.shape[2:]
    out = x.clone()
    for c, (dy, dx) in enumerate(raster(x.shape[1])):
        out[:, c, max(0, -dy) : h - max(0, dy), max(0, -dx) : w - max(0, dx)] = x[
            :, c, max(0, dy) : h + min(0, dy), max(0, dx) : w + min(0, dx)
        ]
    return out


def edge_repeated(x: torch.Tensor) -> torch.Tensor:
    h, w = x.shape[2:]
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return torch.cat(
        [
            padded[:, c : c + 1, 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
            for c, (dy, dx) in enumerate(raster(x.shape[1]))
        ],
        1,
    )


def leftover_zero(x: torch.Tensor) -> torch.Tensor:
    """Four directions; the channels that are left over stay zero."""
    out = torch.zeros_like(x)
    out[:, 0, 1:], out[:, 1, :-1] = x[:, 0, :-1], x[:, 1, 1:]
    out[:, 2, :, 1:], out[:, 3, :, :-1] = x[:, 2, :, :-1], x[:, 3, :, 1:]
    out[:, 4] = x[:, 4]
    return out


def zero_in_between(x: torch.Tensor) -> torch.Tensor:
    """Every third channel is zero, the others are shifted."""
    out = F.pad(x, (1, 0, 0, 0))[..., :-1].clone()
    out[:, ::3] = 0
    return out


def as_wide_as_the_image(x: torch.Tensor) -> torch.Tensor:
    w = x.shape[3]
    return torch.cat([F.pad(x[:, :3], (w, -w, 0, 0)), x[:, 3:]], 1)


def wider_than_the_image(x: torch.Tensor) -> torch.Tensor:
    h = x.shape[2]
    return torch.cat([F.pad(x[:, :3], (0, 0, h + 2, 0))[:, :, :h], x[:, 3:]], 1)


def pixel_shuffle_by_views(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


def pixel_shuffle_by_assignment(x: torch.Tensor) -> torch.Tensor:
    """With the channels in TensorFlow's order."""
    n, c, h, w = x.shape
    out = x.new_zeros(n, c // 4, 2 * h, 2 * w)
    for i in range(2):
        for j in range(2):
            out[:, :, i::2, j::2] = x[:, (i * 2 + j) * (c // 4) : (i * 2 + j + 1) * (c // 4)]
    return out


def pixel_shuffle_by_stacks(x: torch.Tensor) -> torch.Tensor:
    a, b, c, d = x.chunk(4, 1)
    n, k, h, w = a.shape
    top, bottom = torch.stack([a, b], -1).reshape(n, k, h, 2 * w), torch.stack([c, d], -1).reshape(n, k, h, 2 * w)
    return torch.stack([top, bottom], 3).reshape(n, k, 2 * h, 2 * w)


def focus(x: torch.Tensor) -> torch.Tensor:
    """Strided slices, columns first, as YOLOv5 has them."""
    return torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)


def patch_merging(x: torch.Tensor) -> torch.Tensor:
    """As Swin has it, channels last."""
    y = x.permute(0, 2, 3, 1)
    return torch.cat([y[:, 0::2, 0::2], y[:, 1::2, 0::2], y[:, 0::2, 1::2], y[:, 1::2, 1::2]], -1).permute(0, 3, 1, 2)


def patches_of_an_odd_image(x: torch.Tensor) -> torch.Tensor:
    h, w = x.shape[2:]
    return F.pixel_unshuffle(F.pad(x, (0, w % 2, h % 2, 0)), 2)


def reflected(x: torch.Tensor) -> torch.Tensor:
    h, w = x.shape[2:]
    return F.pad(x, (min(2, w - 1), 0, 0, min(1, h - 1)), mode="reflect")


def upsampled(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def blanked(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[:, :2, :, 0] = 0
    return x


#: By name: the function, the channels of its input, and what its sizes have to be a multiple of.
REARRANGEMENTS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], int, int]] = {
    **{
        f.__name__: (f, 8, 1)
        for f in (
            edge_stays,
            edge_stays_channels_last,
            edge_repeated,
            leftover_zero,
            zero_in_between,
            as_wide_as_the_image,
            wider_than_the_image,
            pixel_shuffle_by_views,
            pixel_shuffle_by_assignment,
            pixel_shuffle_by_stacks,
            patches_of_an_odd_image,
            reflected,
            upsampled,
            blanked,
        )
    },
    "edge_stays_aslant": (edge_stays_aslant, 18, 1),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), 8, 1),
    "pixel_shuffle_by_3": (lambda x: F.pixel_shuffle(x, 3), 9, 1),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), 3, 2),
    "focus": (focus, 3, 2),
    "patch_merging": (patch_merging, 3, 2),
    "edge_padding": (lambda x: F.pad(x, (2, 1, 0, 3), mode="replicate"), 3, 1),
    "wrapping": (lambda x: F.pad(x, (1, 1, 1, 0), mode="circular"), 3, 1),
    "cut_and_padded": (lambda x: F.pad(x, (2, 0, 1, 1))[:, :, 1:, 1:], 3, 1),
    "rows_by_index": (lambda x: x[:, :, torch.tensor([0, 0, -1])], 3, 1),
}
