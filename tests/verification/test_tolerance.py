import math

import numpy as np
import pytest

from ssc_deploy.verification.tolerance import CAP, FLOOR, MAX_FACTOR, RMS_FACTOR, error_of, own_error, pooled, within

EXACT = np.random.default_rng(0).standard_normal((64, 10))
NOISE = np.random.default_rng(1).standard_normal((64, 10)) * 1e-4
FLOAT32 = (EXACT + NOISE).astype(np.float32)


def allowed(values, exact=EXACT, float32=FLOAT32):
    tolerance = own_error(float32, exact).tolerance
    return tolerance is not None and tolerance.allows(error_of(values, exact))


def test_float32_itself_passes_and_so_does_what_is_as_good():
    assert allowed(FLOAT32)
    assert allowed(EXACT)
    assert allowed((EXACT + np.roll(NOISE, 3)).astype(np.float32))


def test_one_value_too_far_off_fails_by_the_maximum():
    own = error_of(FLOAT32, EXACT)
    values = EXACT.copy()
    values[3, 4] += MAX_FACTOR * own.max * 0.99
    assert allowed(values)
    values[3, 4] += MAX_FACTOR * own.max * 0.1
    assert not allowed(values)


def test_many_values_a_little_too_far_off_fail_by_the_rms():
    own = error_of(FLOAT32, EXACT)
    off = RMS_FACTOR * own.rms * 1.2
    assert off < MAX_FACTOR * own.max
    assert not allowed(EXACT + off)


def test_a_network_that_float32_computes_exactly_allows_a_few_roundings_of_its_scale():
    exact = np.full((4, 4), 8.0)
    assert allowed(exact * (1 + FLOOR / 2), exact, exact.astype(np.float32))
    assert not allowed(exact * (1 + FLOOR * 2), exact, exact.astype(np.float32))
    zeros = np.zeros((2, 2))
    assert allowed(zeros, zeros, zeros)
    assert not allowed(zeros + 1e-30, zeros, zeros)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_inf_fail_wherever_they_stand(bad):
    spoilt = FLOAT32.copy()
    spoilt[0, 0] = bad
    assert not allowed(spoilt)
    assert not allowed(FLOAT32, float32=spoilt)
    assert not allowed(spoilt, exact=spoilt.astype(np.float64), float32=spoilt)
    assert not within(spoilt, EXACT, 1e9, 1e9)
    assert not within(spoilt, spoilt.astype(np.float64), math.inf, 0)


def test_nothing_at_all_fails():
    nothing = np.zeros((0, 10))
    assert not allowed(nothing, nothing, nothing)
    assert not within(nothing, nothing, 1.0, 1.0)


def test_large_errors_stay_finite():
    error = error_of(np.array([1e300]), np.array([-1e300]))
    assert error.max == error.rms == 2e300


def test_atol_and_rtol_mean_what_numpy_means_by_them():
    values, exact = np.array([1.0, 100.0]), np.array([1.05, 101.0])
    for atol, rtol in [(0.04, 0.0), (0.06, 0.0), (1.1, 0.0), (0.0, 0.02), (0.0, 0.05), (0.05, 0.01)]:
        assert within(values, exact, atol, rtol) == np.isclose(values, exact, atol=atol, rtol=rtol).all()


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_nothing_passes_where_float32_differs_by_more_than_rounding(scale):
    exact = EXACT * scale
    for share, passes in [(0.9 * CAP, True), (1.1 * CAP, False)]:
        float32 = exact.copy()
        float32[0, 0] += share * np.abs(exact).max()
        own = own_error(float32, exact)
        assert allowed(exact, exact, float32) == passes
        assert (own.objection() is None) == passes
    assert "0.011 of the largest value in its output" in own.objection()
    assert "`atol`" in own.objection()


def test_what_no_tolerance_follows_from_is_said_in_words():
    spoilt = EXACT.copy()
    spoilt[0, 0] = math.nan
    assert "NaN or Inf in float64 in its head" in own_error(spoilt, spoilt).objection("head")
    assert "in float32" in own_error(spoilt, EXACT).objection()
    zeros = np.zeros((2, 2))
    assert own_error(zeros, zeros).objection() is None
    assert "more than nothing" in own_error(zeros + 1e-3, zeros).objection()
    assert error_of(spoilt, EXACT).to_dict() == {"max": None, "rms": None}


def test_pooled_errors_are_those_of_all_values_together():
    parts = [slice(0, 5), slice(5, 6), slice(6, 64)]
    errors = [error_of(FLOAT32[part], EXACT[part]) for part in parts]
    together, whole = pooled(errors, [FLOAT32[part].size for part in parts]), error_of(FLOAT32, EXACT)
    assert together.max == whole.max
    assert together.rms == pytest.approx(whole.rms)
    assert pooled([error_of(EXACT, EXACT)] * 2, [1, 1]).rms == 0
    assert pooled([*errors, error_of(np.array([math.inf]), np.array([1.0]))], [50, 10, 580, 1]).rms == math.inf
