"""Operators that onnx's reference implementation computes otherwise than the standard says.

It knows one meaning of some that have had several:

- BatchNormalization before opset 14 normalises with the statistics that are stored when it has one output. The
  implementation mixes those of the batch in wherever ``momentum`` is written down.
- Softmax, LogSoftmax and Hardmax before opset 13 see a matrix, all axes from ``axis`` on as its columns:
  ``softmax(x.reshape(prod(shape[:axis]), -1))``. The implementation takes ``axis`` alone.
- Upsample, and Resize of opset 10, take (x, scales) and mean asymmetric coordinates, and floor for the nearest.
- LRN in every opset sums the squares of the channels around each channel; the implementation does so for as many
  channels as there are pictures.

ONNX Runtime, which computes the same file in float32, is the witness: where the two differ by more than rounding,
nothing passes (`tolerance.CAP`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun
from onnx.reference.ops import op_resize

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx

Values = npt.NDArray[Any]

_resize: Any = op_resize.Resize._run


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
    # The evaluator hands over the default of the newest opset, -1; in these it was 1.
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


def corrections(opset: int) -> list[type[OpRun]]:
    """What replaces the operators of `onnx.reference` in a file of this opset of the standard domain."""
    found: list[type[OpRun]] = [LRN]
    if opset < 14:
        found.append(BatchNormalization)
    if opset < 13:
        found += [Softmax, LogSoftmax, Hardmax]
    if opset < 11:
        found += [Resize, Upsample]
    return found
