"""Histograms, and the grids that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_deploy.quantize import grid, ranges, sharing
from ssc_deploy.quantize.histogram import BINS, Histogram
from ssc_deploy.quantize.places import Places


def histogram(*parts: np.ndarray) -> Histogram:
    found = Histogram()
    for part in parts:
        found.add(part.astype(np.float32))
    return found


def same(one: Histogram, other: Histogram) -> bool:
    return (one.low, one.high, one.width) == (other.low, other.high, other.width) and np.array_equal(
        one.counts, other.counts
    )


NUMBERS = np.random.default_rng(0).normal(size=5000) * np.geomspace(1e-3, 50, 5000)


def test_a_histogram_does_not_depend_on_the_order_of_its_parts() -> None:
    whole = histogram(NUMBERS)
    assert same(histogram(*np.array_split(NUMBERS, 7)), whole)
    assert same(histogram(*np.array_split(NUMBERS[::-1], 3)), whole)
    merged = histogram(NUMBERS[:900])
    merged.merge(histogram(NUMBERS[900:]))
    assert same(merged, whole)
    merged = histogram(NUMBERS[900:])
    merged.merge(histogram(np.zeros(3)))
    merged.merge(histogram(NUMBERS[:900]))
    assert merged.total == 5003
    assert whole.total == 5000


def test_a_histogram_counts_what_lies_between_the_edges_of_its_bins() -> None:
    found, exact = histogram(NUMBERS), NUMBERS.astype(np.float32).astype(np.float64)
    edges = np.arange(-BINS, BINS + 1) * found.width
    assert np.array_equal(found.counts, np.histogram(exact, edges)[0])
    assert BINS / 2 <= np.abs(exact).max() / found.width < BINS


@pytest.mark.parametrize("numbers", [[1.0], [-1.0], [0.0], [3.4e38, -3.4e38], [1e-44], [4.0, -4.0], [1e-44, 3e38]])
def test_a_histogram_of_extreme_numbers_counts_them_all(numbers: list[float]) -> None:
    assert histogram(*(np.array([number]) for number in numbers)).total == len(numbers)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        histogram(np.array([1.0, number]))


@pytest.mark.parametrize("method", ranges.METHODS)
def test_every_method_keeps_numbers_that_are_spread_evenly(method: str) -> None:
    numbers = np.linspace(-1, 3, 200_001)
    found = ranges.METHODS[method](histogram(numbers))
    assert found.low == pytest.approx(-1, abs=0.05)
    assert found.high == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_a_single_number_far_away_does_not_widen_the_range(method: str) -> None:
    numbers = np.append(np.random.default_rng(0).normal(size=200_000), 60.0)
    assert ranges.METHODS[method](histogram(numbers)).high < 20
    assert ranges.METHODS["minmax"](histogram(numbers)).high == pytest.approx(60, rel=0.01)


def test_the_grid_by_squared_error_is_the_best_of_all_shorter_ranges() -> None:
    numbers = np.random.default_rng(0).laplace(size=200_000).astype(np.float32).astype(np.float64)

    def error(one: grid.Grid) -> float:
        return float(((one.numbers(one.integers(numbers)) - numbers) ** 2).mean())

    chosen = error(ranges.METHODS["mse"](histogram(numbers)))
    bounds = np.abs(numbers).max() * np.linspace(0.2, 1, 41)
    others = [error(grid.of_range(max(numbers.min(), -bound), min(numbers.max(), bound))) for bound in bounds]
    assert chosen <= min(others) * 1.01
    assert min(others) < others[-1] * 0.9


@pytest.mark.parametrize("method", ranges.METHODS)
def test_the_end_of_a_relu_stays_at_zero(method: str) -> None:
    found = ranges.METHODS[method](histogram(np.maximum(np.random.default_rng(0).normal(size=100_000), 0)))
    assert found.low == 0.0


@pytest.mark.parametrize("method", ranges.METHODS)
def test_zeros_alone_have_some_grid(method: str) -> None:
    assert ranges.METHODS[method](histogram(np.zeros(10))).numbers(np.array([-128])) == 0.0


def joined(scales: tuple[float, ...], fixed: dict[int, grid.Grid] | None = None) -> dict[str, grid.Grid]:
    names = tuple((name,) for name in ("out", "a", "b")[: len(scales)])
    found = Places(names, fixed or {}, ((0, tuple(range(1, len(scales)))),), ())
    return sharing.grids(found, [histogram(np.linspace(0, scale, 100)) for scale in scales], ranges.METHODS["minmax"])


def test_what_is_concatenated_shares_a_grid_where_the_ranges_agree() -> None:
    grids = joined((4.0, 4.0, 2.5))
    assert grids["out"] == grids["a"] == grids["b"]
    grids = joined((4.0, 4.0, 1.0))
    assert grids["out"] == grids["a"] != grids["b"]


def test_a_grid_that_follows_from_the_operator_is_kept() -> None:
    grids = joined((1.0, 1.0), {1: grid.UNIT})
    assert grids["a"] == grid.UNIT != grids["out"]
    grids = joined((1.0, 1.0, 1.0), {0: grid.UNIT, 1: grid.UNIT})
    assert grids["out"] == grids["a"] == grid.UNIT != grids["b"]


def test_a_chain_of_concatenations_makes_no_grid_too_coarse() -> None:
    found = Places((("a",), ("b",), ("c",)), {}, ((1, (0,)), (2, (1,))), ())
    seen = [histogram(np.linspace(0, end, 100)) for end in (1.0, 1.9, 3.6)]
    grids = sharing.grids(found, seen, ranges.METHODS["minmax"])
    assert grids["a"] == grids["b"] != grids["c"]
