"""Data movement, however it is written, becomes a shift and a channel permutation.

A region of steps that only move data, from one picture s [N, C, H, W] to one picture v [N, C', H, W], is run on
numbered pixels and read as

    v[n, c, y, x] = s[n, source[c], y + dy[c], x + dx[c]]        (zero outside)

which is written as a one-hot depthwise ``Conv`` (the shift) and a ``Gather`` on the channels (the shuffle); a selection
of neighbouring channels as a ``Slice``. What cannot be read so is left as it was, with the reason.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy import movement as mv
from ssc_deploy import roles
from ssc_deploy.rewrite import canonical, regions
from ssc_deploy.rewrite import graph as g
from ssc_deploy.rewrite.report import Refusal

#: A refused region is tried again without its last step, at most this often (one try costs about a millisecond).
_TRIES = 64

#: Regions of these alone change how a picture is seen, not where its pixels are: nothing worth a report.
_VIEWS = frozenset(
    ["Cast", "CastLike", "Constant", "Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]
)


class RecogniseMovement(ir.passes.InPlacePass):
    """Rewrites every region that moves data into its canonical form; see the module's docstring."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        # Results of movements that are no part of a larger one: what follows them is looked at on its own.
        self._starts: set[ir.Value] = set()

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass until nothing is left to find: what follows a movement may be the next one."""
        self._starts.clear()
        modified = False
        # A step that several regions share is no part of any of them if it is a movement by itself.
        for shared in (False, True):
            known = -1
            while known < len(self._starts):
                known = len(self._starts)
                modified |= self._once(model.graph, shared=shared)
                # What was replaced still reads its pictures, and would keep the next rule from taking them for read
                # once.
                common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified)

    def _once(self, graph: ir.Graph, *, shared: bool) -> bool:
        self.refusals = []
        found = regions.origins(graph, lambda node: moves_data(node) and self._starts.isdisjoint(node.outputs))
        modified = False
        seen: set[ir.Value] = set()
        for end in list(regions.ends(graph, found)):
            # A region has many beginnings and one reason: why its end, or what stands nearest to it, is no movement.
            waiting, tries, reason = [end], 0, None
            while waiting and tries < _TRIES:
                value = waiting.pop()
                source, producer = found[value], value.producer()
                if source is None or source is value or value in seen or producer is None:
                    continue
                seen.add(value)
                region = regions.region(value, found)
                if regions.is_picture_of(value, source) and (shared or not _shares_steps(region)):
                    tries += 1
                    result = _read(region)
                    if isinstance(result, mv.Movement):
                        moved = _replace(region, result)
                        modified |= moved is not value
                        if value is not end and moved is not source:
                            self._starts.add(moved)
                        continue
                    reason = reason or Refusal(roles.block(producer), "shift or shuffle", region.steps, result)
                elif value is end:
                    reason = _worth_a_word(region)
                waiting.extend(v for v in producer.inputs if v is not None and found.get(v) is source)
            if reason is not None:
                self.refusals.append(reason)
        return modified


def _shares_steps(region: regions.Region) -> bool:
    """Whether steps of the region, besides its last alone, give something to other nodes."""
    inside = set(region.nodes)
    others = (v for node in region.nodes for v in node.outputs if v is not region.output)
    read = any(v.is_graph_output() or any(user not in inside for user, _ in v.uses()) for v in others)
    return read and region.steps > 1


def moves_data(node: ir.Node) -> bool:
    """Whether a node may be a step of a movement, going by its operator and its constants."""
    if node.op_type not in regions.MOVES or roles.role(node) is roles.Role.REARRANGEMENT:
        return False
    constants = [array for value in node.inputs if (array := g.constant(value)) is not None]
    if node.op_type == "Mul":
        return any(np.isin(array, (0, 1)).all() for array in constants)
    if node.op_type == "Conv":
        weight, bias = g.constant(node.inputs[1]), g.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        one_hot = (
            weight is not None and np.isin(weight, (0, 1)).all() and (weight.reshape(len(weight), -1).sum(1) == 1).all()
        )
        return bool(one_hot) and (bias is None or not bias.any())
    return node.op_type != "Cast" or node.attributes["to"].as_int() == ir.DataType.FLOAT


def _read(region: regions.Region) -> mv.Movement | str:
    if len(region.nodes) == 1 and (shift := canonical.shift_of(region.nodes[0])):
        return shift
    shape = g.shape_of(region.source)
    assert shape is not None  # is_picture_of looked
    batch, channels, height, width = shape
    if batch != 1:
        return f"has a batch of {batch}; capture it with a batch of 1"
    return mv.read(regions.load(region.to_proto()), (channels, height, width))


def _worth_a_word(region: regions.Region) -> Refusal | None:
    """A reason for a region that never was a candidate, where a reader would wonder."""
    before, after = g.shape_of(region.source), g.shape_of(region.output)
    if before is None or after is None or len(before) != 4 or len(after) != 4:
        return None
    if all(node.op_type in _VIEWS for node in region.nodes):
        return None
    reason = f"turns a picture of {list(before[1:])} into {list(after[1:])}"
    return Refusal(roles.block(region.nodes[-1]), "shift or shuffle", region.steps, reason)


def _replace(region: regions.Region, movement: mv.Movement) -> ir.Value:
    """Puts the canonical form in the region's place; returns its result, the old one where it stood there already."""
    last, value = region.nodes[-1], region.source
    bijective = sorted(movement.source) == list(range(movement.in_channels))
    channels = mv.permutation(movement.source, movement.in_channels)
    # A shift in front of its permutation keeps the regular order of offsets that lowerings make use of.
    offsets = dict(zip(movement.source, movement.offsets, strict=True))
    shift = mv.shift(tuple(offsets[c] for c in range(movement.in_channels)) if bijective else movement.offsets)
    steps = [shift, channels] if bijective else [channels, shift]
    steps = [step for step in steps if not step.is_identity]
    if len(region.nodes) == 1 == len(steps) and _mark(last, steps[0]):
        return region.output
    for step in steps:
        node = _shift_node(last, value, step) if step.is_shift else _channels_node(last, value, step)
        g.put(last, node)
        value = node.outputs[0]
    g.take_over(region.output, value)
    return value


def _mark(node: ir.Node, step: mv.Movement) -> bool:
    """Gives a node that has the canonical form already its role; False where it has another form."""
    if step.is_shift and canonical.shift_of(node):
        node.resize_inputs(2)  # the exporter gives every Conv a bias, of zeros if need be
        roles.set_role(node, roles.Role.SHIFT)
        return True
    if _neighbours(step.source) and node.op_type == "Slice":
        return True
    indices = g.constant(node.inputs[1]) if node.op_type == "Gather" else None
    if indices is not None and indices.ndim == 1 and g.integer(node, "axis", 0) == 1:
        roles.set_role(node, roles.Role.SHUFFLE)
        return True
    return False


def _shift_node(template: ir.Node, value: ir.Value, step: mv.Movement) -> ir.Node:
    assert template.graph is not None
    weight = g.initializer(template.graph, f"{roles.block(template)}/shift", step.kernel())
    return g.conv(template, value, weight, group=step.out_channels, pads=step.radius, role=roles.Role.SHIFT)


def _channels_node(template: ir.Node, value: ir.Value, step: mv.Movement) -> ir.Node:
    graph, shape = template.graph, g.shape_of(value)
    assert graph is not None
    assert shape is not None
    name, out_shape = f"{roles.block(template)}/channels", (shape[0], step.out_channels, *shape[2:])
    if _neighbours(step.source):
        start, end, axis = step.source[0], step.source[-1] + 1, 1
        inputs = [g.initializer(graph, name, np.array([i], np.int64)) for i in (start, end, axis)]
        return g.node_like(template, "Slice", [value, *inputs], shape=out_shape)
    indices = g.initializer(graph, name, np.array(step.source, np.int64))
    return g.node_like(template, "Gather", [value, indices], {"axis": 1}, shape=out_shape, role=roles.Role.SHUFFLE)


def _neighbours(source: tuple[int, ...]) -> bool:
    return source == tuple(range(source[0], source[0] + len(source)))
