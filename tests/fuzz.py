"""Runs the property tests with fresh seeds for as long as one likes: ``uv run python -m tests.fuzz --minutes 10``.

pytest itself draws the same examples each time. A round here runs every property test once with a new seed. A test that
fails is printed with the smallest example that fails and the line ``@reproduce_failure(...)`` that repeats it, and is
left out of the rounds that follow.
"""

from __future__ import annotations

import secrets
import shlex
import sys
import time

import click
import pytest


class Findings:
    """Names of the tests that failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def fuzz(minutes: float | None, seed: int | None, arguments: tuple[str, ...]) -> int:
    """Runs rounds until the time is over, and ends the round that it is in.

    Args:
        minutes: None for no end.
        seed: of the only round; None for rounds with new ones.
        arguments: for pytest.

    Returns:
        The exit code: 0 where nothing was found, 1 where something was, or pytest's own where it could not run.
    """
    until = time.monotonic() + 60 * minutes if minutes is not None else None
    found: list[str] = []
    while True:
        drawn = secrets.randbelow(2**32) if seed is None else seed
        options = ["--hypothesis-profile=fuzz", f"--hypothesis-seed={drawn}", "-m", "hypothesis and not android"]
        findings = Findings()
        left_out = [f"--deselect={name}" for name in found]
        code = pytest.main(["-q", *options, *left_out, *(arguments or ("tests",))], plugins=[findings])
        for name in findings.failed:
            command = shlex.join(["pytest", *options, name])
            click.echo(f"FOUND {name} with the seed {drawn}; repeat it with: uv run {command}")
        found += findings.failed
        if code == pytest.ExitCode.NO_TESTS_COLLECTED and found:  # all are left out
            return 1
        if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            return int(code)
        if seed is not None or (until is not None and time.monotonic() > until):
            return int(bool(found))


@click.command(help=__doc__)
@click.option(
    "--minutes", type=click.FloatRange(min=0), help="Starts no further round after this time; without end by default."
)
@click.option("--seed", type=click.IntRange(min=0), help="Runs one round with this seed.")
@click.argument("arguments", nargs=-1)
def main(minutes: float | None, seed: int | None, arguments: tuple[str, ...]) -> None:
    sys.exit(fuzz(minutes, seed, arguments))


if __name__ == "__main__":
    main()
