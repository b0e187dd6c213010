"""Kernels held in fewer bits while all is computed in float32: modes ``float16`` and ``int8-weights``.

    float16        w' = float32(float16(w))
    int8-weights   w'[o] = s[o] * round(w[o] / s[o]),    s[o] = max |w[o]| / 127

A file holds the short numbers and makes float32 of them, so that it computes exactly the network with the kernels w'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import known, roles
from ssc_deploy.quantize import grid, places
from ssc_deploy.quantize.constants import give
from ssc_deploy.quantize.plan import Mode

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir

#: Kernels of fewer numbers stay as they are: what says how they are held would be as large.
LEAST = 256

#: Modes in which all is computed in float32.
COMPACT = frozenset({Mode.FLOAT16, Mode.INT8_WEIGHTS})


def rounded(model: ir.Model, mode: Mode) -> ir.Model:
    """A copy of a canonical graph whose kernels are rounded.

    Args:
        model: canonical form; it is left as it is.
        mode: of `COMPACT`.

    Raises:
        QuantizationError: another mode; a kernel that is not finite, or too large for float16.
    """
    if mode not in COMPACT:
        raise QuantizationError(f"{mode.value} rounds more than kernels; float16 and int8-weights do not")
    copied = model.clone()
    for node in copied.graph:
        if node.op_type in places.WEIGHTED and places.kind(node) is places.Kind.COMPUTES:
            kernel = known.constant(node.inputs[1])
            if kernel.size >= LEAST:
                give(node, 1, _rounded(kernel, places.kernel_axis(node), mode, node))
    return copied


def _rounded(kernel: npt.NDArray[Any], axis: int, mode: Mode, node: ir.Node) -> npt.NDArray[np.float32]:
    if mode is Mode.INT8_WEIGHTS:
        return grid.of_weights(kernel, axis).numbers
    with np.errstate(over="ignore"):
        short = kernel.astype(np.float16)
    if not np.isfinite(short).all():
        raise QuantizationError(f"a weight of {roles.where(node)} is beyond 65504, the largest number of float16")
    return short.astype(np.float32)


def as_float16(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float16] | None:
    """The same numbers as float16; None if they are others there, or too few to be worth it."""
    if kernel.size < LEAST:
        return None
    with np.errstate(over="ignore"):
        short = kernel.astype(np.float16)
    return short if (short.astype(np.float32) == kernel).all() else None


def as_int8(kernel: npt.NDArray[np.float32], axis: int) -> grid.WeightGrid | None:
    """The same numbers as integers with a scale for each output channel; None if they are not on such a grid.

    Args:
        kernel: finite numbers.
        axis: of the output channels.
    """
    if kernel.size < LEAST:
        return None
    found = grid.of_weights(kernel, axis)
    others = tuple(i for i in range(kernel.ndim) if i != axis % kernel.ndim)
    # The quotient of two rounded numbers may miss the scale by its last bit.
    scales = found.scales.copy()
    for other in (np.nextafter(found.scales, np.float32(0)), np.nextafter(found.scales, np.float32(np.inf))):
        near = grid.WeightGrid(found.integers, other, axis)
        fits = (near.numbers == kernel).all(others)
        scales[fits] = other[fits]
    exact = grid.WeightGrid(found.integers, scales, axis)
    return exact if (exact.numbers == kernel).all() else None
