"""What a change costs in accuracy, on the same images."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_deploy.verification import accuracy


def test_images_are_counted_in_pairs() -> None:
    classes = np.array([0, 1, 1, 0, 1])
    before = np.eye(2)[[0, 1, 0, 0, 1]]  # wrong on the third
    after = np.eye(2)[[0, 0, 1, 1, 1]]  # wrong on the second and the fourth
    found = accuracy.compared(before, after, classes)
    assert (found.before, found.after, found.lost, found.won) == (4, 3, 2, 1)
    assert found.drop == pytest.approx(20.0)


def test_the_interval_is_that_of_a_paired_difference() -> None:
    found = accuracy.Accuracy(5000, 4160, 4145, 40, 25)
    differences = np.r_[np.ones(40), -np.ones(25), np.zeros(4935)]
    assert found.interval == pytest.approx(100 * 1.959964 * differences.std() / np.sqrt(5000))


@pytest.mark.parametrize(("lost", "won", "chance"), [(0, 0, 1.0), (5, 0, 0.0625), (10, 2, 0.0386), (30, 30, 1.0)])
def test_the_chance_is_that_of_the_exact_test(lost: int, won: int, chance: float) -> None:
    # Values of a table of the binomial distribution.
    assert accuracy.Accuracy(1000, 500, 500 + won - lost, lost, won).chance == pytest.approx(chance, abs=1e-4)
