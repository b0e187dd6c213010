"""Copies of a feature map that a convolution can read at stride 1: with its padding, one for each phase of the stride.

phase[p, q][c, i, j] = padded[c, i * stride + p, j * stride + q]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.lower.native.held import Planes, Ref, View, planes_of
from ssc_deploy.lower.native.writing import Offsets
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    from ssc_deploy.lower.native.planner import Planner


@dataclass(frozen=True)
class Window:
    """The windows of a convolution or a pool, down and across."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]  # top, left, bottom, right
    size: tuple[int, int]  # of the result


@dataclass(frozen=True)
class Staged:
    """The copies.

    Attributes:
        pitch: of all of them.
        taps: for each tap of the window, where the first pixel of each plane is, N * C of them.
    """

    pitch: int
    taps: tuple[tuple[Ref, ...], ...]


def stage(planner: Planner, x: Planes, window: Window) -> Staged:
    """Copies a map for a window.

    Args:
        planner: the plan.
        x: the map.
        window: that goes over it.
    """
    phases: dict[tuple[int, int], tuple[int, int]] = {}
    taps = []
    for ky in range(window.kernel[0]):
        for kx in range(window.kernel[1]):
            (down, p), (across, q) = (
                divmod(k * dilation, stride)
                for k, dilation, stride in zip((ky, kx), window.dilations, window.strides, strict=True)
            )
            taps.append((p, q, down, across))
            most = phases.get((p, q), (0, 0))
            phases[p, q] = max(most[0], down), max(most[1], across)
    wider = max(across for _, across in phases.values())
    height, width = window.size
    pitch = max(planner.margins.pitch(height, width), width + wider)
    copies = {
        phase: _copy(planner, x, window, phase, size=(height + down, width + across), pitch=pitch)
        for phase, (down, across) in phases.items()
    }
    found = []
    for p, q, down, across in taps:
        planes = planes_of(copies[p, q])
        assert planes is not None
        found.append(tuple((storage, offset + down * pitch + across) for storage, offset in planes.refs))
    return Staged(pitch, tuple(found))


def _copy(
    planner: Planner, x: Planes, window: Window, phase: tuple[int, int], *, size: tuple[int, int], pitch: int
) -> View:
    """One phase; the copy that another convolution asked for, if it is the same."""
    key = (x.refs, x.pitch, window.strides, window.pads[:2], phase, size, pitch)
    if key not in planner.copies:
        planner.copies[key] = _made(planner, x, window, phase, size=size, pitch=pitch)
    return planner.copies[key]


def _made(
    planner: Planner, x: Planes, window: Window, phase: tuple[int, int], *, size: tuple[int, int], pitch: int
) -> View:
    n, c, height, width = x.shape
    copy = planner.new_map((n, c, *size), 0, pitch, slack=2 * pitch + size[1])
    # Lines of the copy from `first` to `behind` come from the map, others from its padding.
    first, behind = [], []
    for axis, (pad, there) in enumerate(zip(window.pads[:2], (height, width), strict=True)):
        stride = window.strides[axis]
        first.append(max(0, -((phase[axis] - pad) // stride)))
        behind.append(min(size[axis], (there - 1 + pad - phase[axis]) // stride + 1))
    if first != [0, 0] or behind != list(size):
        planner.clear(copy)
    lines = [max(0, end - start) for start, end in zip(first, behind, strict=True)]
    if not all(lines):
        return copy
    row, column = (
        start * stride + p - pad
        for start, stride, p, pad in zip(first, window.strides, phase, window.pads[:2], strict=True)
    )
    by = (window.strides[0] * x.pitch, window.strides[1])
    for image in range(n):
        refs = tuple(
            (storage, offset + row * x.pitch + column) for storage, offset in x.refs[image * c : (image + 1) * c]
        )
        offsets = Offsets(refs)
        target = copy.offset + image * copy.strides[0] + first[0] * pitch + first[1]
        planner.step(
            Kind.MOVE,
            *(3, c, *lines),
            offsets.base,
            (copy.storage, target),
            offsets,
            *(0, *by),
            *(copy.strides[1], pitch, 1),
        )
    return copy
