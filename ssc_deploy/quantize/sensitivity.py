"""What each block costs when it alone is quantised, and which blocks have to stay in float32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.ir import roles
from ssc_deploy.quantize import places, planning
from ssc_deploy.quantize.simulation import Simulation, sqnr

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx_ir as ir

    from ssc_deploy.examples import Examples
    from ssc_deploy.quantize.calibration import Progress
    from ssc_deploy.quantize.calibration_data import HeldOut
    from ssc_deploy.quantize.plan import Plan

#: Images on which the blocks are compared.
_IMAGES = 64

#: Images that go through a network between two calls for progress.
_PART = 100


@dataclass(frozen=True)
class BlockSensitivity:
    """One block, all others in float32.

    Attributes:
        block: its path, as `Quantization.exclude` takes it.
        sqnr: of the network's outputs, in dB; infinite where the block changes nothing.
        top1: share of the held-out images that are right, 0..1; None where no classes are known.
    """

    block: str
    sqnr: float
    top1: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON; an infinite SQNR is null."""
        return {"block": self.block, "sqnr": self.sqnr if math.isfinite(self.sqnr) else None, "top1": self.top1}


@dataclass(frozen=True)
class Sensitivity:
    """All blocks with kernels.

    Attributes:
        blocks: in the order of the graph.
        sqnr: of the network with all of them quantised, in dB.
        top1: likewise; None where no classes are known.
        float_top1: of the network in float32; likewise.
        images: on which SQNR was measured.
        labelled: on which top-1 was measured.
    """

    blocks: tuple[BlockSensitivity, ...]
    sqnr: float
    top1: float | None
    float_top1: float | None
    images: int
    labelled: int

    @property
    def worst_first(self) -> tuple[BlockSensitivity, ...]:
        """The blocks by their SQNR."""
        return tuple(sorted(self.blocks, key=lambda one: one.sqnr))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "blocks": [one.to_dict() for one in self.blocks],
            "sqnr": self.sqnr if math.isfinite(self.sqnr) else None,
            "top1": self.top1,
            "float_top1": self.float_top1,
            "images": self.images,
            "labelled": self.labelled,
        }


@dataclass(frozen=True)
class Exclusions:
    """Blocks that stay in float32 so that not too much accuracy is lost.

    Attributes:
        blocks: worst first; empty if none has to.
        top1: with them in float32, 0..1.
        float_top1: of the network in float32.
        met: whether the drop is as small as was asked.
    """

    blocks: tuple[str, ...]
    top1: float
    float_top1: float
    met: bool

    @property
    def drop(self) -> float:
        """Points of top-1, in percent, that are lost."""
        return 100 * (self.float_top1 - self.top1)

    def __str__(self) -> str:
        kept = f"float32 stay {', '.join(self.blocks)}" if self.blocks else "all blocks are quantised"
        return f"{kept}: top-1 {100 * self.top1:.2f} % against {100 * self.float_top1:.2f} % ({-self.drop:+.2f})"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"blocks": list(self.blocks), "top1": self.top1, "float_top1": self.float_top1, "met": self.met}


def blocks(model: ir.Model) -> tuple[str, ...]:
    """Paths of the blocks with integer kernels, in the order of the graph.

    The block of a kernel is the largest module that holds no other kernel, such as a convolution with its activation.
    """
    nodes = [n for n in model.graph if n.op_type in places.WEIGHTED and places.kind(n) is places.Kind.COMPUTES]
    paths = [roles.block(node) for node in nodes if roles.block(node)]
    holding: dict[str, int] = {}
    for path in paths:
        for part in _with_parents(path):
            holding[part] = holding.get(part, 0) + 1
    largest = [next((p for p in reversed(_with_parents(path)) if holding[p] == 1), path) for path in paths]
    return tuple(dict.fromkeys(largest))


def _with_parents(path: str) -> list[str]:
    """The path and those of the modules around it, the innermost first."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def sensitivity(
    model: ir.Model,
    plan: Plan,
    inputs: Examples,
    held_out: HeldOut | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Quantises each block alone.

    Args:
        model: canonical form, in float32.
        plan: of the whole network.
        inputs: images for the SQNR; the first few are taken.
        held_out: images for top-1; None to leave it out.
        progress: is called with the blocks that are done, and how many there are.
    """
    few = inputs[slice(_IMAGES)]
    classes = class_output(model)
    if classes is None:
        held_out = None
    every = blocks(model)
    exact = Simulation(model, rows=few.rows)
    outputs = exact.outputs(few)

    def measured(model: ir.Model, plan: Plan) -> tuple[float, float | None]:
        simulated = Simulation(model, plan, rows=few.rows)
        right = None if held_out is None else top1(simulated, held_out, classes or 0)
        return sqnr(outputs, simulated.outputs(few)), right

    found = []
    for at, block in enumerate(every):
        found.append(BlockSensitivity(block, *measured(*planning.alone(model, plan, block))))
        if progress is not None:
            progress(at + 1, len(every))
    whole, right = measured(*planning.without(model, plan, ()))
    float_right = None if held_out is None else top1(exact, held_out, classes or 0)
    return Sensitivity(tuple(found), whole, right, float_right, len(few), 0 if held_out is None else len(held_out))


def class_output(model: ir.Model) -> int | None:
    """Index of the output [N, classes] that names the classes; None if there is none, or more than one."""
    shapes = [output.shape for output in model.graph.outputs]
    lists = [i for i, shape in enumerate(shapes) if shape is not None and len(shape) == 2]
    return lists[0] if len(lists) == 1 else None


def top1(network: Simulation, images: HeldOut, at: int = 0) -> float:
    """Share of the images whose class has the highest number in output ``at`` [N, classes], 0..1."""
    right = 0
    for start in range(0, len(images), _PART):
        part = slice(start, start + _PART)
        scores = network.outputs(images.inputs(part))[at]
        right += int((scores.argmax(1) == images.labels[part]).sum())
    return right / len(images)


def choose_exclusions(
    model: ir.Model,
    plan: Plan,
    found: Sensitivity,
    *,
    held_out: HeldOut,
    max_drop: float,
    at_least: int = 0,
    say: Callable[[str], None] | None = None,
) -> Exclusions:
    """Leaves out the worst blocks until not too much accuracy is lost.

    The number of blocks grows by 1, 2, 4 ... until it is enough; the least that is enough lies in the last step, and is
    found by halving it.

    Args:
        model: canonical form, in float32.
        plan: of the whole network.
        found: what each block costs alone.
        held_out: images on which the accuracy is measured.
        max_drop: points of top-1, in percent.
        at_least: blocks that are left out at least.
        say: is given a sentence after each trial.
    """
    classes = class_output(model) or 0
    float_top1 = top1(Simulation(model), held_out, classes)
    order = [one.block for one in found.worst_first if math.isfinite(one.sqnr)]

    def tried(count: int) -> Exclusions:
        simulated = Simulation(*planning.without(model, plan, order[:count]))
        right = top1(simulated, held_out, classes)
        result = Exclusions(tuple(order[:count]), right, float_top1, 100 * (float_top1 - right) <= max_drop)
        if say is not None:
            say(str(result))
        return result

    most = max(len(order) - 1, 0)  # at least one block is quantised
    too_few, step = at_least - 1, 1
    result = tried(min(at_least, most))
    while not result.met and len(result.blocks) < most:
        too_few = len(result.blocks)
        result = tried(min(too_few + step, most))
        step *= 2
    while result.met and len(result.blocks) - too_few > 1:
        between = tried((too_few + len(result.blocks)) // 2)
        if between.met:
            result = between
        else:
            too_few = len(between.blocks)
    return result
