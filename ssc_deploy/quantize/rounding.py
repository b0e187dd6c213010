"""Puts kernels on their grids, and their biases on whole numbers of steps where a plan corrects them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.quantize import grid, places
from ssc_deploy.quantize.constants import give

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.quantize.plan import Plan

#: How much a correction may change what a kernel writes, in steps of the grid on which that is held. The corrections of
#: the trained networks are below 0.9. Another bias cannot be passed off as a correction.
MOST_STEPS = 2.0


def round_kernels(model: ir.Model, plan: Plan) -> None:
    """Puts the kernels that the plan names on their grids, and corrects their biases, in place.

    Args:
        model: the canonical graph of the plan, with the plan's factors.
        plan: of it.

    Raises:
        QuantizationError: a correction does not fit its node.
    """
    for node in model.graph:
        name = places.written(node).name if node.op_type in places.WEIGHTED else None
        if name in plan.kernels:
            kernel = grid.of_weights(known.constant(node.inputs[1]), places.kernel_axis(node), bits=plan.weight_bits)
            give(node, 1, kernel.numbers)
            if name in plan.corrections:
                _correct(node, plan, kernel.scales)


def steps(node: ir.Node, plan: Plan, scales: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The steps of a bias's integers, by the scales [O] of the kernel."""
    scale = plan.grids[known.name(known.data(node))].scale
    return (scales * np.float32(scale)).astype(np.float64)


def most(node: ir.Node, plan: Plan) -> float:
    """The largest correction of a node's bias, as a real number."""
    return MOST_STEPS * plan.grids[known.name(places.written(node))].scale


def is_correctable(node: ir.Node, plan: Plan) -> bool:
    """Whether the bias of a node is held as integers, or can be: MatMul has none."""
    ends = (known.data(node), places.written(node))
    return node.op_type in {"Conv", "ConvTranspose", "Gemm"} and all(value.name in plan.grids for value in ends)


def _correct(node: ir.Node, plan: Plan, scales: npt.NDArray[np.float32]) -> None:
    """Adds the plan's correction to the bias of a node, which gets one if it has none."""
    added = np.asarray(plan.corrections[known.name(places.written(node))], np.int64)
    if not is_correctable(node, plan) or added.shape != scales.shape:
        raise QuantizationError(f"the correction of {roles.where(node)} is not one of this network")
    of_bias = steps(node, plan, scales)
    if np.abs(added * of_bias).max(initial=0.0) > most(node, plan):
        raise QuantizationError(f"the correction of {roles.where(node)} is larger than what rounding adds")
    has_bias = len(node.inputs) > 2 and node.inputs[2] is not None
    bias = known.constant(node.inputs[2]) if has_bias else np.zeros(scales.shape, np.float32)
    held = grid.bias_integers(np.broadcast_to(bias.reshape(-1), of_bias.shape), of_bias)
    corrected = ((held + added) * of_bias).astype(np.float32)
    if has_bias:
        give(node, 2, corrected)
        return
    node.resize_inputs(3)
    node.replace_input_with(2, g.initializer(known.graph(node), f"{node.outputs[0].name}/bias", corrected))
