"""Operators of PyTorch that its exporter writes in hundreds of nodes, or not at all, in a few standard ones.

Adaptive pools into sizes that do not divide the image: output i is of the pixels from floor(i * n / m) to before
ceil((i + 1) * n / m). The mean over such windows is a product with a matrix for each axis, the maximum one of slices.

Attention of any rank, where the exporter takes rank 4 only: softmax(scale * Q K^T + mask) V.

Convolutions over volumes without a bias, which the exporter gives a bias of [channels, 2] zeros.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def table() -> dict[Any, Callable[..., Any]]:
    """What ``torch.onnx.export`` takes as ``custom_translation_table``."""
    import torch

    aten = torch.ops.aten
    return {
        aten._adaptive_avg_pool2d.default: _adaptive_avg_pool2d,
        aten.adaptive_max_pool2d.default: _adaptive_max_pool2d,
        aten.conv3d.default: _conv3d,
        aten.scaled_dot_product_attention.default: _attention,
    }


def _operators() -> Any:
    """The operators of the standard, which record themselves while the exporter translates."""
    from onnxscript import opset18

    return opset18


def _windows(before: int, after: int) -> list[tuple[int, int]]:
    return [(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]


def _sizes(x: Any, output_size: Sequence[int]) -> list[tuple[int, int, int]]:
    """Axis, size before and size after, of height and width."""
    shape = [int(size) for size in x.shape]
    return [(axis, shape[axis], int(output_size[axis])) for axis in (-2, -1)]


def _even(sizes: Sequence[tuple[int, int, int]]) -> dict[str, list[int]] | None:
    """Kernel and strides where all windows are of one size, side by side; None if they are not."""
    if any(before % after for _, before, after in sizes):
        return None
    kernel = [before // after for _, before, after in sizes]
    return {"kernel_shape": kernel, "strides": kernel}


def _adaptive_avg_pool2d(self: Any, output_size: Sequence[int]) -> Any:
    import onnx_ir

    op = _operators()

    sizes = _sizes(self, output_size)
    even = _even(sizes)
    if even is not None:
        return _pooled(op.AveragePool, self, even)
    result = self
    for axis, before, after in sizes:
        if before == after:
            continue
        matrix = np.zeros((after, before), np.float32)
        for i, (start, stop) in enumerate(_windows(before, after)):
            matrix[i, start:stop] = 1 / (stop - start)
        rows = axis == -2
        constant = op.Constant(value=onnx_ir.tensor(matrix if rows else np.ascontiguousarray(matrix.T)))
        result = op.MatMul(constant, result) if rows else op.MatMul(result, constant)
    return result


def _adaptive_max_pool2d(self: Any, output_size: Sequence[int]) -> tuple[Any, Any]:
    op = _operators()
    sizes = _sizes(self, output_size)
    even = _even(sizes)
    if even is not None:
        return _pooled(op.MaxPool, self, even), _places(self, sizes)
    result = self
    for axis, before, after in sizes:
        windows = _windows(before, after)
        parts = [op.ReduceMax(_cut(result, axis, *window), _ints(axis)) for window in windows]
        result = parts[0] if len(parts) == 1 else op.Concat(*parts, axis=axis)
    return result, _places(self, sizes)


def _places(x: Any, sizes: Sequence[tuple[int, int, int]]) -> Any:
    """Where in the plane each maximum stands, row by row; what nobody reads is left out later."""
    op = _operators()
    (_, height, rows), (_, width, columns) = sizes
    lead = [int(size) for size in x.shape][:-2]
    found = []
    for top, bottom in _windows(height, rows):
        for left, right in _windows(width, columns):
            window = op.Reshape(_cut(_cut(x, -2, top, bottom), -1, left, right), _ints(*lead, -1))
            place = op.ArgMax(window, axis=-1, keepdims=1)
            row = op.Div(place, _ints(right - left))
            column = op.Sub(place, op.Mul(row, _ints(right - left)))
            found.append(op.Add(op.Add(op.Mul(row, _ints(width)), column), _ints(top * width + left)))
    joined = found[0] if len(found) == 1 else op.Concat(*found, axis=-1)
    return op.Reshape(joined, _ints(*lead, rows, columns))


def _cut(x: Any, axis: int, start: int, stop: int) -> Any:
    return _operators().Slice(x, _ints(start), _ints(stop), _ints(axis))


def _ints(*numbers: int) -> Any:
    return _operators().Constant(value_ints=numbers)


def _attention(  # noqa: PLR0917  # the signature of PyTorch's operator
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    op = _operators()
    del dropout_p  # of training
    sizes, rank = [int(size) for size in query.shape], len(query.shape)
    if enable_gqa:
        heads = int(key.shape[-3])
        order = _ints(*np.repeat(np.arange(heads), sizes[-3] // heads).tolist())
        key, value = (op.Gather(one, order, axis=rank - 3) for one in (key, value))
    factor = 1 / math.sqrt(sizes[-1]) if scale is None else scale
    turned = op.Transpose(key, perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = op.MatMul(op.Mul(query, _number(factor)), turned)
    if is_causal:
        past = np.tri(sizes[-2], int(key.shape[-2]), dtype=np.float32)
        scores = op.Add(scores, _constant(np.where(past > 0, np.float32(0), np.float32(-np.inf))))
    if attn_mask is not None:
        allowed = str(attn_mask.dtype).endswith("BOOL")
        scores = op.Where(attn_mask, scores, _number(-math.inf)) if allowed else op.Add(scores, attn_mask)
    return op.MatMul(op.Softmax(scores, axis=-1), value)


def _conv3d(  # noqa: PLR0917  # the signature of PyTorch's operator
    input: Any,  # noqa: A002
    weight: Any,
    bias: Any = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    op = _operators()
    pads = _three(padding)
    window = {"strides": _three(stride), "dilations": _three(dilation), "pads": [*pads, *pads], "group": groups}
    whole = len(input.shape) == 5
    # Of rank 4, without a batch, PyTorch takes [C, D, H, W].
    x = input if whole else op.Unsqueeze(input, _ints(0))
    result = op.Conv(x, weight, *([] if bias is None else [bias]), **window)
    return result if whole else op.Squeeze(result, _ints(0))


def _three(numbers: int | Sequence[int]) -> list[int]:
    given = [numbers] if isinstance(numbers, int) else [*numbers]
    return given * 3 if len(given) == 1 else given


def _number(number: float) -> Any:
    return _constant(np.array(number, np.float32))


def _constant(array: npt.NDArray[np.float32]) -> Any:
    import onnx_ir

    return _operators().Constant(value=onnx_ir.tensor(array))


def _pooled(pool: Callable[..., Any], x: Any, window: dict[str, list[int]]) -> Any:
    """Of rank 3, without a batch, PyTorch takes [C, H, W]."""
    op = _operators()

    whole = len(x.shape) == 4
    result = pool(x if whole else op.Unsqueeze(x, _ints(0)), **window)
    result = result[0] if isinstance(result, tuple) else result
    return result if whole else op.Squeeze(result, _ints(0))
