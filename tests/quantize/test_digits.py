"""Whole numbers of channels as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_deploy.errors import QuantizationError
from ssc_deploy.quantize import digits


@given(st.lists(st.integers(-(2**28), 2**28), max_size=20))
def test_what_is_rounded_can_be_written_and_is_near(numbers: list[int]) -> None:
    found = digits.rounded(np.array(numbers, np.int64))
    assert digits.read(*digits.written(found)) == found
    largest = max(map(abs, numbers), default=0)
    assert all(abs(one - other) <= largest / 31 for one, other in zip(numbers, found, strict=True))


def test_small_numbers_stay_as_they_are() -> None:
    assert digits.rounded(np.arange(-31, 32)) == tuple(range(-31, 32))
    assert digits.written((0, 1, -1, 31, -31)) == ("ghf/B", 0)


def test_numbers_of_too_many_digits_are_not_written() -> None:
    with pytest.raises(QuantizationError, match="too many digits"):
        digits.written((1001, 3))
