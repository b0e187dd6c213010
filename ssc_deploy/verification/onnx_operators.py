"""Operators that onnx's reference implementation does not compute as the standard says.

For some operators that changed with the opset, it has only one version:

- BatchNormalization before opset 14 normalises with the statistics that are stored when it has one output. The
  implementation mixes in those of the batch if ``momentum`` is given.
- Softmax, LogSoftmax and Hardmax before opset 13 take the input as a matrix whose columns are all axes from ``axis``
on:
  ``softmax(x.reshape(prod(shape[:axis]), -1))``. The implementation only uses ``axis``.
- Upsample, and Resize of opset 10, take (x, scales) and mean asymmetric coordinates, and floor for the nearest.
- LRN in every opset sums the squares of the channels around each channel; the implementation does so for as many
  channels as there are images.
- Pad with a negative width cuts; the implementation fails.
- MeanVarianceNormalization is only a function of float32. GlobalLpPool, Scatter, and DequantizeLinear before opset 19
  are missing; Conv, MaxPool and ConvTranspose are in `onnx_windows`.

ONNX Runtime computes the same file in float32. If the two differ by more than rounding, no file passes
(`tolerance.CAP`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun
from onnx.reference.ops import op_dequantize_linear, op_resize, op_scatter_elements

from ssc_deploy.verification.onnx_windows import Conv, ConvTranspose, MaxPool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import onnx

Values = npt.NDArray[Any]

_dequantize: Any = op_dequantize_linear._CommonDequantizeLinear._run
_resize: Any = op_resize.Resize._run
_scatter: Any = op_scatter_elements.scatter_elements


class BatchNormalization(OpRun):
    """Opsets 7 to 13."""

    op_domain = ""

    def _run(self, x: Values, *vectors: Values, epsilon: float = 1e-5, spatial: int = 1, **_: Any) -> tuple[Values]:
        if len(self.onnx_node.output) > 1 or not spatial:
            raise NotImplementedError("BatchNormalization in training mode, or with statistics of each pixel")
        scale, bias, mean, variance = (vector.reshape(-1, *(1,) * (x.ndim - 2)) for vector in vectors)
        return (scale * (x - mean) / np.sqrt(variance + epsilon) + bias,)


class Softmax(OpRun):
    """Before opset 13."""

    op_domain = ""

    def _run(self, x: Values, **_: Any) -> tuple[Values]:
        return (_of_rows(lambda rows: np.exp(_log_softmax(rows)), x, self.onnx_node),)


class LogSoftmax(OpRun):
    """Before opset 13."""

    op_domain = ""

    def _run(self, x: Values, **_: Any) -> tuple[Values]:
        return (_of_rows(_log_softmax, x, self.onnx_node),)


class Hardmax(OpRun):
    """Before opset 13."""

    op_domain = ""

    def _run(self, x: Values, **_: Any) -> tuple[Values]:
        return (_of_rows(lambda rows: np.eye(rows.shape[1], dtype=x.dtype)[rows.argmax(1)], x, self.onnx_node),)


def _of_rows(function: Callable[[Values], Values], x: Values, node: onnx.NodeProto) -> Values:
    """The function of ``x`` as a matrix, all axes from ``axis`` on as its columns."""
    # The evaluator passes the default of the newest opset, -1. In these opsets it was 1.
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
    return function(x.reshape(math.prod(x.shape[: axis % x.ndim]), -1)).reshape(x.shape)


def _log_softmax(rows: Values) -> Values:
    rows = rows - rows.max(axis=1, keepdims=True)
    return np.asarray(rows - np.log(np.exp(rows).sum(axis=1, keepdims=True)))


class Resize(OpRun):
    """Opset 10."""

    op_domain = ""

    def _run(self, x: Values, scales: Values, mode: str = "nearest", **_: Any) -> tuple[Values]:
        (result,) = _resize(
            self, x, None, scales, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )
        return (result,)


class Upsample(Resize):
    """Opset 9."""


class LRN(OpRun):
    """``x / (bias + alpha / size * sum of the squares of the channels around it) ** beta``, in every opset."""

    op_domain = ""

    def _run(
        self, x: Values, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, size: int = 1
    ) -> tuple[Values]:
        before, after = (size - 1) // 2, size // 2
        widths = [(0, 0), (before, after)] + [(0, 0)] * (x.ndim - 2)
        squares = np.pad(x * x, widths)
        total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
        return (x / (bias + alpha / size * total) ** beta,)


class Pad(OpRun):
    """All opsets: a negative width cuts, before anything is added."""

    op_domain = ""

    def _run(
        self,
        x: Values,
        widths: Values | None = None,
        fill: Values | None = None,
        axes: Values | None = None,
        *,
        mode: str | None = None,
        pads: Sequence[int] = (),
        value: float = 0.0,
    ) -> tuple[Values]:
        # Before opset 11 attributes.
        wanted = [int(i) for i in (pads if widths is None else widths)]
        added = [[0, 0] for _ in x.shape]
        for i, axis in enumerate(range(x.ndim) if axes is None else axes):
            added[int(axis)] = [wanted[i], wanted[i + len(wanted) // 2]]
        x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, added, strict=True))]
        added = [[max(a, 0), max(b, 0)] for a, b in added]
        if mode in {None, "constant"}:
            constant = value if fill is None else fill.item()
            return (np.pad(x, added, constant_values=constant),)
        how: Any = mode
        return (np.pad(x, added, mode=how),)


class GlobalLpPool(OpRun):
    """``(sum over the feature map of |x| ** p) ** (1 / p)``."""

    op_domain = ""

    def _run(self, x: Values, p: int = 2) -> tuple[Values]:
        total = (np.abs(x) ** p).sum(tuple(range(2, x.ndim)), keepdims=True)
        return (total ** (1 / p),)


class MeanVarianceNormalization(OpRun):
    """``(x - mean) / (standard deviation + 1e-9)``."""

    op_domain = ""

    def _run(self, x: Values, axes: Sequence[int] = (0, 2, 3)) -> tuple[Values]:
        along = tuple(axes)
        return ((x - x.mean(along, keepdims=True)) / (x.std(along, keepdims=True) + 1e-9),)


class Scatter(OpRun):
    """Opsets 9 and 10; ScatterElements since."""

    op_domain = ""

    def _run(self, data: Values, indices: Values, updates: Values, axis: int = 0) -> tuple[Values]:
        return (_scatter(data, indices, updates, axis=axis),)


class DequantizeLinear(OpRun):
    """Before opset 19, the same except for the types that it takes."""

    op_domain = ""

    def _run(self, q: Values, scale: Values, zero: Values | None = None, *, axis: int = 1, **_: Any) -> tuple[Values]:
        (result,) = _dequantize(self, q, scale, zero, axis=axis)
        return (result,)


def corrections(opset: int) -> list[type[OpRun]]:
    """What replaces the operators of `onnx.reference` in a file of this opset of the standard domain."""
    found: list[type[OpRun]] = [LRN, Pad, GlobalLpPool, MeanVarianceNormalization, Conv, MaxPool, ConvTranspose]
    if opset < 19:
        found.append(DequantizeLinear)
    if opset < 14:
        found.append(BatchNormalization)
    if opset < 13:
        found += [Softmax, LogSoftmax, Hardmax]
    if opset < 11:
        found += [Resize, Upsample, Scatter]
    return found
