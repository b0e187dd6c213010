"""Activations that TFLite's operators carry out themselves, and which ONNX nodes are such a one."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

#: Gives the numbers of a constant value, None for a computed or missing one.
Constant = Callable[["ir.Value | None"], npt.NDArray[Any] | None]

_TYPE = schema.ActivationFunctionType


class Activation(enum.IntEnum):
    """``ActivationFunctionType`` of the schema, as far as XNNPACK takes it."""

    NONE = _TYPE.NONE
    RELU = _TYPE.RELU
    RELU_N1_TO_1 = _TYPE.RELU_N1_TO_1
    RELU6 = _TYPE.RELU6


_BY_BOUNDS = {
    (0.0, math.inf): Activation.RELU,
    (-1.0, 1.0): Activation.RELU_N1_TO_1,
    (0.0, 6.0): Activation.RELU6,
}


def activation_of(node: ir.Node, constant: Constant) -> Activation | None:
    """The activation that the node is, None if it is none of them."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "Relu":
        return Activation.RELU
    if node.op_type == "Clip":
        bounds = clip_bounds(node, constant)
        return None if bounds is None else _BY_BOUNDS.get(bounds)
    return None


def clip_bounds(node: ir.Node, constant: Constant) -> tuple[float, float] | None:
    """Lower and upper bound of a Clip (attributes until opset 10, then inputs); None if the graph computes one."""
    bounds = [-math.inf, math.inf]
    for i, name in enumerate(("min", "max")):
        if name in node.attributes:
            bounds[i] = node.attributes[name].as_float()
        elif len(node.inputs) > i + 1 and node.inputs[i + 1] is not None:
            array = constant(node.inputs[i + 1])
            if array is None:
                return None
            bounds[i] = float(array.item())
    return bounds[0], bounds[1]
