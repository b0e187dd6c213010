"""A run that was killed goes on where it was, and measurements are taken for no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tuning.simulated import FASTEST, SPACE, Simulated, lowerings, search

if TYPE_CHECKING:
    from pathlib import Path

START = SPACE.started("slice")


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = Simulated()
    expected, bench = search(whole, tmp_path / "whole", start=START)
    with pytest.raises(KeyboardInterrupt):
        search(Simulated(killed_at=3), tmp_path, start=START)
    kept = sorted((tmp_path / "cache").iterdir())
    assert len(kept) == 3
    assert all(path.suffix == ".json" and not path.name.startswith(".") for path in kept)
    rest = Simulated()
    found, resumed = search(rest, tmp_path, start=START)
    assert (resumed.remembered, len(rest.jobs)) == (3, len(whole.jobs) - 3)
    assert lowerings(found.choices) == lowerings(expected.choices) == FASTEST
    assert [trial.group for trial in found.trials] == [trial.group for trial in expected.trials]
    # What the killed run has measured counts as well.
    assert resumed.seconds == pytest.approx(bench.seconds)


def test_a_finished_run_measures_nothing_when_it_is_repeated(tmp_path: Path) -> None:
    first, _ = search(Simulated(), tmp_path)
    again = Simulated()
    second, _ = search(again, tmp_path)
    assert second == first
    assert not again.jobs


@pytest.mark.slow
def test_a_damaged_measurement_is_taken_again(tmp_path: Path) -> None:
    search(Simulated(), tmp_path)
    damaged = sorted((tmp_path / "cache").iterdir())[0]
    damaged.write_text(damaged.read_text()[:100])
    again = Simulated()
    search(again, tmp_path)
    assert len(again.jobs) == 1


@pytest.mark.slow
def test_nothing_is_remembered_that_is_to_be_measured_anew(tmp_path: Path) -> None:
    first = Simulated()
    search(first, tmp_path)
    again = Simulated()
    search(again, tmp_path, read=False)
    assert len(again.jobs) == len(first.jobs)


@pytest.mark.slow
def test_another_version_of_the_runtime_is_another_device(tmp_path: Path) -> None:
    search(Simulated(), tmp_path)
    newer = Simulated(runtime="1.1")
    search(newer, tmp_path)
    assert newer.jobs
