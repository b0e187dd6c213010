"""Grids of 8-bit integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_deploy.errors import QuantizationError
from ssc_deploy.quantize import grid

BOUNDS = st.floats(-1e6, 1e6, width=32)


@given(BOUNDS, BOUNDS)
def test_a_grid_holds_its_range_and_zero_exactly(one: float, other: float) -> None:
    found = grid.of_range(min(one, other), max(one, other))
    assert found.numbers(found.integers(np.zeros(1)))[0] == 0.0
    for bound in (one, other):
        assert abs(found.numbers(found.integers(np.array([bound])))[0] - bound) <= 0.5001 * found.scale


def test_rounding_is_half_to_even_and_ends_at_the_ends() -> None:
    found = grid.Grid(0.5, 3)
    np.testing.assert_array_equal(found.integers(np.array([0.25, 0.75, -0.25, 1e9, -1e9])), [3, 5, 3, 127, -128])


@given(st.integers(-128, 127))
def test_numbers_of_a_grid_are_found_again(integer: int) -> None:
    found = grid.of_range(-0.3, 1.7)
    assert found.integers(found.numbers(np.array([integer])))[0] == integer


def test_a_range_of_zeros_alone_has_a_grid() -> None:
    assert grid.of_range(0.0, 0.0).integers(np.zeros(1))[0] == grid.of_range(0.0, 0.0).zero_point


@pytest.mark.parametrize("bounds", [(math.nan, 1.0), (0.0, math.inf)])
def test_bounds_that_are_not_finite_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(QuantizationError, match="not finite"):
        grid.of_range(*bounds)


@pytest.mark.parametrize("bits", [8, 7])
def test_kernels_on_their_grid_are_found_on_it_again(bits: int) -> None:
    kernel = np.random.default_rng(0).normal(size=(7, 5, 3, 3)).astype(np.float32)
    kernel[2] = 0
    once = grid.of_weights(kernel, bits=bits)
    again = grid.of_weights(once.numbers, bits=bits)
    np.testing.assert_array_equal(again.integers, once.integers)
    np.testing.assert_allclose(again.scales, once.scales, rtol=1e-6)
    assert np.abs(once.integers).max() == 2 ** (bits - 1) - 1
    assert np.abs(once.numbers - kernel).max() <= 0.5001 * once.scales.max()


def test_a_one_hot_kernel_stays_as_it_is() -> None:
    kernel = np.eye(9, dtype=np.float32).reshape(9, 1, 3, 3)
    found = grid.of_weights(kernel)
    np.testing.assert_array_equal(found.integers, kernel)
    np.testing.assert_array_equal(found.scales, np.ones(9))


def test_a_bias_that_leaves_32_bits_is_refused() -> None:
    with pytest.raises(QuantizationError, match="exclude"):
        grid.bias_integers(np.array([1.0]), np.array([1e-10]))


@pytest.mark.parametrize("small", [0.0, 1e-30, 1e-12, 1e-6])
def test_a_channel_that_is_all_but_zero_keeps_its_bias(small: float) -> None:
    kernel = np.random.default_rng(0).normal(size=(4, 9))
    kernel[2] *= small
    found = grid.of_weights(kernel)
    steps = 0.02 * found.scales.astype(np.float64)
    bias = np.full(4, 0.731)
    integers = grid.bias_integers(bias, steps)
    assert np.abs(integers * steps - bias).max() < 1e-3
    assert np.abs(found.numbers[2] - kernel[2]).max() <= found.scales.max() * 2.0**-11
    again = grid.of_weights(found.numbers)
    assert np.array_equal(again.integers, found.integers)
    assert np.allclose(again.numbers, found.numbers, rtol=3e-7, atol=0)
