"""Removes channels between two dense convolutions that are always zero, or that nothing reads.

    V * move(act(W x + b))    with    W[m] = 0 and act(b[m]) = 0    (always zero),    or    V[:, m] = 0    (never read)

is the same without row m of W and b, without channel m of what moves, and without column m of V. Pruned networks have
such channels, and so have trained ones whose BN scales became zero. Between the convolutions there may be activations
(Relu, Clip) and shifts, each read by the next one alone. Convolutions may go over any number of axes (Conv1d,
Conv2d, Conv3d).

Not changed: group convolutions, whose groups would have different sizes; values that are read elsewhere; and the last
channel, since a feature map needs one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    import numpy.typing as npt


class DropDeadChannels(ir.passes.InPlacePass):
    """Drops dead channels; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass, backwards: what a dropped channel alone has read is dead as well."""
        modified = False
        for node in reversed(list(model.graph)):
            if node.graph is not None and _is_dense(node):
                modified |= _drop(node)
        return ir.passes.PassResult(model, modified)


def _is_dense(node: ir.Node) -> bool:
    constants = [g.constant(value) for value in node.inputs[1:] if value is not None]
    return (
        node.op_type == "Conv"
        and roles.role(node) is None
        and g.integer(node, "group", 1) == 1
        and all(array is not None for array in constants)
    )


def _drop(reader: ir.Node) -> bool:
    """Drops the channels that die on the way to ``reader``."""
    between: list[ir.Node] = []
    value = reader.inputs[0]
    while value is not None and g.used_once(value):
        producer = value.producer()
        if producer is None:
            return False
        if _is_dense(producer):
            return _drop_between(producer, between[::-1], reader)
        moves = roles.role(producer) in {roles.Role.SHIFT, roles.Role.BORDER}
        if producer.op_type not in {"Relu", "Clip"} and not moves:
            return False
        between.append(producer)
        value = producer.inputs[0]
    return False


def _drop_between(writer: ir.Node, between: list[ir.Node], reader: ir.Node) -> bool:
    weight, columns = known.constant(writer.inputs[1]), known.constant(reader.inputs[1])
    bias = g.constant(writer.inputs[2]) if len(writer.inputs) > 2 else None
    constant = np.zeros(len(weight), weight.dtype) if bias is None else bias
    for node in between:
        activated = _activated(node, constant)
        if activated is None:
            return False
        constant = activated
    silent = ~weight.reshape(len(weight), -1).any(1) & (constant == 0)
    unread = ~columns.any((0, *range(2, columns.ndim)))
    alive = np.flatnonzero(~(silent | unread))
    if len(alive) == len(weight) or not len(alive):
        return False
    _keep(writer, alive, {1: weight[alive]} | ({} if bias is None else {2: bias[alive]}))
    for node in between:
        kernel = g.constant(node.inputs[1]) if roles.role(node) is roles.Role.SHIFT else None
        _keep(node, alive, {} if kernel is None else {1: kernel[alive]})
        if kernel is not None:
            node.attributes["group"] = ir.AttrInt64("group", len(alive))
    reader.replace_input_with(1, Builder(reader).constant("weight", columns[:, alive]))
    return True


def _activated(node: ir.Node, constant: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """What the node makes of a channel that holds one number; None if it does not say."""
    if node.op_type == "Relu":
        return np.asarray(np.maximum(constant, 0))
    if node.op_type == "Clip":
        bounds = [g.constant(value) for value in node.inputs[1:]]
        if any(value is not None and bound is None for value, bound in zip(node.inputs[1:], bounds, strict=True)):
            return None
        low, high = [*bounds, None, None][:2]
        return np.asarray(np.clip(constant, -np.inf if low is None else low, np.inf if high is None else high))
    # A shift leaves zero as it is; of another number it makes a border, which is why only zeros count.
    return constant


def _keep(node: ir.Node, alive: npt.NDArray[np.int64], constants: dict[int, npt.NDArray[Any]]) -> None:
    """Leaves the node these channels and constants; its output holds no module's feature map any more."""
    for index, array in constants.items():
        label = "weight" if index == 1 else "bias"
        node.replace_input_with(index, Builder(node).constant(label, array))
    output = node.outputs[0]
    n, _, *size = known.shape(output)
    output.shape = ir.Shape((n, len(alive), *size))
    roles.forget_outputs_of(output)
