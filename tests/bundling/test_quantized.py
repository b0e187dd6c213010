"""Bundles of int8 files."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cli.tester import ssc

import ssc_deploy
from ssc_deploy.errors import BundleError
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes import runtime_for, saturation

if TYPE_CHECKING:
    from pathlib import Path


def exported(network: Path, folder: Path, **wanted: object) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ssc_deploy.export(
            network,
            to=("onnx", "tflite"),
            output=folder,
            quantize=ssc_deploy.Quantization("int8", calibration=network.parent / "golden", **wanted),
        )
    return folder


def test_files_that_take_and_give_real_numbers_are_bundled(network: Path, tmp_path: Path) -> None:
    # Also where this computer's products of 8 bits saturate, which those of phones do not.
    folder = exported(network, tmp_path / "export")
    report = ssc_deploy.bundle(folder, tmp_path / "small.bundle", ckpt=network)
    assert report.ok
    assert [model.file for model in report.models] == ["model.onnx", "model.tflite"]
    assert ("saturate here" in str(report.models[0])) is saturation.saturates()


def test_a_bundle_says_what_the_integers_of_its_files_stand_for(network: Path, tmp_path: Path) -> None:
    folder, target = exported(network, tmp_path / "export", io=Io.INT8), tmp_path / "small.bundle"
    assert ssc_deploy.bundle(folder, target).ok
    said = json.loads((target / "model.json").read_text())
    onnx_file, tflite_file = said["models"]
    for model, dtype, offset in ((onnx_file, "uint8", 128), (tflite_file, "int8", 0)):
        about = runtime_for(folder / f"small_int8.{model['format']}").metadata(folder / f"small_int8.{model['format']}")
        grids = {grid.name: grid for grid in about.quantization.grids}
        for end in ("input", "output"):
            assert model[end]["dtype"] == dtype
            grid = grids[model[end]["name"]]
            # Files hold the scale in float32.
            assert model[end]["steps"]["scale"] == float(np.float32(grid.scale))
            assert model[end]["steps"]["zero_point"] == grid.zero_point + offset
    assert ssc("bundle", "check", target).code == 0


def test_a_bundle_that_says_other_steps_than_its_file_is_refused(network: Path, tmp_path: Path) -> None:
    folder, target = exported(network, tmp_path / "export", io=Io.INT8), tmp_path / "small.bundle"
    ssc_deploy.bundle(folder, target)
    said = json.loads((target / "model.json").read_text())
    said["models"][0]["input"]["steps"]["zero_point"] -= 1
    (target / "model.json").write_text(json.dumps(said))
    with pytest.raises(BundleError, match=r"model.onnx takes uint8 .* in steps of .* and model.json says uint8"):
        ssc_deploy.check_bundle(target)


def test_blocks_of_integers_are_refused(network: Path, tmp_path: Path) -> None:
    folder = exported(network, tmp_path / "export")
    with pytest.raises(BundleError, match="computes in integers, and the blocks of a debug bundle are held to float32"):
        ssc_deploy.bundle(folder, tmp_path / "small.bundle", ckpt=network, debug=True)
    assert not (tmp_path / "small.bundle").exists()


@pytest.mark.parametrize("saturates", [True, False])
def test_running_a_file_that_saturates_here_warns_in_one_line(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saturates: bool
) -> None:
    folder = exported(network, tmp_path / "export")
    # Whether a processor saturates is a fact of the processor; the warning about it is not.
    monkeypatch.setattr(saturation, "saturates", lambda: saturates)
    picture = next((network.parent / "golden").glob("*.png"))
    data = tmp_path / "data" / "cat"
    data.mkdir(parents=True)
    (data / "a.png").write_bytes(picture.read_bytes())
    file = folder / "small_int8.onnx"
    for command in (("run", file, picture), ("eval", "--ckpt", file, "--data", tmp_path / "data")):
        told = [line for line in ssc(*command).err.splitlines() if "saturate" in line]
        assert len(told) == int(saturates)
        assert all("export it with --safe-for avx2" in line for line in told)
    safe = ssc("run", folder / "small_int8.tflite", picture)
    assert "saturate" not in safe.err
