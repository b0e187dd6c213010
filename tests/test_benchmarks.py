"""What the benchmarks rest on: networks that compute the same, and intervals that are right."""

import json
import platform
from pathlib import Path

import pytest
import torch

from benchmarks import measuring, native_peak, networks, others, quantized
from ssc_deploy.nets.movement import Shift, window_offsets

ROOT = Path(__file__).parents[1]
#: Networks in the columns of the tables of int8 files.
IN_ORDER = ("ssc-net-6-9", "ssc-net-1-9", "shift-net-3-6")

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


def test_a_quantised_file_has_a_line_in_the_table_and_a_program_that_failed_its_reason():
    lost = {"drop": 0.1, "interval": 0.3}
    rows = {
        "ours=float32.onnx": {"size_to_float32": 1.0, "sqnr": None, "accuracy": lost},
        "ours=int8.onnx": {"size_to_float32": 0.32, "sqnr": 25.04, "accuracy": lost},
        "aimet=min-max.onnx": {"failed": "uv makes the environments"},
    }
    times = {"ours=int8.onnx": {"to_float32": {"median": 1.5, "low": 1.4, "high": 1.6}}}
    before = "<!-- benchmarks.quantized -->\nold\n<!-- end -->\nrest"
    text = quantized.inserted(before, {"ssc-net-1-9": {"accuracy": rows, "times": times}})
    assert "| ssc-net-1-9 | ours, int8.onnx | 0.10 ± 0.30 | 25.0 dB | 0.320 | 1.50 [1.40, 1.60] |" in text
    assert "failed: uv makes the environments" in text
    assert "float32" not in text
    assert "old" not in text
    assert text.endswith("<!-- end -->\nrest")


@pytest.mark.parametrize(("kept", "processor"), [("vnni", "VNNI"), ("avx2_alone", "AVX2 alone")])
@pytest.mark.parametrize("page", ["benchmarks/README.md", "docs/quantization.md"])
def test_the_times_of_int8_files_on_the_pages_are_those_of_the_kept_results(kept, processor, page):
    results = json.loads((ROOT / "benchmarks" / "results" / f"quantized_times_{kept}.json").read_text())["networks"]
    text = (ROOT / page).read_text()
    for title, file in (("LiteRT 2.3", "ours=int8.tflite"), ("ONNX Runtime 1.32", "ours=int8.onnx")):
        ratios = [
            results[net]["times"][file]["to_float32"]["median"]
            for net in ("ssc-net-6-9", "ssc-net-1-9", "shift-net-3-6")
        ]
        assert f"| {title}, {processor} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |" in text


def test_the_sums_of_other_libraries_networks_on_the_page_are_those_of_the_kept_results():
    results = json.loads((ROOT / "benchmarks" / "results" / "others.json").read_text())
    assert set(results) == {others.title(entry) for entry in others.entries()}
    page = (ROOT / "benchmarks" / "README.md").read_text()
    assert "<!-- benchmarks.others -->\n| library" in page
    assert others.inserted(page, results) == page
    assert f"\n{len(results)} networks of torchvision, timm and pytorchcv" in page
    refused = {name for name, one in results.items() if any(one[form]["status"] != "right" for form in others.FORMATS)}
    assert refused == {"timm/fbnetv3_b"}


@pytest.mark.slow
@pytest.mark.needs("gcc")
@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="there is no loop for this processor")
def test_the_kernels_are_measured_against_the_peak_of_their_own_vectors():
    sets = native_peak.measure()
    assert {each.name for each in sets} <= {"neon", "avx2", "avx512"}
    for each in sets:
        assert len({layer.name for layer in each.layers}) == 9
        assert all(layer.share == pytest.approx(layer.gmacs / each.peak_gmacs, abs=0.01) for layer in each.layers)
