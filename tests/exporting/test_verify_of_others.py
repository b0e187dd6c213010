"""`verify` of int8 files that other programs made: their noise, and their accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from onnxruntime import quantization as ort

import ssc_deploy
from ssc_deploy.errors import QuantizationError
from ssc_deploy.verification.quantized import QuantizedReport
from tests.exporting.steady import AI_EDGE, SHAPE, answers, images, network

if TYPE_CHECKING:
    from pathlib import Path


class Reader(ort.CalibrationDataReader):
    def __init__(self, name: str) -> None:
        self._rows = iter([{name: one[None]} for one in images(100)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rows, None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The float32 file, the one that ONNX Runtime's own quantiser made of it, and images of known classes."""
    folder = tmp_path_factory.mktemp("others")
    plain = ssc_deploy.export(network(), to="onnx", input_shape=SHAPE, output=folder, batch=None).files[0].path
    ort.quantize_static(plain, folder / "ort.onnx", Reader("input"), per_channel=True, reduce_range=True)
    x, labels = answers()
    np.savez(folder / "known.npz", x=x, labels=labels)
    return folder


@pytest.mark.parametrize("program", ["onnxruntime", "ai-edge-quantizer"])
def test_accuracy_and_noise_are_told(folder: Path, program: str) -> None:
    file = AI_EDGE if program == "ai-edge-quantizer" else folder / "ort.onnx"
    report = ssc_deploy.verify(network(), file, input_shape=SHAPE, accuracy=folder / "known.npz")
    assert isinstance(report, QuantizedReport)
    assert report.ok, str(report)
    assert report.accuracy is not None
    assert report.accuracy.before == report.accuracy.images > 100
    assert report.accuracy.drop <= 1
    assert report.output is not None
    assert report.output.decibels > 15
    assert "top-1" in str(report)
    assert "SQNR" in str(report)


@pytest.mark.parametrize("program", ["onnxruntime", "ai-edge-quantizer"])
def test_the_file_of_another_network_is_refused(folder: Path, program: str) -> None:
    file = AI_EDGE if program == "ai-edge-quantizer" else folder / "ort.onnx"
    for drop in (1.0, None):  # without a limit of accuracy the noise tells it
        report = ssc_deploy.verify(
            network(seed=3), file, input_shape=SHAPE, accuracy=folder / "known.npz", max_drop=drop
        )
        assert isinstance(report, QuantizedReport)
        assert not report.ok


def test_a_file_that_loses_too_much_fails_with_its_figures(folder: Path) -> None:
    report = ssc_deploy.verify(network(), AI_EDGE, input_shape=SHAPE)
    assert isinstance(report, QuantizedReport)
    assert report.accuracy is None
    # Images between two classes: which of them is the better is what the network says, and rounding turns some.
    module = network()
    drawn = images(400)
    with torch.no_grad():
        logits = module(torch.from_numpy(drawn))
    near = logits.topk(2).values.diff().abs().flatten().argsort()[:60].numpy()
    np.savez(folder / "near.npz", x=drawn[near], labels=logits.argmax(1).numpy()[near])
    lost = ssc_deploy.verify(module, AI_EDGE, input_shape=SHAPE, accuracy=folder / "near.npz", max_drop=1)
    assert isinstance(lost, QuantizedReport)
    assert not lost.ok
    assert "points of top-1 accuracy, and 1 are allowed" in str(lost)


def test_accuracy_is_for_quantised_files(folder: Path) -> None:
    with pytest.raises(QuantizationError, match="leave it out"):
        ssc_deploy.verify(network(), folder / "steady.onnx", input_shape=SHAPE, accuracy=folder / "known.npz")
    with pytest.raises(QuantizationError, match="there is no such file"):
        ssc_deploy.verify(network(), AI_EDGE, input_shape=SHAPE, accuracy=folder / "none.npz")
    np.savez(folder / "nameless.npz", x=images(4))
    with pytest.raises(QuantizationError, match="names no classes"):
        ssc_deploy.verify(network(), AI_EDGE, input_shape=SHAPE, accuracy=folder / "nameless.npz")
    with pytest.raises(QuantizationError, match="0 to 100"):
        ssc_deploy.verify(network(), AI_EDGE, input_shape=SHAPE, max_drop=-1)


def test_accuracy_of_a_file_of_ours_is_measured_again(folder: Path, tmp_path: Path) -> None:
    wanted = ssc_deploy.Quantization("int8", calibration=images(64), safe_for="avx2")
    result = ssc_deploy.export(network(), to="tflite", input_shape=SHAPE, output=tmp_path, quantize=wanted)
    report = ssc_deploy.verify(network(), result.files[0].path, input_shape=SHAPE, accuracy=folder / "known.npz")
    assert isinstance(report, QuantizedReport)
    assert report.integers is not None
    assert report.accuracy is not None
    assert report.ok
