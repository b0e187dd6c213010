"""The search finds what is fastest, never takes what is not, and says what it could not try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tuning.simulated import COSTS, FASTEST, SPACE, Simulated, lowerings, milliseconds, search

from ssc_deploy.errors import RecipeError, TargetError
from ssc_deploy.lower.recipe import ALL, Verdict
from ssc_deploy.profiling.statistics import MARGIN
from ssc_deploy.tuning.bench import LONG, SHORT

if TYPE_CHECKING:
    from pathlib import Path

SHIFTS = ("flat", "slice", "gather", "depthwise")


@pytest.mark.slow
@pytest.mark.parametrize("start", SHIFTS)
def test_the_fastest_mix_is_found_from_any_start(start: str, tmp_path: Path) -> None:
    found, _ = search(Simulated(), tmp_path, start=SPACE.started(start))
    assert lowerings(found.choices) == FASTEST
    assert found.complete
    assert found.ratio is not None
    expected = milliseconds(found.choices, COSTS) / milliseconds(SPACE.default, COSTS)
    assert found.ratio.interval.low <= expected <= found.ratio.interval.high


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.002, 0.05, 0.3])
def test_the_default_stays_unless_something_is_faster_beyond_noise(noise: float, tmp_path: Path) -> None:
    costs = {group: dict.fromkeys(by_lowering, 3.0) for group, by_lowering in COSTS.items()}
    found, _ = search(Simulated(costs, noise=noise), tmp_path, start=SPACE.started("gather"))
    assert lowerings(found.choices) == lowerings(SPACE.default)
    assert found.ratio is None


def _gaining(*milliseconds: float) -> dict[str, dict[str, float]]:
    """Everything takes 3 ms, 13 ms in all, but one lowering of each group that is not the default takes that less."""
    costs = {group: dict.fromkeys(by_lowering, 3.0) for group, by_lowering in COSTS.items()}
    for (group, by_lowering), gain in zip(costs.items(), milliseconds, strict=False):
        other = next(name for name in by_lowering if name != lowerings(SPACE.default)[group])
        by_lowering[other] -= gain
    return costs


@pytest.mark.slow
def test_a_gain_below_the_noise_floor_is_a_step_but_no_reason_to_leave_the_default(tmp_path: Path) -> None:
    found, _ = search(Simulated(_gaining(0.15), noise=0.001), tmp_path)
    assert lowerings(found.choices) == lowerings(SPACE.default)
    assert found.ratio is None
    assert "shift 18x5x4" in {trial.group for trial in found.trials if trial.verdict is Verdict.TAKEN}
    last = found.trials[-1]
    assert (last.group, last.verdict) == (ALL, Verdict.KEPT_BEST)
    assert last.high is not None
    assert last.high < 1


@pytest.mark.slow
def test_steps_below_the_noise_floor_add_up_to_a_gain_above_it(tmp_path: Path) -> None:
    found, _ = search(Simulated(_gaining(0.15, 0.15, 0.15), noise=0.001), tmp_path)
    steps = [trial.ratio for trial in found.trials if trial.verdict is Verdict.TAKEN and trial.group != ALL]
    assert len(steps) == 3
    assert all(ratio is not None and ratio > 1 - MARGIN for ratio in steps)
    assert found.ratio is not None
    assert found.ratio.interval.high < 1 - MARGIN


def test_what_is_hopeless_is_measured_once_and_shortly(tmp_path: Path) -> None:
    device = Simulated()
    found, _ = search(device, tmp_path)
    gathers = [trial for trial in found.trials if trial.group.startswith("shift") and trial.lowering == "gather"]
    assert [trial.verdict for trial in gathers] == [Verdict.HOPELESS] * 2
    timed = [job.protocol for job in device.jobs for model in job.models if "gather" in _shifts(device, model.sha256)]
    assert timed == [SHORT, SHORT]


def _shifts(device: Simulated, sha256: str) -> set[str]:
    return {name for group, name in lowerings(device.choices[sha256]).items() if group.startswith("shift")}


@pytest.mark.slow
def test_a_candidate_that_the_device_refuses_is_out_and_says_why(tmp_path: Path) -> None:
    found, _ = search(Simulated(refused="flat"), tmp_path, start=SPACE.started("slice"))
    assert lowerings(found.choices)["shift 18x5x4"] == "slice"
    failed = [trial for trial in found.trials if trial.verdict is Verdict.FAILED]
    assert {(trial.lowering, trial.why, trial.ratio) for trial in failed} == {("flat", "the runtime refuses it", None)}
    assert len(failed) == 2


def test_a_device_that_refuses_the_best_file_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot measure the best file so far: the runtime refuses it"):
        search(Simulated(refused="slice"), tmp_path, start=SPACE.started("slice"))


@pytest.mark.slow
def test_a_device_that_becomes_slow_is_measured_again_and_that_is_said(tmp_path: Path) -> None:
    quiet = Simulated()
    (tmp_path / "quiet").mkdir()
    search(quiet, tmp_path / "quiet", start=SPACE.started("slice"))
    first_long = next(i for i, job in enumerate(quiet.jobs) if job.protocol == LONG)
    device, lines = Simulated(slowed=frozenset([first_long])), []
    found, _ = search(device, tmp_path, start=SPACE.started("slice"), lines=lines)
    assert lowerings(found.choices) == FASTEST
    assert len(device.jobs) == len(quiet.jobs) + 1
    disturbed = [trial for trial in found.trials if trial.verdict is Verdict.DISTURBED]
    assert disturbed
    assert all("the device became" in trial.why for trial in disturbed)
    assert any("slower meanwhile; measured again" in line for line in lines)


@pytest.mark.slow
def test_a_device_that_never_holds_still_is_not_asked_forever(tmp_path: Path) -> None:
    device = Simulated(slowed=frozenset(range(1000)))
    found, _ = search(device, tmp_path, start=SPACE.started("slice"))
    assert lowerings(found.choices) == FASTEST  # turns are paired, so what is clear stays clear
    assert len(device.jobs) < 40


@pytest.mark.slow
def test_what_two_equal_files_differ_by_is_no_gain(tmp_path: Path) -> None:
    # Every candidate looks 2 % faster than the two copies of the best file together.
    costs = {group: dict.fromkeys(by_lowering, 3.0) for group, by_lowering in COSTS.items()}
    device, lines = Simulated(costs, noise=0.001, last=0.04), []
    found, _ = search(device, tmp_path, lines=lines)
    assert lowerings(found.choices) == lowerings(SPACE.default)
    assert {trial.verdict for trial in found.trials} == {Verdict.OPEN, Verdict.DISTURBED, Verdict.KEPT_BEST}
    assert any("two copies of one file differed by" in line for line in lines)


@pytest.mark.parametrize("budget", [0.5, 12.0, 30.0])
def test_the_budget_is_kept_and_the_default_stays_when_it_is_too_small(budget: float, tmp_path: Path) -> None:
    found, bench = search(Simulated(), tmp_path, start=SPACE.started("gather"), budget=budget)
    assert bench.seconds <= budget
    assert not found.complete
    if found.ratio is None:
        assert lowerings(found.choices) == lowerings(SPACE.default)
    else:
        assert milliseconds(found.choices, COSTS) < milliseconds(SPACE.default, COSTS)


def test_every_line_says_the_best_so_far_and_what_is_left(tmp_path: Path) -> None:
    lines: list[str] = []
    found, _ = search(Simulated(), tmp_path, budget=500.0, lines=lines)
    assert len(lines) == len(found.trials)
    assert all("best so far" in line and line.endswith(" s left") for line in lines)


def test_a_start_that_no_shift_can_take_is_refused() -> None:
    with pytest.raises(RecipeError, match="no shift can be carried out by 'transpose'"):
        SPACE.started("transpose")
