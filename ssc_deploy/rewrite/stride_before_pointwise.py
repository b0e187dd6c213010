"""A stride stands before the pointwise convolutions that lead to it.

    (V * move(act(W * x)))[:, ::s, ::s]  =  V * move(act(W * x[:, ::s, ::s]))        W, V: 1x1, move: of whole channels

A 1x1 convolution of stride s reads each s-th pixel of each s-th row. What computes the others for it alone, pixel by
pixel, has computed them for nothing: letting it have the stride saves all but one in s * s of its multiplications.

Left alone: what something else reads as well, and kernels and shifts on the way, which read a pixel's neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles

if TYPE_CHECKING:
    from collections.abc import Iterator


class StrideBeforePointwise(ir.passes.InPlacePass):
    """Moves strides up; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass, backwards: a stride goes up through several convolutions."""
        modified = False
        for node in reversed(list(model.graph)):
            modified |= _move_up(node)
        return ir.passes.PassResult(model, modified)


def _move_up(reader: ir.Node) -> bool:
    strides = g.ints(reader, "strides", (1, 1))
    if not _is_pointwise(reader) or strides == (1, 1):
        return False
    between = list(_alone_before(reader))
    if not between or not _is_pointwise(between[-1]):
        return False
    writer, size = between[-1], known.shape(reader.outputs[0])[2:]
    own = g.ints(writer, "strides", (1, 1))
    writer.attributes["strides"] = ir.AttrInt64s("strides", [a * b for a, b in zip(own, strides, strict=True)])
    reader.attributes["strides"] = ir.AttrInt64s("strides", [1, 1])
    for node in between:
        output = node.outputs[0]
        output.shape = ir.Shape((*known.shape(output)[:2], *size))
        roles.forget_outputs_of(output)  # it is a smaller feature map now than the one that the module returns
    return True


def _alone_before(reader: ir.Node) -> Iterator[ir.Node]:
    """What computes the reader's input for it alone, pixel by pixel, up to the first convolution."""
    value = reader.inputs[0]
    while value is not None and g.used_once(value) and g.shape_of(value) is not None:
        node = value.producer()
        if node is None:
            return
        yield node
        moves_channels = roles.role(node) is roles.Role.SHUFFLE
        if node.op_type not in g.ACTIVATIONS and not moves_channels:
            return
        value = node.inputs[0]


def _is_pointwise(node: ir.Node) -> bool:
    weight = g.shape_of(node.inputs[1]) if node.op_type == "Conv" else None
    return (
        weight is not None
        and weight[2:] == (1, 1)
        and g.shape_of(node.outputs[0]) is not None
        and not any(g.ints(node, "pads", (0, 0, 0, 0)))
        and node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET"
    )
