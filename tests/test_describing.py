"""What a stage is said to have done, in a line."""

from __future__ import annotations

import pytest

from ssc_deploy.exporting import describing
from ssc_deploy.exporting.stages import Built


@pytest.mark.parametrize(
    ("built", "line"),
    [
        (Built(b"", 76), "76 operators"),
        (Built(b"", 1, delegates=0, outside=("GATHER",)), "1 operator in no delegate"),
        (Built(b"", 43, delegates=1), "43 operators in 1 delegate"),
        (Built(b"", 9, delegates=1, outside=("SIGN",)), "9 operators in 1 delegate, outside of it SIGN"),
        (
            Built(b"", 9, delegates=3, outside=("GATHER", "SIGN", "GATHER")),
            "9 operators in 3 delegates, outside of them 2 GATHER, SIGN",
        ),
    ],
)
def test_the_operators_of_a_file_are_told_with_those_outside_of_the_delegates(built: Built, line: str) -> None:
    assert describing.operators(built) == line
