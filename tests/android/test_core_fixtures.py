import json

import numpy as np
import pytest

from android_demo.tools import core_fixtures
from ssc_deploy.profiling import statistics


@pytest.mark.slow
def test_fixtures_are_the_same_each_time_and_meet_every_colour_layout_and_direction(tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    core_fixtures.write(first)
    core_fixtures.write(again)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    npz = [name for name in names if name.endswith(".npz")]  # which hold the time of day
    assert all((first / name).read_bytes() == (again / name).read_bytes() for name in names if name not in npz)

    cases = json.loads((first / "pictures.json").read_text())
    assert len(cases) == core_fixtures.PICTURES == 200
    assert {(case["colour"], case["layout"]) for case in cases} == {
        (colour, layout) for colour in ("RGB", "BGR", "L") for layout in ("NCHW", "NHWC")
    }
    heights = [np.load(first / case["pixels"]).shape[0] / case["height"] for case in cases]
    assert min(heights) < 1 < max(heights)


@pytest.mark.slow
def test_the_samples_of_statistics_meet_each_reason_to_be_unsteady_and_a_turn_that_outweighs_the_others(tmp_path):
    core_fixtures.write(tmp_path)
    told = (tmp_path / "statistics.json").read_text()
    for words in ("more time than the first", "less time than the first", "turns differ by", "times p50"):
        assert words in told
    lows = [
        (case["latency"]["p50_interval"]["low"], statistics.median_interval(list(map(np.median, case["turns"]))).low)
        for case in json.loads(told)
    ]
    assert any(low < of_turns for low, of_turns in lows)
