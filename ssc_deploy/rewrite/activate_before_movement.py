"""An activation behind a shift or a shuffle stands before it, next to the convolution that feeds both.

    act(move(y)) = move(act(y))        for act of each number alone; of a shift, which brings in zeros, with act(0) = 0

Runtimes fuse an activation into the convolution before it, which costs nothing, but not into a movement; and the flat
shift of ONNX Runtime has its mask in just such a pair. Left alone: activations with act(0) other than 0 behind a shift,
a movement that something else reads as well, selections of channels, and movements of anything but a convolution's
output that nothing else reads, where nothing would be fused.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ssc_deploy import roles
from ssc_deploy.rewrite import canonical
from ssc_deploy.rewrite import graph as g

_ALWAYS = frozenset({"Sigmoid", "HardSigmoid"})
_KEEP_ZERO = frozenset({"Relu", "LeakyRelu", "Tanh", "HardSwish"})


class ActivateBeforeMovement(ir.passes.InPlacePass):
    """Moves activations before movements; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        # One after another: an activation may have several movements before it.
        modified = False
        while any(_swap(node) for node in list(model.graph)):
            modified = True
        return ir.passes.PassResult(model, modified)


def _swap(act: ir.Node) -> bool:
    moved = act.inputs[0] if act.inputs else None
    move = None if moved is None else moved.producer()
    if moved is None or move is None or act.graph is None or not g.used_once(moved):
        return False
    movement, data = canonical.movement_of(move), move.inputs[0] if move.inputs else None
    shape = g.shape_of(data)
    if movement is None or data is None or shape is None or not g.used_once(data):
        return False
    if not (_keeps_zero(act) or (act.op_type in _ALWAYS and movement.is_permutation)):
        return False
    if sorted(movement.source) != list(range(movement.in_channels)) or not _is_fed_by_a_convolution(data):
        return False
    before = g.node_like(act, act.op_type, [data, *act.inputs[1:]], g.attributes(act), shape=shape)
    after = g.node_like(
        move,
        move.op_type,
        [before.outputs[0], *move.inputs[1:]],
        g.attributes(move),
        shape=shape,
        role=roles.role(move),
    )
    g.put(act, before, after)
    g.take_over(act.outputs[0], after.outputs[0])
    act.graph.remove([act, move], safe=True)
    return True


def _keeps_zero(act: ir.Node) -> bool:
    if act.op_type != "Clip":
        return act.op_type in _KEEP_ZERO
    bounds = [g.constant(value) for value in act.inputs[1:]]
    known = all(value is None or array is not None for value, array in zip(act.inputs[1:], bounds, strict=True))
    low, high = [*(b for b in bounds), None, None][:2]
    return known and (low is None or bool(np.all(low <= 0))) and (high is None or bool(np.all(high >= 0)))


def _is_fed_by_a_convolution(data: ir.Value) -> bool:
    """Whether a convolution, with movements behind it at most, makes the value, and each passes it on alone."""
    producer = data.producer()
    while producer is not None and canonical.movement_of(producer) is not None:
        first = producer.inputs[0]
        if first is None or not g.used_once(first):
            return False
        producer = first.producer()
    return producer is not None and producer.op_type == "Conv"
