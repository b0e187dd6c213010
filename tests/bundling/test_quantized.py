"""Bundles of int8 files."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
from cli.tester import ssc

import ssc_deploy
from ssc_deploy.errors import BundleError
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes import saturation

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


def test_files_that_take_integers_are_refused(network: Path, tmp_path: Path) -> None:
    folder = exported(network, tmp_path / "export", io=Io.INT8)
    with pytest.raises(BundleError, match=r"takes .*int8 and returns .*int8"):
        ssc_deploy.bundle(folder, tmp_path / "small.bundle", ckpt=network)
    outcome = ssc("bundle", folder, "-o", tmp_path / "small.bundle")
    assert outcome.code == 2
    assert "export it with --io float" in outcome.err
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
