"""Slopes of the growth benchmark, and the picture of them."""

import statistics
from dataclasses import asdict

import pytest

from benchmarks import growth, measuring
from benchmarks.measuring import Interval, Ratio
from benchmarks.peers.net import Net


def test_the_exponent_is_that_of_a_power_law():
    assert growth.exponent([32, 64, 128], [3 * v**2 for v in (32, 64, 128)]) == pytest.approx(2)


def test_one_value_has_no_slope():
    with pytest.raises(statistics.StatisticsError):
        growth.exponent([32, 32], [1, 2])


def test_the_slope_is_the_median_over_rounds():
    rounds = [[1, 2], [1, 4], [1, 8]]
    found = growth.slope([1, 2], list(zip(*rounds, strict=True)))
    assert (found.low, found.median, found.high) == pytest.approx((1, 2, 3))


@pytest.mark.parametrize("axis", list(growth.AXES))
def test_an_axis_changes_one_thing(axis):
    nets = {value: Net.parse(name) for value, name in growth.AXES[axis].items()}
    for value, net in nets.items():
        seen = {"width": net.args["G"], "depth": net.args["B"], "size": net.size, "batch": net.batch}
        assert seen == {"width": 9, "depth": 1, "size": 32, "batch": 1} | {axis: value}


def axis(name: str) -> growth.Axis:
    one = Interval(1.0, 0.9, 1.1)
    points = tuple(
        growth.Point(v, "n", 100 * v, Interval(v, v, v), "ours", Interval(2 * v, v, 3 * v), "stock", one, half)
        for v in growth.AXES[name]
        for half in [Ratio(0.5, 0.5, 0.5, 20)]
    )
    return growth.Axis(name, points, Interval(1.23, 1, 2), Interval(1.5, 1, 2), one, 1.0)


def test_results_are_read_as_they_were_written_and_drawn(tmp_path):
    axes = [axis(name) for name in growth.AXES]
    for one in axes:
        path = tmp_path / f"{one.axis}.json"
        measuring.write(path, "growth", {"date": "2026-01-02", **asdict(one)})
        assert growth.read(path) == one
    drawn = growth.draw(axes)
    assert drawn.count("exponents: ours 1.23, stock 1.50, MACs 1.00") == len(axes)
    assert all(growth.TITLES[name] in drawn for name in growth.AXES)
