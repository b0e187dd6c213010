"""``inspect --quantize``: what each block costs when it alone is quantised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from cli.tester import ssc

import ssc_deploy
from ssc_deploy.errors import SscDeployError
from tests.quantize.plans import noise

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = ("--arch", "shift-net", "--arg", "B=1", "--arg", "e=1", "--arg", "classes=4", "--input-shape", "1,3,8,8")
IMAGES = noise(80, (3, 8, 8))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    np.savez(tmp_path / "images.npz", x=IMAGES, labels=np.arange(80) % 4)
    return tmp_path / "images.npz"


def test_the_table_tells_noise_and_accuracy_the_worst_block_first(images: Path) -> None:
    outcome = ssc("inspect", *NETWORK, "--quantize", "int8", "--calibration", images, "--images", "40")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("quantised alone"))
    rows = lines[start + 1 : lines.index("", start)]
    assert [row.split()[0] for row in rows[-2:]] == ["all", "float32"]
    ratios = [float(row.split()[1]) for row in rows[:-2]]
    assert ratios == sorted(ratios)
    assert all("%" in row for row in rows)
    assert "SQNR on 40 images · top-1 on 40 images" in lines[-1]


def test_of_json_all_blocks_are_in_the_order_of_the_network(images: Path) -> None:
    np.save(images.with_suffix(".npy"), IMAGES)
    outcome = ssc(
        *("inspect", *NETWORK, "--quantize", "int8", "--calibration", images.with_suffix(".npy"), "--format", "json"),
    )
    assert outcome.code == 0, outcome.err
    found = outcome.json["sensitivity"]
    names = [one["block"] for one in found["blocks"]]
    assert names[0] == "stem"
    assert names[-1] == "head"
    assert min(one["sqnr"] for one in found["blocks"]) > found["sqnr"] > 10
    assert found["top1"] is None
    assert outcome.json["quantization"]["images"] == 80


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--quantize", "float16"), "rounds weights alone"),
        (("--quantize", "int8"), "give some hundred of them with --calibration"),
        (("--quantize", "int8", "--calibration", "{images}", "--stage", "lower"), "leave --stage out"),
        (("--quantize", "int8", "--calibration", "{images}", "--exclude", "none"), "no block 'none'"),
        (("--quantize", "int8", "--calibration", "{images}.missing"), "there is no such file"),
        (("--calibration", "{images}"), "give --quantize MODE as well"),
        (("--operators", "--quantize", "float16"), "give it alone"),
    ],
)
def test_what_cannot_be_inspected_is_said(images: Path, arguments: tuple[str, ...], sentence: str) -> None:
    network = () if "--operators" in arguments else NETWORK
    outcome = ssc("inspect", *network, *(one.format(images=images) for one in arguments))
    assert outcome.code == 2
    assert sentence in outcome.err


def test_a_tflite_file_has_no_blocks_to_quantise(tmp_path: Path) -> None:
    with pytest.raises(SscDeployError, match="give the checkpoint instead"):
        ssc_deploy.inspect(tmp_path / "x.tflite", quantize=ssc_deploy.Quantization("int8", calibration=IMAGES))
