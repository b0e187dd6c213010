"""What the benchmarks rest on: networks that compute the same, and intervals that are right."""

import json

import pytest
import torch

from benchmarks import measuring, networks
from ssc_deploy.nets.movement import Shift, window_offsets

SLICED = [networks.StackedSlices, networks.JoinedSlices]


@pytest.mark.parametrize("spelled", [*SLICED, networks.Rolls])
def test_a_spelling_moves_the_same_pixels_as_the_networks_own_shift(spelled):
    x = torch.randn(2, 18, 5, 7)
    assert torch.equal(spelled()(x), Shift(window_offsets(18, 3))(x))


@pytest.mark.parametrize("spelled", SLICED)
def test_slices_leave_the_channels_behind_the_last_nine_where_they_are(spelled):
    x = torch.randn(2, 24, 5, 7)
    assert torch.equal(spelled()(x), Shift(window_offsets(24, 3))(x))


def test_the_network_is_spelled_as_asked_and_keeps_its_weights():
    own, rolls = networks.ssc_net("one-hot", B=1), networks.ssc_net("rolls", B=1)
    kinds = [type(module) for module in rolls.modules()]
    assert kinds.count(networks.Rolls) == 6
    assert Shift not in kinds
    assert all(torch.equal(a, b) for a, b in zip(own.parameters(), rolls.parameters(), strict=True))


def test_a_ratio_is_the_median_of_ratios_within_rounds():
    assert measuring.paired([2, 30, 8], [1, 10, 2]).median == 3


@pytest.mark.parametrize(("rounds", "low", "high"), [(3, 1, 3), (5, 1, 5), (10, 2, 9), (40, 14, 27)])
def test_the_interval_is_that_of_order_statistics(rounds, low, high):
    ratio = measuring.paired([*range(1, rounds + 1)], [1] * rounds)
    assert (ratio.low, ratio.high, ratio.rounds) == (low, high, rounds)


def test_a_target_that_is_missed_is_said():
    assert "reached" in str(measuring.paired([1], [2], target=0.5))
    missed = measuring.paired([1], [1], target=0.5)
    assert not missed.reached
    assert "MISSED" in str(missed)


def test_results_say_which_machine_and_versions_they_hold_for(tmp_path):
    path = tmp_path / "results" / "latency.json"
    measuring.write(path, "latency", {"ratio": measuring.paired([1], [2])})
    written = json.loads(path.read_text())
    assert written["machine"]["packages"]["torch"] == torch.__version__.partition("+")[0]
    assert written["ratio"]["median"] == 0.5
