"""Bias correction: the mean error of each kernel's outputs becomes small, and a correction cannot be anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssc_deploy.errors import QuantizationError
from ssc_deploy.examples import Examples
from ssc_deploy.quantize import correction, planning, rounding
from ssc_deploy.quantize.calibration_data import CalibrationData
from ssc_deploy.quantize.plan import Quantization
from ssc_deploy.verification.integers import Replay
from tests.quantize.plans import Small, canonical_of, noise

IMAGES = noise(40)


@pytest.fixture(scope="module")
def canonical():
    return canonical_of(Small())


@pytest.fixture(scope="module")
def plans(canonical):
    """Without corrections and with them."""
    data = CalibrationData(Examples.of(IMAGES))
    return [
        planning.quantize(canonical.model, data, Quantization(calibration=IMAGES, safe_for="avx2", improve=(name,)))
        for name in ("none", "bias-correction")
    ]


def mean_errors(canonical, planned) -> np.ndarray:
    """Of the output in float64 on the calibration images, [classes]."""
    name = canonical.model.graph.outputs[0].name
    exact = Replay(canonical.model, planning.Plan({}, frozenset()))
    rounded = Replay(planned.model, planned.plan)
    return np.mean([rounded.values([x[None]])[name] - exact.values([x[None]])[name] for x in IMAGES], (0, 1))


def test_the_mean_error_of_the_output_becomes_smaller(canonical, plans) -> None:
    plain, corrected = (mean_errors(canonical, one) for one in plans)
    step = plans[1].plan.grids[canonical.model.graph.outputs[0].name].scale
    assert np.abs(plain).max() > 0.2 * step
    # What is left is the rounding of the output itself, over 40 images.
    assert np.abs(corrected).max() < 0.5 * np.abs(plain).max()
    assert plans[0].plan.corrections == {}
    assert plans[1].report.corrected == sum(n != 0 for one in plans[1].plan.corrections.values() for n in one)


def test_a_kernel_without_a_bias_gets_one(canonical, plans) -> None:
    model = canonical.model.clone()
    next(node for node in model.graph if node.outputs[0].name == "second").resize_inputs(2)  # it is zero
    data = CalibrationData(Examples.of(IMAGES))
    options = Quantization(calibration=IMAGES, safe_for="avx2", improve=("bias-correction",))
    planned = planning.quantize(model, data, options)
    assert planned.plan == plans[1].plan
    (second,) = [node for node in planned.model.graph if node.outputs[0].name == "second"]
    assert len(second.inputs) == 3


def test_only_biases_are_changed(canonical, plans) -> None:
    plain, corrected = (dict(one.model.graph.initializers.items()) for one in plans)
    for name, value in plain.items():
        same = np.array_equal(value.const_value.numpy(), corrected[name].const_value.numpy())
        assert same or value.const_value.numpy().ndim == 1


@pytest.mark.parametrize(
    ("change", "reason"), [(lambda one: (10**6, *one[1:]), "larger than"), (lambda one: one[1:], "not one of")]
)
def test_what_is_no_correction_is_refused(canonical, plans, change, reason: str) -> None:
    plan = plans[1].plan
    name = next(iter(plan.corrections))
    wrong = replace(plan, corrections={**plan.corrections, name: change(plan.corrections[name])})
    with pytest.raises(QuantizationError, match=reason):
        rounding.round_kernels(canonical.model.clone(), wrong)


def test_the_same_images_give_the_same_corrections(canonical, plans) -> None:
    plain = plans[0].plan
    assert correction.corrections(canonical.model, plain, Examples.of(IMAGES)) == plans[1].plan.corrections
