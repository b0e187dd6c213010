"""Runs the tests of devices as on a machine that has none of their programs: ``uv run python -m tests.bare``.

Each test that is marked ``needs(...)`` has to be skipped, and all others have to pass.
"""

from __future__ import annotations

import os
import sys
import tempfile

import click
import pytest

from tests import programs

#: Where these tests are.
PLACES = ("tests/profiling/targets", "tests/android", "tests/emit/tflite/test_tflite_runtime.py")

#: Also the slow ones and those of the app, which pytest leaves out by default.
ALL = "slow or not slow"


class Outcomes:
    """Counts the tests that were skipped, and knows those that should have been."""

    def __init__(self) -> None:
        self.skipped: set[str] = set()
        self.needing: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "needs" in report.keywords:
            self.needing.add(report.nodeid)
        if report.skipped:
            self.skipped.add(report.nodeid)


def main() -> int:
    """Runs them; returns the exit code."""
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as empty:
        os.environ["PATH"] = empty
        for name in ("JAVA_HOME", programs.REQUIRE):
            os.environ.pop(name, None)
        code = pytest.main(["-q", "-m", ALL, *PLACES], plugins=[outcomes])
    if code or not outcomes.needing or outcomes.needing != outcomes.skipped:
        others = sorted(outcomes.needing ^ outcomes.skipped)
        click.echo(f"error: pytest ends with {int(code)}; skipped or not against their marks: {others}", err=True)
        return 1
    click.echo(f"{len(outcomes.skipped)} tests were skipped for want of a program; all others passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
