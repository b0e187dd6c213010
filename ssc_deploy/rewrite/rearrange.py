"""Movements that are neither a shift nor a shuffle become windows, joins and pads, or depth to space.

    v[n, c, y, x] = s[n].flat[indices[c, y, x]]        (0 where the index is -1)

A region of steps that only move data is run on numbers that tell their place; from the indices `rearrangement_plan`
makes the steps. They replace the region where they are fewer, or where the region has an operator that few runtimes
carry out, such as ScatterND. Left alone: regions whose numbers follow no such plan, and those that only cut.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import canonical, known, rearrangement, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder, take_over
from ssc_deploy.rewrite import pixels, rearrangement_plan, regions
from ssc_deploy.rewrite import rearrangement_steps as steps

if TYPE_CHECKING:
    import numpy.typing as npt

#: Operators that runtimes carry out slowly or not at all.
_HARD = frozenset(["Expand", "GatherElements", "GatherND", "Mul", "ScatterElements", "ScatterND", "Tile", "Where"])

_TO_FIRST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


class Rearrange(ir.passes.InPlacePass):
    """Rewrites regions that move data in any other way; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass: on whole regions first, then on what lies between the shifts and shuffles in them."""
        modified = False
        for node in model.graph:
            if roles.role(node) is None and canonical.is_strided_shift(node):
                roles.set_role(node, roles.Role.STRIDED_SHIFT)
                modified = True
        for whole in (True, False):
            modified |= _once(model.graph, whole=whole)
            # What was replaced still reads its image, and would pass for another region of it.
            common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified)


def rearrangements(model: ir.Model) -> dict[ir.Value, tuple[ir.Value, rearrangement.Rearrangement]]:
    """What a graph rearranges: by the last value of each rearrangement, the image it begins with, and what it does."""
    found = regions.origins(model.graph, _is_rearranged)
    read = {}
    for end in regions.ends(model.graph, found):
        region = regions.region(end, found)
        moved = rearrangement.read(regions.load(region.to_proto()), known.shape(region.source)[1:])
        if isinstance(moved, rearrangement.Rearrangement):
            read[end] = (region.source, moved)
    return read


def count(graph: ir.Graph) -> int:
    """How many rearrangements a graph has."""
    return sum(1 for _ in regions.ends(graph, regions.origins(graph, _is_rearranged)))


def _is_rearranged(node: ir.Node) -> bool:
    return roles.role(node) is roles.Role.REARRANGEMENT


@dataclass(frozen=True)
class _Plan:
    """Steps from ``source`` to what they compute, each image as channels first.

    Attributes:
        source: the image that the steps begin with.
        step: the last step.
        from_last: whether the source has its channels last.
        to_last: whether the result is to have them there.
    """

    source: steps.Source
    step: steps.Step
    from_last: bool
    to_last: bool

    @property
    def nodes(self) -> int:
        """How many nodes it becomes."""
        return len(steps.all_of(self.step)) + self.from_last + self.to_last

    @property
    def only_cuts(self) -> bool:
        """Whether nothing is joined, padded or put elsewhere."""
        return all(isinstance(step, steps.Window) for step in steps.all_of(self.step))


def _once(graph: ir.Graph, *, whole: bool) -> bool:
    def is_step(node: ir.Node) -> bool:
        role = roles.role(node)
        return (whole or role is None) and pixels.moves_data(node)

    return regions.search(graph, is_step, _rewrite)


def _rewrite(region: regions.Region, whole: bool) -> regions.Outcome:
    hard = any(_is_hard(node) for node in region.nodes)
    if not hard and not (whole and region.steps > 1):
        return regions.Outcome.SKIPPED
    plan = _plan(region) if _may_be_rearranged(region) else None
    if plan is not None and (hard or (plan.nodes < region.steps and not plan.only_cuts)):
        _replace(region, plan)
        return regions.Outcome.REWRITTEN
    return regions.Outcome.SHORTER if hard else regions.Outcome.LEFT


def _may_be_rearranged(region: regions.Region) -> bool:
    """Whether it leads from one image to one image, float32."""
    before, after = g.shape_of(region.source), g.shape_of(region.output)
    if before is None or after is None or len(before) != 4 or len(after) != 4:
        return False
    images = before[0] == after[0] == 1 and 0 not in before + after
    return images and region.source.dtype == region.output.dtype == ir.DataType.FLOAT


def _is_hard(node: ir.Node) -> bool:
    match node.op_type:
        case "Pad" if roles.role(node) is roles.Role.BORDER:
            return False
        case "Pad":
            widths = g.constant(node.inputs[1]) if len(node.inputs) > 1 else None
            mode = node.attributes.get_string("mode", "constant")
            return mode != "constant" or widths is None or bool((widths < 0).any())
        case "DepthToSpace":
            return node.attributes.get_string("mode", "DCR") != "DCR"
        case "Conv":
            movement, shape = canonical.movement_of(node), g.shape_of(node.outputs[0])
            return movement is not None and shape is not None and _leaves(movement, *shape[2:])
        case _:
            return node.op_type in _HARD


def _leaves(movement: mv.Movement, height: int, width: int) -> bool:
    """Whether the shift moves all of a channel out of the image."""
    return any(abs(dy) >= height or abs(dx) >= width for dy, dx in movement.offsets)


def _plan(region: regions.Region) -> _Plan | None:
    read = rearrangement.read(regions.load(region.to_proto()), known.shape(region.source)[1:])
    if isinstance(read, str):
        return None
    plans = []
    for from_last, to_last in itertools.product((False, True), repeat=2):
        indices, (c, h, w) = _channels_first(read, from_last=from_last, to_last=to_last)
        step = rearrangement_plan.plan(indices, (c, h, w))
        if step is not None:
            plans.append(_Plan(steps.Source((c, h, w)), step, from_last, to_last))
    return min(plans, key=lambda plan: plan.nodes, default=None)


def _channels_first(
    read: rearrangement.Rearrangement, *, from_last: bool, to_last: bool
) -> tuple[npt.NDArray[np.int64], tuple[int, ...]]:
    """Indices and the input's shape with channels first, where the input or the output is said to have them last."""
    indices, shape = read.indices, read.in_shape
    if from_last:
        numbers = np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1)
        place = np.empty(numbers.size, np.int64)
        place[numbers.reshape(-1)] = np.arange(numbers.size)
        indices, shape = np.where(indices < 0, -1, place[indices]), numbers.shape
    return indices.transpose(2, 0, 1) if to_last else indices, shape


def _replace(region: regions.Region, plan: _Plan) -> None:
    builder, value = Builder(region.nodes[-1]), region.source
    if plan.from_last:
        value = builder.transpose(value, *_TO_FIRST)
    made: dict[steps.Step, ir.Value] = {plan.source: value}
    for step in steps.all_of(plan.step):
        made[step] = _build(builder, step, [made[needed] for needed in steps.inputs(step)])
    value = made[plan.step]
    if plan.to_last:
        value = builder.transpose(value, *_TO_LAST)
    builder.insert()
    take_over(region.output, value)


def _build(builder: Builder, step: steps.Step, given: list[ir.Value]) -> ir.Value:
    attributes: dict[str, object] = {}
    role = roles.Role.REARRANGEMENT
    match step:
        case steps.Window():
            cut = [axis for axis in range(3) if step.spans[axis] != range(step.of.shape[axis])]
            spans = [step.spans[axis] for axis in cut]
            # A backward cut that ends before the first line cannot name that place from the front.
            ends = [s.stop if s.stop >= 0 else -step.of.shape[axis] - 1 for axis, s in zip(cut, spans, strict=True)]
            bounds = [[s.start for s in spans], ends, [axis + 1 for axis in cut], [s.step for s in spans]]
            if all(s.step == 1 for s in spans):
                del bounds[3]
            operator, operands = "Slice", [builder.integers("moved", *bound) for bound in bounds]
        case steps.Joined():
            operator, operands, attributes = "Concat", [], {"axis": step.axis + 1}
        case steps.Padded():
            widths = [0, *(before for before, _ in step.widths), 0, *(after for _, after in step.widths)]
            operator, operands = "Pad", [builder.integers("moved", *widths)]
        case steps.Zeroed():
            operator, operands = "Clip", [builder.constant("zero", np.zeros((), np.float32))] * 2
        case steps.Selected():
            role = roles.Role.SHUFFLE if step.axis == 0 else role
            operator, operands = "Gather", [builder.integers("moved", *step.indices)]
            attributes = {"axis": step.axis + 1}
        case steps.ToSpace():
            operator, operands, attributes = "DepthToSpace", [], {"blocksize": step.block, "mode": "DCR"}
        case steps.ToDepth():
            operator, operands, attributes = "SpaceToDepth", [], {"blocksize": step.block}
        case steps.Shifted():
            return builder.shift(given[0], mv.shift(step.offsets))
        case steps.Strided():
            movement = mv.shift(step.offsets)
            kernel, pads = movement.kernel(), movement.radius
            operator, operands, role = "Conv", [builder.constant("shift", kernel)], roles.Role.STRIDED_SHIFT
            attributes = {"group": len(kernel), "kernel_shape": kernel.shape[2:], "pads": (pads,) * 4}
            attributes |= {"strides": step.strides, "dilations": (1, 1)}
        case steps.Source():
            return given[0]
    return builder.op(operator, [*given, *operands], attributes, shape=(1, *step.shape), role=role)
