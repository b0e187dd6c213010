"""From a canonical graph and images to a plan."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize import calibration_data, grid, places, planning
from ssc_deploy.quantize.plan import Io, Quantization
from ssc_deploy.signature import of_image
from ssc_deploy.verification.integers import Replay
from tests.quantize.plans import Small, canonical_of, noise

IMAGES = noise(40)
SIGNATURE = of_image((1, 3, 6, 5))


@pytest.fixture(scope="module")
def canonical():
    return canonical_of(Small())


def planned(canonical, **options) -> planning.Quantized:
    options = {"calibration": IMAGES, **options}
    data = calibration_data.open_data(IMAGES, SIGNATURE)
    return planning.quantize(canonical.model, data, Quantization(**options))


@pytest.mark.parametrize("method", ["auto", "minmax", "percentile", "entropy", "mse"])
def test_the_plan_is_close_to_the_network(canonical, method: str) -> None:
    quantized = planned(canonical, method=method)
    name = canonical.model.graph.outputs[0].name
    exact, rounded = [], []
    for image in IMAGES[:8]:
        rounded.append(Replay(quantized.model, quantized.plan).values([image[None]])[name])
        exact.append(Replay(canonical.model, planning.Plan({}, frozenset())).values([image[None]])[name])
    error = np.array(rounded) - np.array(exact)
    assert 0 < (error**2).mean() < 0.01 * (np.array(exact) ** 2).mean()


def test_every_value_that_needs_a_grid_has_one_and_kernels_are_on_theirs(canonical) -> None:
    quantized = planned(canonical)
    found = places.places(canonical.model)
    assert set(quantized.plan.grids) == {name for group in found.groups for name in group}
    for group in found.groups:
        assert len({quantized.plan.grids[name] for name in group}) == 1
    assert quantized.report.grids == len(found.groups)
    for node in quantized.model.graph:
        if node.op_type in places.WEIGHTED and places.kind(node) is places.Kind.COMPUTES:
            kernel = g.constant(node.inputs[1])
            axis = places.kernel_axis(node)
            assert np.array_equal(grid.of_weights(kernel, axis).numbers, kernel)


def test_a_range_by_minmax_holds_what_was_seen(canonical) -> None:
    plan = planned(canonical, method="minmax").plan
    one = plan.grids["input"]
    assert abs(one.low - IMAGES.min()) <= one.scale
    assert abs(one.high - IMAGES.max()) <= one.scale


def test_the_network_itself_is_left_as_it_is(canonical) -> None:
    before = {name: value.const_value.numpy().copy() for name, value in canonical.model.graph.initializers.items()}
    planned(canonical)
    for name, value in canonical.model.graph.initializers.items():
        assert np.array_equal(value.const_value.numpy(), before[name])


def test_planning_twice_gives_the_same(canonical) -> None:
    one, other = planned(canonical), planned(canonical)
    assert one.plan == other.plan
    assert one.report == other.report
    for name, value in one.model.graph.initializers.items():
        assert np.array_equal(value.const_value.numpy(), other.model.graph.initializers[name].const_value.numpy())


def test_options_reach_the_plan(canonical) -> None:
    quantized = planned(canonical, io="int8", safe_for="avx2", exclude=("second",))
    assert (quantized.plan.io, quantized.plan.weight_bits) == (Io.INT8, 7)
    assert quantized.report.excluded == ("second",)
    assert not any(name.startswith("second") for name in quantized.plan.kernels)
    with pytest.raises(QuantizationError, match="no block 'third'"):
        planned(canonical, exclude=("third",))


def test_the_report_says_what_was_done(canonical) -> None:
    report = planned(canonical, method="minmax").report
    assert str(report).startswith("int8 · minmax on 40 images · ")
    assert report.to_dict()["grids"] == report.grids
    assert report.to_dict()["kernels"] == 4


@pytest.mark.parametrize(("mode", "reason"), [("int16x8", "XNNPACK"), ("int8-dynamic", "3 times")])
def test_a_mode_without_fast_kernels_is_refused_with_the_reason(mode: str, reason: str) -> None:
    with pytest.raises(QuantizationError, match=reason):
        Quantization(mode, calibration=IMAGES)
