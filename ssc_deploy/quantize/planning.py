"""`quantize`: from a canonical graph and images to a plan, and the graph that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import known
from ssc_deploy.quantize import calibration, correction, equalisation, places, ranges, rounding, sharing
from ssc_deploy.quantize.plan import Improvement, Io, Plan

if TYPE_CHECKING:
    from collections.abc import Collection

    import onnx_ir as ir

    from ssc_deploy.quantize.calibration import Progress
    from ssc_deploy.quantize.calibration_data import CalibrationData
    from ssc_deploy.quantize.plan import Quantization

#: What ``auto`` is: the method after which the outputs of the trained networks have the least noise, measured on 4,000
#: training images that no range follows from (`benchmarks.quantization_choices`). On none of them does another method
#: have less beyond chance; what top-1 loses differs by less than chance between the four.
DEFAULT_METHOD = "mse"


@dataclass(frozen=True)
class QuantizeReport:
    """How a plan was made.

    Attributes:
        method: by which ranges follow from what was seen.
        images: that were looked at.
        grids: how many different values hold integers; those that share a grid count as one.
        kernels: nodes whose kernels are integers.
        in_float: nodes that stay in float32 because no integers are known for them, in words.
        excluded: blocks that stay in float32 because the user wants it.
        equalised: channels that were multiplied by a factor.
        corrected: biases that were corrected.
        notes: sentences for the user.
    """

    method: str
    images: int
    grids: int
    kernels: int
    in_float: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    equalised: int = 0
    corrected: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [
            "int8",
            f"{self.method} on {self.images} images",
            f"{self.grids} grids",
            "movements share their scales",
        ]
        if self.equalised:
            said.append(f"{self.equalised} channels equalised")
        if self.corrected:
            said.append(f"{self.corrected} biases corrected")
        if self.excluded:
            said.append(f"float32 stay {', '.join(self.excluded)}")
        if self.in_float:
            said.append(f"{len(self.in_float)} operators stay in float32")
        return " · ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "method": self.method,
            "images": self.images,
            "grids": self.grids,
            "kernels": self.kernels,
            "in_float": list(self.in_float),
            "excluded": list(self.excluded),
            "equalised": self.equalised,
            "corrected": self.corrected,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Quantized:
    """A network with its plan.

    Attributes:
        model: a copy of the canonical graph, whose kernels are on their grids.
        plan: of it.
        report: how it was made.
        exact: the same graph before any number was rounded; its values have the same names and meaning.
    """

    model: ir.Model
    plan: Plan
    report: QuantizeReport
    exact: ir.Model


def quantize(
    model: ir.Model, data: CalibrationData, options: Quantization, progress: Progress | None = None
) -> Quantized:
    """Plans an int8 export.

    Args:
        model: canonical form; it is left as it is.
        data: see `calibration_data.open_data`.
        options: of the user.
        progress: is called with the images that are done, and how many there are.

    Raises:
        QuantizationError: there is no such block, no part of the network can be in integers, or a value has no range.
    """
    found = places.places(model, options.exclude)
    if not found.groups:
        raise QuantizationError("no part of the network can be computed in integers; export it without `quantize`")
    wanted = options.improvements
    factors = equalisation.factors(model) if Improvement.EQUALIZATION in wanted else {}
    exact = model.clone()
    equalisation.apply(exact, factors)
    method = DEFAULT_METHOD if options.method == "auto" else options.method
    seen = calibration.histograms(exact, found.groups, data.inputs, progress)
    grids = sharing.grids(found, seen, ranges.METHODS[method])
    kernels = places.kernels(exact, options.exclude)
    plan = Plan(grids, kernels, options.weight_bits, Io(options.io), tuple(options.exclude), factors)
    if Improvement.BIAS_CORRECTION in wanted:
        plan = replace(plan, corrections=correction.corrections(exact, plan, data.inputs))
    copied = exact.clone()
    rounding.round_kernels(copied, plan)
    report = QuantizeReport(
        method,
        len(data.inputs),
        len({id(one) for one in grids.values()}),
        len(plan.kernels),
        found.in_float,
        tuple(options.exclude),
        sum(exponent != 0 for one in plan.factors.values() for exponent in one),
        sum(steps != 0 for one in plan.corrections.values() for steps in one),
        data.notes,
    )
    return Quantized(copied, plan, report, exact)


def without(model: ir.Model, plan: Plan, exclude: Collection[str]) -> tuple[ir.Model, Plan]:
    """The network with a plan of which some blocks are left out; the other grids stay as they are.

    Args:
        model: canonical form, in float32, with the plan's factors.
        plan: of all of it.
        exclude: blocks that stay in float32.

    Returns:
        a copy of the graph whose kernels are on their grids, and its plan.

    Raises:
        QuantizationError: there is no such block.
    """
    exclude = tuple(dict.fromkeys((*plan.exclude, *exclude)))
    names = {name for group in places.places(model, exclude).groups for name in group}
    kernels = places.kernels(model, exclude)
    return _part(model, replace(plan, exclude=exclude), names, kernels)


def alone(model: ir.Model, plan: Plan, block: str) -> tuple[ir.Model, Plan]:
    """The network with a plan of one block: its kernels, what it reads and what it writes; all else is float32.

    Args:
        model: canonical form, in float32, with the plan's factors.
        plan: of all of it.
        block: path of the block.

    Returns:
        as `without`.

    Raises:
        QuantizationError: there is no such block.
    """
    places.check_blocks(model, [block])
    nodes = [node for node in model.graph if places.is_in(node, [block])]
    values = [value for node in nodes for value in (*places.numbers_read(node), *node.outputs, places.written(node))]
    written = {known.name(places.written(node)) for node in nodes if node.op_type in places.WEIGHTED}
    return _part(model, plan, {value.name for value in values if value.name}, written)


def _part(model: ir.Model, plan: Plan, names: Collection[str], kernels: Collection[str]) -> tuple[ir.Model, Plan]:
    """The network with some of a plan's grids and kernels."""
    grids = {name: one for name, one in plan.grids.items() if name in names}
    left = replace(plan, grids=grids, kernels=plan.kernels & frozenset(kernels))
    copied = model.clone()
    rounding.round_kernels(copied, left)
    return copied, left
