"""The tables of int8 networks, made from kept results alone, and the networks that they are of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from torch import nn

from benchmarks import networks, zoo_int8

ROOT = Path(__file__).parents[1]
FILE = zoo_int8.File(True, 21.7, ("body.2.merge", 15.5), 38, 25_868_576, 6, 286_258, 0.363)
NETS = {
    "ssc-net-1-9": zoo_int8.Quantized("SSC-Net-1-9", "ssc-net", 191_391, 32, {"onnx": FILE, "tflite": FILE}, "", 9.2),
    "ssc-net-2-9": zoo_int8.Quantized(
        "SSC-Net-2-9",
        "ssc-net",
        400_000,
        32,
        {"onnx": FILE, "tflite": dataclasses.replace(FILE, sqnr=17.0, to_float32=0.343)},
        "",
        13.6,
    ),
    "resnet-3-6": zoo_int8.Quantized("ResNet-3-6", "resnet", 500_000, 32, {}, "it was not written", 0.0),
}


def test_results_survive_their_json(tmp_path: Path) -> None:
    path = tmp_path / "zoo.json"
    path.write_text(json.dumps({"networks": {name: dataclasses.asdict(found) for name, found in NETS.items()}}))
    assert zoo_int8.read(path) == NETS


def test_an_architecture_tells_how_many_of_its_files_are_right() -> None:
    _, _, resnet, ssc = zoo_int8.table(NETS).splitlines()
    assert resnet == "| resnet | 1 | 0 of 2 |  |  |  |"
    assert ssc == "| ssc-net | 2 | 4 of 4 | 17.0 to 21.7 | 0.36 | 0.35 |"
    assert "failed: it was not written" in zoo_int8.line("resnet-3-6", NETS["resnet-3-6"])


def test_the_table_stands_between_its_markers_and_all_else_stays() -> None:
    text = "before\n<!-- benchmarks.zoo: int8 -->\nold\n<!-- end -->\nafter\n"
    made = zoo_int8.inserted(text, NETS)
    assert made == text.replace("old", zoo_int8.table(NETS))
    assert zoo_int8.inserted("nothing to fill\n", NETS) == "nothing to fill\n"


class Residual(nn.Module):
    """A stem, and a branch that a ReLU cuts off before it is added to a shortcut of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.shortcut = nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of ``x`` [N, 3, H, W]."""
        x = self.stem(x)
        added: torch.Tensor = self.branch(x) + self.shortcut(x)
        return added


def test_what_is_added_to_a_shortcut_becomes_small_and_nothing_else_changes() -> None:
    network = Residual()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    networks.calm(network, torch.ones(1, 3, 2, 2))
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"branch.1.weight"}  # its bias is zero
    assert torch.equal(network.branch[1].weight, 0.3 * before["branch.1.weight"])


def test_the_kept_results_are_all_right_and_stand_in_the_table() -> None:
    measured = zoo_int8.read(ROOT / "benchmarks" / "results" / "zoo_int8.json")
    assert measured
    assert not [title for title, found in measured.items() if found.failed]
    assert all(file.ok for found in measured.values() for file in found.files.values())
    text = (ROOT / "benchmarks" / "README.md").read_text()
    assert "<!-- benchmarks.zoo: int8 -->" in text
    assert zoo_int8.inserted(text, measured) == text
