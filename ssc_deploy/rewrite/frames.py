"""A shift between the frames of a clip becomes a few slices, zeros and one join.

    v[t, c, y, x] = s[t + dt[c], c, y, x]        (zero, or another frame, where there is none)

Frames lie in the first axis: [T, C, H, W], or [N, T, C, H, W] for N clips, which are N * T frames. With the channels
first and the pixels in one axis, [C, T, H * W], this is a shift of rows, whose plan (`rearrangement_plan`) is cut into
windows of rows: runs of channels that move alike are sliced, padded along T, and joined along C. Nothing is transposed.

Left alone: what moves pixels within a frame as well, and what has no such plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, rearrangement, roles
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder, take_over
from ssc_deploy.rewrite import pixels, rearrangement_plan, regions
from ssc_deploy.rewrite import rearrangement_steps as steps

if TYPE_CHECKING:
    from collections.abc import Callable

#: Of an axis of a step's image [C, T, H * W], the axis of [T, C, H, W].
_AXES = (1, 0)


class ShiftFrames(ir.passes.InPlacePass):
    """Rewrites shifts between frames; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = regions.search(model.graph, pixels.moves_data, _rewrite, _may_be_shifted)
        # What was replaced still reads its frames, and would pass for another region of them.
        common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified)


def _may_be_shifted(source: ir.Value, value: ir.Value) -> bool:
    before, after = _frames(source), _frames(value)
    if before is None or before[0] == 1:
        return False
    return after is None or np.prod(after) == np.prod(before)


def _rewrite(region: regions.Region, _whole: bool) -> regions.Outcome:
    before = _frames(region.source)
    step = None if before is None or _frames(region.output) != before else _plan(region, before)
    if before is None or step is None:
        return regions.Outcome.SHORTER
    _replace(region, before, step)
    return regions.Outcome.REWRITTEN


def shifts(graph: ir.Graph) -> int:
    """How many shifts between frames a graph has: the steps of each end in one value that something else reads."""
    steps_of = {node for node in graph if roles.role(node) is roles.Role.FRAMES}
    ends = (node for node in steps_of if any(user not in steps_of for user, _ in node.outputs[0].uses()))
    returned = (node for node in steps_of if node.outputs[0].is_graph_output())
    return len({*ends, *returned})


def _frames(value: ir.Value) -> tuple[int, ...] | None:
    """(T, C, H, W) of a tensor that may hold frames."""
    shape = g.shape_of(value)
    if shape is None or value.dtype != ir.DataType.FLOAT or len(shape) not in {4, 5} or 0 in shape:
        return None
    return shape if len(shape) == 4 else (shape[0] * shape[1], *shape[2:])


def _plan(region: regions.Region, shape: tuple[int, ...]) -> steps.Step | None:
    run, whole = regions.load(region.to_proto()), known.shape(region.source)
    read = rearrangement.read(_whole(run, whole), whole)
    if isinstance(read, str):
        return None
    t, c, h, w = shape
    place = np.arange(np.prod(shape)).reshape(t, c, h * w).transpose(1, 0, 2)
    number = np.empty(place.size, np.int64)
    number[place.reshape(-1)] = np.arange(place.size)
    indices = read.indices.reshape(t, c, h * w).transpose(1, 0, 2)
    indices = np.where(indices < 0, -1, number[indices])
    movement = mv.of_numbers((indices + 1).astype(np.int32), (c, t, h * w))
    if isinstance(movement, mv.Movement) and (movement.is_permutation or any(dx for _, dx in movement.offsets)):
        return None
    step = rearrangement_plan.plan(indices, (c, t, h * w), shifts=False)
    return step if step is not None and all(map(_keeps_pixels, steps.all_of(step))) else None


def _whole(run: Callable[[mv.Array], mv.Array], shape: tuple[int, ...]) -> Callable[[mv.Array], mv.Array]:
    return lambda x: run(x.reshape(shape))[None]


def _keeps_pixels(step: steps.Step) -> bool:
    """Whether it is a slice of whole frames, a join or a border of some."""
    match step:
        case steps.Window():
            return step.spans[2] == range(step.of.shape[2])
        case steps.Joined():
            return step.axis in {0, 1}
        case steps.Padded():
            return not any(step.widths[2])
        case _:
            return False


def _replace(region: regions.Region, shape: tuple[int, ...], step: steps.Step) -> None:
    builder, after = Builder(region.nodes[-1]), known.shape(region.output)
    _, _, height, width = shape
    made: dict[steps.Step, ir.Value] = {}
    for one in [steps.Source((shape[1], shape[0], height * width)), *steps.all_of(step)]:
        c, t, _ = one.shape
        given = [made[needed] for needed in steps.inputs(one)]
        made[one] = _build(builder, one, given, (t, c, height, width)) if given else region.source
        if not given and known.shape(region.source) != shape:
            made[one] = builder.op("Reshape", [region.source, builder.integers("frames", *shape)], shape=shape)
    value = made[step]
    if after != shape:
        value = builder.op("Reshape", [value, builder.integers("clips", *after)], shape=after)
    builder.insert()
    take_over(region.output, value)


def _build(builder: Builder, step: steps.Step, given: list[ir.Value], shape: tuple[int, ...]) -> ir.Value:
    attributes: dict[str, object] = {}
    match step:
        case steps.Window():
            cut = [axis for axis in range(2) if step.spans[axis] != range(step.of.shape[axis])]
            spans = [step.spans[axis] for axis in cut]
            ends = [s.stop if s.stop >= 0 else -step.of.shape[axis] - 1 for axis, s in zip(cut, spans, strict=True)]
            bounds = [[s.start for s in spans], ends, [_AXES[axis] for axis in cut], [s.step for s in spans]]
            operator, operands = "Slice", [builder.integers("frames", *bound) for bound in bounds]
        case steps.Padded():
            (left, right), (before, after), _ = step.widths
            operator, operands = "Pad", [builder.integers("frames", before, left, 0, 0, after, right, 0, 0)]
        case steps.Joined():
            operator, operands, attributes = "Concat", [], {"axis": _AXES[step.axis]}
        case _:
            raise AssertionError(step)  # `_keeps_pixels` lets none pass
    return builder.op(operator, [*given, *operands], attributes, shape=shape, role=roles.Role.FRAMES)
