"""The tables of every network, made from kept results alone."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks import zoo
from ssc_deploy.nets import NAMED

ROOT = Path(__file__).parents[1]

FILE = zoo.File(True, 2e-6, 1e-6, 35, (9, 9), 43, 784_176)
NETS = {
    "ssc-net-1-9": zoo.Exported("SSC-Net-1-9", "ssc-net", 191_391, 32, {"onnx": FILE, "tflite": FILE}, 1154, 14.3),
    "ssc-net-6-9": zoo.Exported(
        "SSC-Net-6-9",
        "ssc-net",
        1_143_951,
        32,
        {"onnx": FILE, "tflite": dataclasses.replace(FILE, max_error=3.5e-6, ok=False)},
        1300,
        30.0,
    ),
    "resnet-110": zoo.Exported("ResNet-110", "resnet", 1_727_962, 32, {"onnx": FILE, "tflite": FILE}, 1200, 20.0),
}


def test_results_survive_their_json(tmp_path):
    path = tmp_path / "zoo.json"
    path.write_text(json.dumps({"networks": {name: dataclasses.asdict(found) for name, found in NETS.items()}}))
    assert zoo.read(path) == NETS


def test_an_architecture_is_told_by_its_worst_file():
    _, _, resnet, ssc = zoo.summary(NETS).splitlines()
    assert resnet == "| resnet | 1 | 1,727,962 | 2 of 2 | 2.0 |"
    assert ssc == "| ssc-net | 2 | 191,391 to 1,143,951 | 3 of 4 | 3.5 |"


def test_tables_stand_between_their_markers_and_all_else_stays():
    text = "before\n<!-- benchmarks.zoo: all -->\nold\n<!-- end -->\nafter\n"
    made = zoo.inserted(text, NETS)
    assert made == text.replace("old", zoo.table(NETS))
    assert zoo.inserted(made, NETS) == made
    assert zoo.inserted("nothing to fill\n", NETS) == "nothing to fill\n"


def test_each_named_network_is_a_case_of_its_own():
    titles = [zoo.case_of(name).title for name in NAMED] + [case.title for case in zoo.LARGEST]
    assert len(set(titles)) == len(titles)
    assert "mobilenet-v2 form=imagenet classes=1000 224x224" in titles


@pytest.mark.parametrize("page", ["README.md", "models/README.md"])
def test_the_tables_of_the_pages_are_those_of_the_kept_results(page):
    measured = zoo.read(ROOT / "benchmarks" / "results" / "zoo.json")
    assert set(measured) == {zoo.case_of(name).title for name in NAMED} | {case.title for case in zoo.LARGEST}
    text = (ROOT / page).read_text()
    assert "<!-- benchmarks.zoo: " in text
    assert zoo.inserted(text, measured) == text


def test_every_kept_file_is_verified_and_the_largest_exports_stay_within_their_memory():
    measured = zoo.read(ROOT / "benchmarks" / "results" / "zoo.json")
    assert all(file.ok for found in measured.values() for file in found.files.values())
    assert all(measured[case.title].memory_mb <= zoo.MEMORY_TARGET_MB for case in zoo.LARGEST)
