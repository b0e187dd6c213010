"""Channel permutations are composed, and vanish into a kernel beside them where that costs nothing.

    (x[p])[q]       = x[p[q]]
    W (x[p])        = W' x        with  W'[:, p] += W          (dense kernel behind the permutation: its columns)
    act(W x + b)[p] = act(W[p] x + b[p])                       (dense kernel before it: its rows)

A group convolution absorbs a permutation that stays inside its groups likewise. The activation in between works on each
number alone, so it may stand on either side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from ssc_deploy import roles
from ssc_deploy.rewrite import canonical
from ssc_deploy.rewrite import graph as g

_ACTIVATIONS = frozenset({"Relu", "Clip", "Sigmoid", "HardSwish", "HardSigmoid", "LeakyRelu", "Tanh"})


class ComposePermutations(ir.passes.InPlacePass):
    """Composes and absorbs channel permutations; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass until nothing changes."""
        modified = False
        while any(_simplify(node) for node in list(model.graph) if roles.role(node) is roles.Role.SHUFFLE):
            modified = True
        return ir.passes.PassResult(model, modified)


def _simplify(node: ir.Node) -> bool:
    movement = canonical.movement_of(node)
    if movement is None or node.graph is None:
        return False
    source, channels = movement.source, movement.in_channels
    data, out = node.inputs[0], node.outputs[0]
    assert data is not None  # movement_of looked
    if movement.is_identity:
        g.take_over(out, data)
        node.graph.remove([node], safe=True)
        return True
    before = data.producer()
    if before is not None and roles.role(before) is roles.Role.SHUFFLE:
        return _compose(node, before, source)
    if sorted(source) == list(range(channels)):
        user = _only_user(out)
        act = user if user is not None and user.op_type in _ACTIVATIONS else None
        user = user if act is None else _only_user(act.outputs[0])
        if user is not None and _absorb_into_columns(node, act, user, source):
            return True
    return _absorb_into_rows(node, source)


def _only_user(value: ir.Value) -> ir.Node | None:
    return next(iter(value.uses())).node if g.used_once(value) else None


def _compose(node: ir.Node, before: ir.Node, source: tuple[int, ...]) -> bool:
    first = canonical.movement_of(before)
    graph, shape = node.graph, g.shape_of(node.outputs[0])
    assert first is not None
    assert graph is not None
    assert shape is not None
    composed = np.array([first.source[c] for c in source], np.int64)
    indices = g.initializer(graph, f"{roles.block(node)}/channels", composed)
    joined = g.node_like(node, "Gather", [before.inputs[0], indices], {"axis": 1}, shape=shape, role=roles.Role.SHUFFLE)
    g.put(node, joined)
    g.take_over(node.outputs[0], joined.outputs[0])
    graph.remove([node], safe=True)
    if not before.outputs[0].uses() and not before.outputs[0].is_graph_output():
        graph.remove([before], safe=True)
    return True


def _absorb_into_columns(node: ir.Node, act: ir.Node | None, user: ir.Node, source: tuple[int, ...]) -> bool:
    """Pushes the permutation down through one activation, at the most, into the convolution that reads it."""
    weight = g.constant(user.inputs[1]) if user.op_type == "Conv" else None
    data = node.inputs[0]
    if weight is None or data is None or canonical.shift_of(user):
        return False
    group, size = g.integer(user, "group", 1), weight.shape[1]
    within = _within_blocks(source, size)
    if within is None:
        return False
    columns = np.empty_like(weight)
    for j in range(group):
        rows = slice(j * weight.shape[0] // group, (j + 1) * weight.shape[0] // group)
        # Column i of the old kernel reads channel within[j][i] of the unpermuted block.
        columns[rows, within[j]] = weight[rows]
    graph = node.graph
    assert graph is not None
    if act is not None:
        # What it holds is another order of channels now: a new value, that no module returns.
        shape = g.shape_of(data)
        assert shape is not None
        before = g.node_like(act, act.op_type, [data, *act.inputs[1:]], g.attributes(act), shape=shape)
        g.put(act, before)
        data = before.outputs[0]
    user.replace_input_with(0, data)
    user.replace_input_with(1, g.initializer(graph, f"{roles.block(user)}/weight", columns))
    graph.remove([node] if act is None else [act, node], safe=True)
    return True


def _absorb_into_rows(node: ir.Node, source: tuple[int, ...]) -> bool:
    """Pulls the permutation up through one activation, at the most, into the convolution that feeds it."""
    graph, value = node.graph, node.inputs[0]
    assert graph is not None
    assert value is not None
    act = value.producer()
    if act is None or not g.used_once(value):
        return False
    conv = act
    if act.op_type in _ACTIVATIONS:
        fed = act.inputs[0]
        producer = None if fed is None else fed.producer()
        if fed is None or producer is None or not g.used_once(fed):
            return False
        conv = producer
    weight = g.constant(conv.inputs[1]) if conv.op_type == "Conv" else None
    bias = g.constant(conv.inputs[2]) if len(conv.inputs) > 2 else None
    if weight is None or canonical.shift_of(conv) or (bias is None and len(conv.inputs) > 2 and conv.inputs[2]):
        return False
    group = g.integer(conv, "group", 1)
    if len(source) != weight.shape[0] and group > 1:
        return False
    if group > 1 and _within_blocks(source, weight.shape[0] // group) is None:
        return False
    rows = list(source)
    inputs: list[Any] = [conv.inputs[0], g.initializer(graph, f"{roles.block(conv)}/weight", weight[rows])]
    if bias is not None:
        inputs.append(g.initializer(graph, f"{roles.block(conv)}/bias", bias[rows]))
    shape = g.shape_of(node.outputs[0])
    conv_shape = g.shape_of(conv.outputs[0])
    assert shape is not None
    assert conv_shape is not None
    merged = g.node_like(conv, "Conv", inputs, g.attributes(conv), shape=(conv_shape[0], len(rows), *conv_shape[2:]))
    merged_role = roles.role(conv)
    if merged_role is not None:
        roles.set_role(merged, merged_role)
    g.put(conv, merged)
    result, gone = merged.outputs[0], [node, conv]
    if act is not conv:
        after = g.node_like(act, act.op_type, [result, *act.inputs[1:]], g.attributes(act), shape=shape)
        g.put(act, after)
        result, gone = after.outputs[0], [node, act, conv]
    g.take_over(node.outputs[0], result)
    graph.remove(gone, safe=True)
    return True


def _within_blocks(source: tuple[int, ...], size: int) -> list[list[int]] | None:
    """The permutation inside each block of ``size`` channels; None where a channel leaves its block."""
    if len(source) % size:
        return None
    if any(c // size != s // size for c, s in enumerate(source)):
        return None
    return [[s % size for s in source[b : b + size]] for b in range(0, len(source), size)]
