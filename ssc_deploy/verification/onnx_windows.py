"""Conv, MaxPool and ConvTranspose as the ONNX standard says, for ``onnx.reference``.

The reference's own Conv takes seconds for the groups of a small network. Its MaxPool rounds the size down for
``SAME_LOWER``, and ignores ``auto_pad`` with dilations. Its ConvTranspose supports neither groups nor an
``output_shape`` without ``auto_pad``.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Values = npt.NDArray[Any]


class Conv(OpRun):
    """``y[o, i] = b[o] + sum over c and k of x[c, i * stride + k * dilation - pad] * w[o, c, k]``, with groups.

    One product of matrices for each tap of the kernel.
    """

    op_domain = ""

    def _run(
        self,
        x: Values,
        w: Values,
        b: Values | None = None,
        *,
        auto_pad: str | None = None,
        dilations: Sequence[int] | None = None,
        group: int | None = None,
        pads: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        **_: Any,
    ) -> tuple[Values]:
        axes, groups = x.ndim - 2, group or 1
        dilations, strides, pads = dilations or [1] * axes, strides or [1] * axes, pads or [0] * 2 * axes
        sizes, widths = [], [(0, 0), (0, 0)]
        for a, (size, k, step) in enumerate(zip(x.shape[2:], w.shape[2:], strides, strict=True)):
            reach = (k - 1) * dilations[a] + 1
            before, after = pads[a], pads[a + axes]
            if auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
                before, after = _both_ends(max((-(-size // step) - 1) * step + reach - size, 0), auto_pad)
            elif auto_pad == "VALID":
                before = after = 0
            sizes.append((size + before + after - reach) // step + 1)
            widths.append((before, after))
        images, outputs, inputs = len(x), len(w), w.shape[1]
        kernels = w.reshape(groups, outputs // groups, inputs, *w.shape[2:])
        # A copy only where something is padded: most convolutions of these networks are 1x1.
        padded = np.pad(x, widths) if any(map(any, widths)) else x
        result: Any = 0
        for tap, window in _windows(padded, w.shape[2:], sizes, strides, dilations):
            at: Any = (..., *tap)
            pixels = window.reshape(images, groups, inputs, -1)
            # A product of matrices for each channel of a depthwise convolution takes three times as long.
            result = result + (kernels[at] * pixels if inputs == 1 else kernels[at] @ pixels)
        result = result.reshape(images, outputs, *sizes)
        return (result if b is None else result + b.reshape(-1, *[1] * axes),)


class MaxPool(OpRun):
    """``y[..., i] = max over k of x[..., i * stride + k * dilation - pad]``, of what lies inside."""

    op_domain = ""

    def _run(
        self,
        x: Values,
        *,
        kernel_shape: Sequence[int],
        auto_pad: str | None = None,
        ceil_mode: int | None = None,
        dilations: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        **_: Any,
    ) -> tuple[Values]:
        if len([name for name in self.onnx_node.output if name]) > 1:
            raise NotImplementedError("MaxPool that returns the indices as well")
        axes = len(kernel_shape)
        dilations, strides, pads = dilations or [1] * axes, strides or [1] * axes, pads or [0] * 2 * axes
        sizes, widths = [], [(0, 0), (0, 0)]
        for a, (size, k, step) in enumerate(zip(x.shape[2:], kernel_shape, strides, strict=True)):
            reach = (k - 1) * dilations[a] + 1
            before, after = pads[a], pads[a + axes]
            if auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
                out = -(-size // step)
                before, after = _both_ends(max((out - 1) * step + reach - size, 0), auto_pad)
            else:
                if auto_pad == "VALID":
                    before = after = 0
                room = size + before + after - reach
                out = room // step + 1
                if ceil_mode:
                    out = -(-room // step) + 1
                    # The last window must begin inside.
                    out -= (out - 1) * step >= size + before
            sizes.append(out)
            widths.append((before, max(after, (out - 1) * step + reach - size - before)))
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = np.pad(x, widths, constant_values=lowest)
        result = np.full((*x.shape[:2], *sizes), lowest, x.dtype)
        for _tap, window in _windows(padded, kernel_shape, sizes, strides, dilations):
            np.maximum(result, window, out=result)
        return (result,)


class ConvTranspose(OpRun):
    """``y[..., i * stride + k * dilation - pad] += x[..., i] * w[..., k]``, with groups."""

    op_domain = ""

    def _run(
        self,
        x: Values,
        w: Values,
        b: Values | None = None,
        *,
        auto_pad: str | None = None,
        dilations: Sequence[int] | None = None,
        group: int | None = None,
        output_padding: Sequence[int] | None = None,
        output_shape: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        **_: Any,
    ) -> tuple[Values]:
        axes, groups = x.ndim - 2, group or 1
        dilations, strides = dilations or [1] * axes, strides or [1] * axes
        extra, pads = output_padding or [0] * axes, pads or [0] * 2 * axes
        full = [
            strides[a] * (x.shape[2 + a] - 1) + (w.shape[2 + a] - 1) * dilations[a] + 1 + extra[a] for a in range(axes)
        ]
        starts, sizes = [], []
        for a in range(axes):
            before, after = pads[a], pads[a + axes]
            same = auto_pad in {"SAME_UPPER", "SAME_LOWER"}
            if output_shape or same:
                wanted = output_shape[a] if output_shape else x.shape[2 + a] * strides[a]
                before, after = _both_ends(max(full[a] - wanted, 0), auto_pad if same else "SAME_LOWER")
            elif auto_pad == "VALID":
                before = after = 0
            starts.append(before)
            sizes.append(full[a] - before - after)
            if output_shape:
                sizes[a] = output_shape[a]
                full[a] = max(full[a], before + output_shape[a])  # what no input reaches is zero
        per_group = w.shape[1]
        result = np.zeros((len(x), groups * per_group, *full), x.dtype)
        for g in range(groups):
            inputs = slice(g * x.shape[1] // groups, (g + 1) * x.shape[1] // groups)
            outputs = result[:, g * per_group : (g + 1) * per_group]
            for tap, window in _windows(outputs, w.shape[2:], x.shape[2:], strides, dilations):
                at: Any = (inputs, slice(None), *tap)
                added = np.einsum("nc...,co->no...", x[:, inputs], w[at])
                np.add(window, added, out=window)
        inside: Any = (..., *(slice(s, s + n) for s, n in zip(starts, sizes, strict=True)))
        result = result[inside]
        return (result if b is None else result + b.reshape(-1, *[1] * axes),)


def _both_ends(total: int, auto_pad: str | None) -> tuple[int, int]:
    """The padding before and after; SAME_UPPER puts the odd one after, all else before."""
    less = total // 2
    return (less, total - less) if auto_pad == "SAME_UPPER" else (total - less, less)


def _windows(
    values: Values, kernel: Sequence[int], sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], Values]]:
    """For each tap of the kernel a view of the values that it meets, of the given sizes."""
    for tap in itertools.product(*(range(k) for k in kernel)):
        places = zip(tap, sizes, strides, dilations, strict=True)
        window: Any = (..., *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, s, d in places))
        yield tap, values[window]
