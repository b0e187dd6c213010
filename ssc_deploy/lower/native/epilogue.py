"""What follows a convolution and is done with it: adding another map, and bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.native.planner import Planner


@dataclass(frozen=True)
class Epilogue:
    """What is done to a result before it is stored.

    Attributes:
        value: what is stored.
        addend: what is added; None for nothing.
        low: the lower bound.
        high: the upper bound.
    """

    value: ir.Value
    addend: ir.Value | None = None
    low: float = -math.inf
    high: float = math.inf


def epilogue(planner: Planner, value: ir.Value, *, adds: bool) -> Epilogue:
    """The epilogue of what computes ``value``; the nodes in it are marked as done.

    Args:
        planner: the plan.
        value: the result without it.
        adds: whether another map may be added.
    """
    addend = None
    user = _only_user(value)
    if adds and user is not None and user.op_type == "Add":
        other = user.inputs[1] if user.inputs[0] is value else user.inputs[0]
        if (
            other is not value
            and planner.is_held(other)
            and known.shape(other) == known.shape(value) == known.shape(user.outputs[0])
        ):
            addend, value = other, user.outputs[0]
            planner.fuse(user)
            user = _only_user(value)
    if user is not None and (found := bounds(user)) is not None:
        planner.fuse(user)
        return Epilogue(user.outputs[0], addend, *found)
    return Epilogue(value, addend)


def bounds(node: ir.Node) -> tuple[float, float] | None:
    """What a ReLU or a Clip by constants bounds its input to; None for other nodes."""
    if node.op_type == "Relu":
        return 0.0, math.inf
    if node.op_type != "Clip":
        return None
    if node.attributes.get("min") or node.attributes.get("max"):  # before opset 11
        return node.attributes.get_float("min", -math.inf), node.attributes.get_float("max", math.inf)
    found = []
    for index, without in ((1, -math.inf), (2, math.inf)):
        value = node.inputs[index] if index < len(node.inputs) else None
        array = g.constant(value)
        if value is not None and (array is None or math.isnan(float(array.reshape(-1)[0]))):
            return None
        found.append(without if array is None else float(array.reshape(-1)[0]))
    return found[0], found[1]


def _only_user(value: ir.Value) -> ir.Node | None:
    return next(iter(value.uses())).node if g.used_once(value) else None
