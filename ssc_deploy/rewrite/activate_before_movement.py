"""Moves an activation after a shift or a shuffle before it, next to the convolution that feeds both.

    act(move(y)) = move(act(y))        for act of each number alone; of a shift that brings in zeros, with act(0) = 0

Runtimes fuse an activation into the convolution before it, which costs nothing, but not into a movement; and the flat
shift of ONNX Runtime has its mask in just such a pair. Not changed: activations with act(0) other than 0 behind a
shift, a movement that something else reads as well, selections of channels, and movements of anything but a
convolution's output that nothing else reads, where nothing would be fused.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder

_ALWAYS = frozenset({"Sigmoid", "HardSigmoid"})
_KEEP_ZERO = frozenset({"Relu", "LeakyRelu", "Tanh", "HardSwish"})


class ActivateBeforeMovement(ir.passes.InPlacePass):
    """Moves activations before movements; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass, once along the graph."""
        modified = False
        # Values that a convolution makes, with movements behind it at most, each of which passes them on alone.
        fed: set[ir.Value] = set()
        for node in list(model.graph):
            if node.op_type == "Conv" and canonical.movement_of(node) is None:
                fed.update(node.outputs)
            elif canonical.movement_of(node) is not None or roles.role(node) is roles.Role.BORDER:
                data = node.inputs[0]
                if data in fed and data is not None and g.used_once(data):
                    fed.update(node.outputs)
            elif node.inputs and node.inputs[0] in fed:
                modified |= _activate(node)
        return ir.passes.PassResult(model, modified)


def _activate(act: ir.Node) -> bool:
    """Moves an activation before the movements that stand right before it, as far as they let it pass."""
    passed: list[ir.Node] = []
    data = act.inputs[0]
    while data is not None and g.used_once(data):
        move = data.producer()
        movement = None if move is None else canonical.movement_of(move)
        if move is None or movement is None or not _passes(act, movement):
            break
        before = canonical.image_of(move)
        if not g.used_once(before) or not g.used_once(known.data(move)) or g.shape_of(before) is None:
            break
        passed += [move] if known.data(move) is before else [move, known.producer(known.data(move))]
        data = before
    if not passed or data is None or act.graph is None:
        return False
    activated, moved, shape = Builder(act), Builder(act), known.shape(data)
    value = activated.again(act, [data, *act.inputs[1:]], shape=shape)
    activated.insert(passed[-1])
    # What the movements give is another value now: no module returns it.
    for move in reversed(passed):
        value = moved.again(move, [value, *move.inputs[1:]], shape=known.shape(move.outputs[0]))
    moved.replace(value, *passed)
    return True


def _passes(act: ir.Node, movement: mv.Movement) -> bool:
    if sorted(movement.source) != list(range(movement.in_channels)):
        return False
    zeros = not movement.is_permutation and movement.edge is mv.Edge.ZERO
    return _keeps_zero(act) or (act.op_type in _ALWAYS and not zeros)


def _keeps_zero(act: ir.Node) -> bool:
    if act.op_type != "Clip":
        return act.op_type in _KEEP_ZERO
    bounds = [g.constant(value) for value in act.inputs[1:]]
    known = all(value is None or array is not None for value, array in zip(act.inputs[1:], bounds, strict=True))
    low, high = [*(b for b in bounds), None, None][:2]
    return known and (low is None or bool(np.all(low <= 0))) and (high is None or bool(np.all(high >= 0)))
