"""Whole numbers of channels as text: a digit of base64 each, with one power of two for all.

    number = (digit - 32) * 2^shift        -31 <= digit - 32 <= 31

A file of some thousand channels stays small so; numbers of more than five bits are rounded to five (`rounded`).
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.errors import QuantizationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

#: In the order of their values, 0 to 63.
DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"

_MIDDLE, _MOST = 32, 31


def rounded(numbers: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """The nearest numbers that can be written."""
    shift = _shift(numbers.tolist())
    multiples = np.rint(numbers / 2**shift).astype(np.int64).clip(-_MOST, _MOST)
    return tuple((multiples << shift).tolist())


def written(numbers: Sequence[int]) -> tuple[str, int]:
    """The digits of some numbers, and their shift.

    Raises:
        QuantizationError: they are not those of `rounded`.
    """
    shift = _shift(numbers)
    if any(number % 2**shift for number in numbers):
        raise QuantizationError("numbers of channels have too many digits to be written")
    return "".join(DIGITS[(number >> shift) + _MIDDLE] for number in numbers), shift


def read(digits: str, shift: int) -> tuple[int, ...]:
    """The numbers that `written` made digits of."""
    return tuple((DIGITS.index(digit) - _MIDDLE) << shift for digit in digits)


def _shift(numbers: Sequence[int]) -> int:
    return max(0, max((abs(number) for number in numbers), default=0).bit_length() - _MOST.bit_length())
