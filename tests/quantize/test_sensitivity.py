"""What each block costs, and which blocks stay in float32."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from ssc_deploy.errors import QuantizationError
from ssc_deploy.examples import Examples
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize import calibration_data, planning, sensitivity
from ssc_deploy.quantize.plan import Quantization
from ssc_deploy.quantize.simulation import Simulation, sqnr
from ssc_deploy.verification.integers import Replay
from tests.quantize.plans import Small, canonical_of, noise

IMAGES = noise(400)
INPUTS = Examples.of(IMAGES)


@pytest.fixture(scope="module")
def canonical():
    """A network of which one block has a kernel that 8 bits cannot hold."""
    found = canonical_of(Small())
    node = next(node for node in found.model.graph if node.outputs[0].name.startswith("first") and len(node.inputs) > 1)
    kernel = g.constant(node.inputs[1]).copy()
    kernel[:, 0] *= 2000  # of an input that is nearly zero
    node.inputs[1].const_value = ir.tensor(kernel, name=node.inputs[1].name)
    stem = next(node for node in found.model.graph if node.outputs[0].name.startswith("stem"))
    for index in (1, 2):
        small = g.constant(stem.inputs[index]).copy()
        small[::4] /= 2000  # the channels that `first` multiplies
        stem.inputs[index].const_value = ir.tensor(small, name=stem.inputs[index].name)
    # Each class has the highest output on some images.
    bias = found.model.graph.outputs[0].producer().inputs[2]
    mean = Simulation(found.model).outputs(INPUTS)[0].mean(0)
    bias.const_value = ir.tensor(g.constant(bias) - mean, name=bias.name)
    return found


@pytest.fixture(scope="module")
def planned(canonical) -> tuple[planning.Quantized, calibration_data.HeldOut]:
    exact = Simulation(canonical.model).outputs(INPUTS)[0].argmax(1)
    data = calibration_data.CalibrationData(
        INPUTS[:40], calibration_data.HeldOut(exact[40:], [""] * 360, lambda part: INPUTS[slice(40, None)][part])
    )
    quantized = planning.quantize(canonical.model, data, Quantization(calibration=IMAGES))
    return quantized, data.held_out


@pytest.mark.slow
def test_a_simulation_is_the_plan(canonical, planned) -> None:
    quantized, _ = planned
    replay = Replay(quantized.model, quantized.plan)
    simulated = Simulation(quantized.model, quantized.plan).outputs(INPUTS[:40])[0]
    exact = np.concatenate([replay.values([image[None]])["output"] for image in IMAGES[:40]])
    # float32 may turn a tie the other way, which moves an output by a step or two.
    differing = np.abs(simulated - exact) > 1e-4
    assert differing.mean() < 0.05
    assert np.abs(simulated - exact).max() <= 3 * quantized.plan.grids["output"].scale


def test_blocks_are_the_largest_modules_of_one_kernel(canonical) -> None:
    assert sensitivity.blocks(canonical.model) == ("stem", "first", "second", "head")


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU()))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 2 * 2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.features(x))
        return y


def test_blocks_of_nested_modules() -> None:
    assert sensitivity.blocks(canonical_of(Nested(), (1, 3, 4, 4)).model) == ("features.0", "features.2", "head")


def test_the_block_that_8_bits_cannot_hold_is_the_worst(canonical, planned) -> None:
    quantized, held_out = planned
    found = sensitivity.sensitivity(canonical.model, quantized.plan, INPUTS, held_out)
    assert [one.block for one in found.blocks] == ["stem", "first", "second", "head"]
    assert found.worst_first[0].block == "first"
    assert found.sqnr < found.worst_first[1].sqnr - 3
    assert found.float_top1 == 1.0
    assert found.to_dict()["labelled"] == 360


def test_blocks_are_left_out_until_the_drop_is_small(canonical, planned) -> None:
    quantized, held_out = planned
    found = sensitivity.sensitivity(canonical.model, quantized.plan, INPUTS)
    assert found.top1 is None
    said: list[str] = []
    all_drop = sensitivity.choose_exclusions(
        canonical.model, quantized.plan, found, held_out=held_out, max_drop=100, say=said.append
    )
    assert all_drop.blocks == ()
    assert all_drop.met
    assert all_drop.drop > 0
    chosen = sensitivity.choose_exclusions(
        canonical.model, quantized.plan, found, held_out=held_out, max_drop=all_drop.drop / 2
    )
    assert chosen.met
    assert chosen.drop <= all_drop.drop / 2
    assert chosen.blocks == tuple(one.block for one in found.worst_first)[: len(chosen.blocks)]
    assert chosen.blocks
    assert "first" in str(chosen)


def test_a_drop_that_no_exclusion_reaches_is_said(canonical, planned) -> None:
    quantized, held_out = planned
    found = sensitivity.sensitivity(canonical.model, quantized.plan, INPUTS)
    chosen = sensitivity.choose_exclusions(canonical.model, quantized.plan, found, held_out=held_out, max_drop=-1.0)
    assert not chosen.met


def test_what_is_left_out_is_as_if_planned_without_it(canonical, planned) -> None:
    quantized, _ = planned
    _, plan = planning.without(canonical.model, quantized.plan, ["first"])
    assert not any(name.startswith("first") for name in plan.kernels)
    assert all(plan.grids[name] == quantized.plan.grids[name] for name in plan.grids)
    with pytest.raises(QuantizationError, match="no block"):
        planning.without(canonical.model, quantized.plan, ["none"])


def test_sqnr() -> None:
    exact = np.array([[3.0, 4.0]], np.float32)
    assert sqnr([exact], [exact + np.float32([[0.3, 0.4]])]) == pytest.approx(20)
    assert math.isinf(sqnr([exact], [exact]))
