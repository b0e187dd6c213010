"""Files whose integers were improved: verify proves them again from the checkpoint and what the file says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from cli.tester import ssc

import ssc_deploy
from ssc_deploy import metadata as file_metadata
from ssc_deploy.errors import QuantizationError
from ssc_deploy.verification.quantized import QuantizedReport
from tests.exporting.test_quantizing import IMAGES, network

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy import ExportResult

ALL = ("cross-layer-equalization", "bias-correction")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    module = network()
    module.stem[0].weight.data[::2] *= 16  # type: ignore[union-attr,index]
    wanted = ssc_deploy.Quantization("int8", calibration=IMAGES, safe_for="avx2", improve=ALL)
    folder = tmp_path_factory.mktemp("improved")
    return ssc_deploy.export(module, to=("onnx", "tflite"), input_shape=(1, 3, 6, 5), output=folder, quantize=wanted)


def test_verify_proves_improved_files_again_and_refuses_another_network(files: ExportResult) -> None:
    module = network()
    module.stem[0].weight.data[::2] *= 16  # type: ignore[union-attr,index]
    for file in files.files:
        report = ssc_deploy.verify(module, file.path, input_shape=(1, 3, 6, 5))
        assert isinstance(report, QuantizedReport)
        assert report.ok
        assert report.integers is not None
    module.head.bias.data[2] += 4.0  # type: ignore[union-attr]  # about ten steps of the output
    assert not ssc_deploy.verify(module, files.files[0].path, input_shape=(1, 3, 6, 5)).ok


@pytest.mark.parametrize("key", ["factors", "corrections"])
def test_a_file_that_says_other_numbers_is_not_ok_by_its_plan(files: ExportResult, tmp_path: Path, key: str) -> None:
    module = network()
    module.stem[0].weight.data[::2] *= 16  # type: ignore[union-attr,index]
    model = onnx.load(files.files[0].path)
    (prop,) = [one for one in model.metadata_props if one.key == file_metadata.KEY]
    said = json.loads(prop.value)
    assert said["quantization"][key]
    for one in said["quantization"][key]:
        one["digits"] = one["digits"][::-1]
    prop.value = json.dumps(said)
    onnx.save(model, tmp_path / "other.onnx")
    report = ssc_deploy.verify(module, tmp_path / "other.onnx", input_shape=(1, 3, 6, 5))
    assert isinstance(report, QuantizedReport)
    # Either the integers are not those of that plan, or it is no plan of this network.
    assert not report.ok or report.integers is None


def test_the_flag_takes_names_and_says_which_there_are(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    outcome = ssc(
        *("export", "--arch", "ssc-net", "--arg", "B=1", "--quantize", "int8", "--calibration", tmp_path / "x.npy"),
        *("--improve", "magic", "-o", tmp_path / "out"),
    )
    assert outcome.code == 2
    assert "cross-layer-equalization" in outcome.err


@pytest.mark.parametrize("improve", [(), ("auto", "bias-correction"), ("none", "none")])
def test_names_that_contradict_each_other_are_refused(improve: tuple[str, ...]) -> None:
    with pytest.raises(QuantizationError, match="improve"):
        ssc_deploy.Quantization("int8", calibration=IMAGES, improve=improve)
