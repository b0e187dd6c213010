"""What a device is held to: in the layout of the file, and by this host's own values where no golden set is there."""

from __future__ import annotations

import numpy as np

from ssc_deploy.golden import GoldenOutput
from ssc_deploy.profiling import goldens
from ssc_deploy.verification.ranges import AxisBound
from ssc_deploy.verification.tolerance import Tolerance, error_of

AXES = (AxisBound(1, (1.0, 2.0)), AxisBound(2, (1.0, 2.0, 3.0)), AxisBound(3, (1.0, 2.0, 3.0, 4.0)))


def test_bounds_follow_the_layout_of_the_file():
    found = GoldenOutput(np.zeros((1, 2, 3, 4)), Tolerance(4.0, 1.0, AXES))
    assert goldens._in_layout(found, "NCHW") == Tolerance(4.0, 1.0, AXES)
    sizes = [(bound.axis, len(bound.max)) for bound in goldens._in_layout(found, "NHWC").axes]
    assert sizes == [(1, 3), (2, 4), (3, 2)]


def test_a_probability_beside_pixels_is_held_to_its_own_range_without_a_golden_set_as_well():
    values = np.random.default_rng(0).uniform(0.2, 1, (4, 12, 50)).astype(np.float32)
    values[:, :4] *= 640
    values[:, 4:] *= 1e-2
    bound = goldens.host_tolerance(values, values * np.float32(1 + 2e-7))
    assert bound.allows(error_of(values * np.float32(1 + 1e-6), values.astype(np.float64)))
    wrong = values.copy()
    wrong[:, 7] *= 1.01
    assert not bound.allows(error_of(wrong, values.astype(np.float64)))


def test_a_channel_that_rounding_moves_may_differ_by_as_much_on_a_device():
    values = np.random.default_rng(0).uniform(0.2, 1, (4, 12, 50)).astype(np.float32)
    values[:, 7] *= 1e-5
    moved, device = values.copy(), values.copy()
    moved[:, 7] += 2e-8
    device[:, 7] += 5e-6
    assert goldens.host_tolerance(values, moved).allows(error_of(device, values.astype(np.float64)))
    assert not goldens.host_tolerance(values, values).allows(error_of(device, values.astype(np.float64)))


def test_perturbed_inputs_are_the_next_ones_that_their_type_can_hold():
    x = np.array([1.0, -2.0, 0.0, 3e38], np.float32)
    moved = goldens.perturbed(x)
    assert moved.dtype == np.float32
    assert (moved != x).all()
    np.testing.assert_allclose(moved, x, rtol=2e-7, atol=1e-44)
    whole = np.array([1, 2])
    assert goldens.perturbed(whole) is whole
