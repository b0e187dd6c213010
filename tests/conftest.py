"""What holds for all tests."""

import os

import programs
import pytest

# One thread each: the workers of pytest-xdist take all cores, and two threads that wait for one core spin.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose programs are missing."""
    lacking = programs.lacking(name for mark in item.iter_markers("needs") for name in mark.args)
    if lacking and os.environ.get(programs.REQUIRE):
        pytest.fail(f"{lacking} ({programs.REQUIRE} is set)", pytrace=False)
    if lacking:
        pytest.skip(lacking)
