"""Figures and verdicts, on samples that were recorded on a shared machine, and on simulated ones.

``noise.npz`` holds two copies of SSC-Net-1-9 on LiteRT that took 120 turns each beside two trainings (load 10 on two
cores), up to 128 samples a turn: nanoseconds, and the length of each turn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.statistics import Verdict

RUNS = 100


@pytest.fixture(scope="module")
def recorded() -> list[list[np.ndarray]]:
    """Turns of both copies."""
    with np.load(Path(__file__).with_name("noise.npz")) as file:
        samples, lengths = file["samples_ns"], file["lengths"]
    ends = np.cumsum(lengths.reshape(-1))
    turns = [samples[end - length : end] for end, length in zip(ends, lengths.reshape(-1), strict=True)]
    return [turns[: lengths.shape[1]], turns[lengths.shape[1] :]]


def simulated(recorded, seed: int, effect: float = 1.0, turns: int = 20):
    """One run: neighbouring turns of the recording, their samples drawn anew in blocks, the sides by chance."""
    rng = np.random.default_rng(seed)
    chosen = (rng.integers(len(recorded[0])) + np.arange(turns)) % len(recorded[0])
    first, second = recorded if rng.integers(2) else recorded[::-1]

    def drawn(turn):
        starts = rng.integers(0, len(turn), -(-len(turn) // 8))
        blocks = [np.take(turn, np.arange(start, start + 8), mode="wrap") for start in starts]
        return np.concatenate(blocks)[: len(turn)].astype(float)

    return [drawn(first[i]) for i in chosen], [drawn(second[i]) * effect for i in chosen]


def verdicts(recorded, effect: float) -> list[str]:
    return [statistics.interleaved(*simulated(recorded, seed, effect)).verdict for seed in range(RUNS)]


@pytest.mark.slow
def test_a_model_against_itself_cannot_be_told_apart(recorded):
    assert verdicts(recorded, 1.0).count(Verdict.CANNOT_TELL) >= 95


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "verdict"), [(1.05, Verdict.FASTER), (1 / 1.05, Verdict.SLOWER)])
def test_a_true_difference_of_five_per_cent_is_found(recorded, effect, verdict):
    assert verdicts(recorded, effect).count(verdict) >= 90


@pytest.mark.slow
def test_separate_runs_of_the_same_model_cannot_be_told_apart(recorded):
    found = [statistics.apart(*simulated(recorded, seed)).verdict for seed in range(RUNS)]
    assert found.count(Verdict.CANNOT_TELL) >= 95


@pytest.mark.slow
def test_separate_runs_tell_a_difference_of_thirty_per_cent(recorded):
    found = [statistics.apart(*simulated(recorded, seed, 1.3)).verdict for seed in range(20)]
    assert found.count(Verdict.FASTER) >= 18


@pytest.mark.slow
def test_the_interval_of_p50_holds_the_true_one_in_about_95_of_100_runs():
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        # Turns differ by more than their samples do, as on a device whose clock changes.
        turns = [1e6 * np.exp(rng.normal(0, 0.05) + rng.normal(0, 0.02, 50)) for _ in range(20)]
        interval = statistics.latency(turns).p50_interval
        inside += interval.low <= 1e6 <= interval.high
    assert 180 <= inside <= 198


@pytest.mark.parametrize(
    ("values", "first"), [(1, 1), (5, 1), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (20, 6), (100, 40)]
)
def test_the_interval_of_a_median_is_from_one_order_statistic_to_the_other(values, first):
    """The ranks are those of a binomial table: P(X < first) <= 2.5 %, and none where there are fewer than six."""
    ordered = [10.0 * place for place in range(1, values + 1)]
    interval = statistics.median_interval(np.random.default_rng(0).permutation(ordered))
    assert (interval.low, interval.high) == (ordered[first - 1], ordered[-first])


def test_the_interval_holds_p50_also_where_one_turn_has_most_of_the_runs():
    stats = statistics.latency([[20] * 50, *[[30]] * 11])
    assert stats.p50 == stats.p50_interval.low == 20
    assert stats.p50_interval.high == 30


def test_neighbours_that_are_alike_widen_the_interval():
    """Were single samples counted, both intervals would be the same."""
    rng = np.random.default_rng(0)
    levels = 1e6 * np.exp(rng.normal(0, 0.05, 20))
    alike = [np.full(50, level) for level in levels]
    mixed = [levels[rng.integers(0, 20, 50)] for _ in range(20)]
    wide, narrow = (statistics.latency(turns).p50_interval for turns in (alike, mixed))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_what_slows_both_does_not_hide_the_ratio():
    rng = np.random.default_rng(0)
    slow = np.exp(rng.normal(0, 0.5, 20))
    first = [1e6 * factor * rng.normal(1.0, 0.01, 60) for factor in slow]
    second = [1e6 * factor * rng.normal(1.1, 0.01, 60) for factor in slow]
    ratio = statistics.interleaved(first, second)
    assert ratio.verdict == Verdict.FASTER
    assert ratio.value == pytest.approx(1 / 1.1, rel=0.01)
    assert ratio.interval.low <= 1 / 1.1 <= ratio.interval.high
    assert statistics.apart(first, second).verdict == Verdict.CANNOT_TELL


def test_a_difference_below_the_margin_is_not_told_however_sure_it_is():
    turns = [[1_000_000 + i] * 50 for i in range(20)]
    longer = [[1_010_000 + i] * 50 for i in range(20)]
    assert statistics.interleaved(turns, longer).verdict == Verdict.CANNOT_TELL


def test_the_figures_are_those_of_all_samples():
    turns = [list(range(1, 51)), list(range(51, 101))]
    stats = statistics.latency(turns)
    samples = np.arange(1, 101)
    assert (stats.runs, stats.turns, stats.min, stats.p50, stats.mean) == (100, 2, 1, 50.5, 50.5)
    assert (stats.p90, stats.p95, stats.p99) == tuple(np.quantile(samples, [0.9, 0.95, 0.99]))
    assert stats.std == samples.std()


def test_drift_is_the_last_third_against_the_first():
    turns = [[int(1e6 * (1 + 0.02 * i))] * 20 for i in range(9)]
    stats = statistics.latency(turns)
    assert stats.drift == pytest.approx(1.14 / 1.02 - 1)
    assert any(reason.startswith("the last third took 12% more time") for reason in stats.unsteady)
    assert not stats.steady


def test_turns_that_differ_and_a_long_tail_are_marked():
    jumping = [[1_000_000 if i % 2 else 1_200_000] * 20 for i in range(10)]
    assert "turns differ by 18%" in statistics.latency(jumping).unsteady
    disturbed = [[1_000_000] * 16 + [3_000_000] * 4 for _ in range(10)]
    assert statistics.latency(disturbed).unsteady == ("p90 is 3.0 times p50",)


def test_a_steady_run_is_not_marked():
    rng = np.random.default_rng(0)
    stats = statistics.latency([rng.normal(1e6, 1e4, 50).astype(int) for _ in range(20)])
    assert stats.steady
    assert stats.p50_interval.low <= stats.p50 <= stats.p50_interval.high


def test_one_turn_is_enough_for_figures_though_not_for_a_verdict():
    stats = statistics.latency([[10, 20, 30]])
    assert (stats.p50, stats.drift) == (20, 0)
    assert statistics.interleaved([[10] * 9], [[10] * 9]).verdict == Verdict.CANNOT_TELL
