"""int8 exports from images to verified files, and what the commands make of them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from cli.tester import ssc
from PIL import Image
from torch import nn

import ssc_deploy
from ssc_deploy.errors import QuantizationError, VerificationError
from ssc_deploy.profiling.goldens import golden_arrays
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes import runtime_for, saturation
from ssc_deploy.verification.accuracy import Accuracy
from ssc_deploy.verification.quantized import QuantizedReport
from ssc_deploy.verification.report import VerifyReport
from tests.quantize.plans import Small, noise

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy import ExportResult

IMAGES = noise(96)


def network() -> nn.Module:
    torch.manual_seed(0)
    module = Small().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def exported(folder: Path, **wanted: object) -> ExportResult:
    return ssc_deploy.export(
        network(),
        to=("onnx", "tflite"),
        input_shape=(1, 3, 6, 5),
        output=folder,
        quantize=ssc_deploy.Quantization("int8", calibration=IMAGES, safe_for="avx2", **wanted),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    return exported(tmp_path_factory.mktemp("int8"))


def test_every_integer_of_both_files_is_that_of_the_plan(files: ExportResult) -> None:
    assert [file.path.name for file in files.files] == ["small_int8.onnx", "small_int8.tflite"]
    for file in files.files:
        proof = file.verification
        assert isinstance(proof, QuantizedReport)
        assert proof.ok
        assert proof.integers is not None
        assert not proof.integers.missing
        assert proof.integers.turned <= 1e-4 * proof.integers.numbers
        assert proof.output is not None
        assert proof.output.decibels > 20


def test_both_files_differ_by_one_step_at_most(files: ExportResult) -> None:
    # A mean that lies in the middle between two integers may turn either way.
    described = runtime_for(files.files[1].path).metadata(files.files[1].path)
    assert described is not None
    assert described.quantization is not None
    step = next(one.scale for one in described.quantization.grids if one.name == "output")
    for x in noise(16):
        one, other = (ssc_deploy.run(file.path, x[None])["output"] for file in files.files)
        np.testing.assert_allclose(one, other, rtol=0, atol=1.001 * step)


@pytest.mark.slow
def test_the_same_export_gives_the_same_bytes(files: ExportResult, tmp_path: Path) -> None:
    again = exported(tmp_path)
    for one, other in zip(files.files, again.files, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
    assert files.golden.read_bytes() == again.golden.read_bytes()


def test_files_of_integers_take_and_give_real_numbers_here(files: ExportResult, tmp_path: Path) -> None:
    integers = exported(tmp_path, io=Io.INT8)
    for whole in integers.files:  # a device is given integers, and compared with integers
        runtime = runtime_for(whole.path)
        held = golden_arrays(whole.path, runtime, runner := runtime.load(whole.path))
        found = np.stack([runner.run([given])[0] for given in held.inputs[0]])
        assert np.abs(found - held.outputs[0]).max() <= held.bounds[0].max < 30
    for real, whole in zip(files.files, integers.files, strict=True):
        x = noise(1)
        np.testing.assert_allclose(
            ssc_deploy.run(whole.path, x)["output"], ssc_deploy.run(real.path, x)["output"], rtol=1e-6, atol=1e-6
        )


@pytest.mark.slow
def test_verify_proves_the_integers_again_and_refuses_another_network(files: ExportResult) -> None:
    other = Small().eval()
    for file in files.files:
        report = ssc_deploy.verify(network(), file.path, input_shape=(1, 3, 6, 5))
        assert isinstance(report, QuantizedReport)
        assert report.ok
        assert report.integers is not None
        assert report.integers.values == 12
        nearly = network()
        nearly.head.bias.data[2] += 0.05  # type: ignore[union-attr]
        assert not ssc_deploy.verify(nearly, file.path, input_shape=(1, 3, 6, 5)).ok
        assert not ssc_deploy.verify(other, file.path, input_shape=(1, 3, 6, 5)).ok


@pytest.mark.slow
def test_a_file_of_another_program_is_told_by_its_noise(files: ExportResult, tmp_path: Path) -> None:
    stripped = onnx.load(files.files[0].path)
    del stripped.metadata_props[:]
    path = tmp_path / "others.onnx"
    onnx.save(stripped, path)
    report = ssc_deploy.verify(network(), path, input_shape=(1, 3, 6, 5))
    assert isinstance(report, QuantizedReport)
    assert report.ok
    assert "dB are asked" in str(report)
    assert not ssc_deploy.verify(Small().eval(), path, input_shape=(1, 3, 6, 5)).ok


@pytest.mark.slow
def test_a_float_file_is_held_to_its_tolerance(tmp_path: Path) -> None:
    result = ssc_deploy.export(network(), to=("onnx", "tflite"), input_shape=(1, 3, 6, 5), output=tmp_path)
    for file in result.files:
        assert isinstance(ssc_deploy.verify(network(), file.path, input_shape=(1, 3, 6, 5)), VerifyReport)


def test_the_golden_set_holds_what_the_plan_gives(files: ExportResult) -> None:
    from ssc_deploy import golden

    held = golden.read(files.golden)
    for file in files.files:
        found = np.concatenate([ssc_deploy.run(file.path, one[None])["output"] for one in held.inputs.arrays[0]])
        assert np.abs(found - held.outputs[0].values).max() <= held.outputs[0].tolerance.max


@pytest.mark.slow
def test_an_excluded_block_stays_in_float32(tmp_path: Path) -> None:
    result = exported(tmp_path, exclude=("first",))
    graph = onnx.load(result.files[0].path).graph
    constants = {one.name: one.data_type for one in graph.initializer}
    kernels = [constants.get(node.input[1]) for node in graph.node if node.op_type == "Conv"]
    assert kernels.count(onnx.TensorProto.FLOAT) == 1  # the others are behind a DequantizeLinear


@pytest.mark.slow
def test_accuracy_is_measured_on_images_that_no_range_follows_from(tmp_path: Path) -> None:
    # The answers are those of the network itself.
    labels = np.concatenate([network()(torch.from_numpy(one[None])).argmax(1).numpy() for one in IMAGES])
    np.savez(tmp_path / "images.npz", x=IMAGES, labels=labels)
    wanted = ssc_deploy.Quantization("int8", calibration=tmp_path / "images.npz", images=48, max_drop=None)
    result = ssc_deploy.export(
        network(), to="tflite", input_shape=(1, 3, 6, 5), output=tmp_path / "out", quantize=wanted
    )
    proof = result.files[0].verification
    assert isinstance(proof, QuantizedReport)
    assert proof.accuracy is not None
    assert (proof.accuracy.images, proof.accuracy.before) == (48, 48)
    assert proof.accuracy.after >= 44


@pytest.mark.parametrize(("max_drop", "ok"), [(1.0, False), (2.5, True), (None, True)])
def test_a_file_that_loses_more_than_is_allowed_is_not_ok(
    files: ExportResult, max_drop: float | None, ok: bool
) -> None:
    proof = files.files[0].verification
    assert isinstance(proof, QuantizedReport)
    lost = dataclasses.replace(proof, accuracy=Accuracy(1000, 900, 880, 25, 5), max_drop=max_drop)
    assert lost.ok is ok
    assert ok or "loses 2.0 points" in str(lost)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["float16", "int8-weights"])
def test_files_of_rounded_weights_are_the_network_with_these_weights(tmp_path: Path, mode: str) -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 16, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.second(self.first(x).relu()).mean((2, 3))
            return logits

    torch.manual_seed(0)
    module = Wide().eval()
    plain = ssc_deploy.export(module, to=("onnx", "tflite"), input_shape=(1, 3, 9, 9), output=tmp_path)
    result = ssc_deploy.export(
        module,
        to=("onnx", "tflite"),
        input_shape=(1, 3, 9, 9),
        output=tmp_path,
        quantize=ssc_deploy.Quantization(mode),
    )
    for file, full in zip(result.files, plain.files, strict=True):
        proof = file.verification
        assert isinstance(proof, QuantizedReport)
        assert proof.rounded is not None
        assert proof.rounded.ok
        assert full.path != file.path
        assert file.size < full.size
        report = ssc_deploy.verify(module, file.path, input_shape=(1, 3, 9, 9))
        assert report.ok
        module.second.bias.data[3] += 0.001
        assert not ssc_deploy.verify(module, file.path, input_shape=(1, 3, 9, 9)).ok
        module.second.bias.data[3] -= 0.001


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({}, "needs images"),
        ({"calibration": np.zeros((40, 3, 6, 5), np.float32)}, "one colour"),
        ({"calibration": np.full((40, 3, 6, 5), np.nan, np.float32)}, "NaN|finite"),
        ({"calibration": np.zeros((40, 3, 7, 5), np.float32)}, "7"),
        ({"calibration": IMAGES, "exclude": ("nothing",)}, "no block 'nothing'"),
        ({"calibration": IMAGES, "method": "magic"}, "method"),
        ({"calibration": IMAGES, "max_drop": -1.0}, "drop"),
        ({"calibration": IMAGES, "images": 0}, "at least 1"),
        ({"calibration": np.zeros((0, 3, 6, 5), np.float32)}, "are empty"),
        ({"calibration": "nothing.zip"}, "nothing.zip: there is no such file"),
        ({"calibration": IMAGES, "accuracy": "nothing"}, "nothing: there is no such file"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, wanted: dict[str, object], sentence: str) -> None:
    with pytest.raises(QuantizationError, match=sentence):
        ssc_deploy.export(
            network(),
            input_shape=(1, 3, 6, 5),
            output=tmp_path / "out",
            quantize=ssc_deploy.Quantization("int8", **wanted),
        )
    assert not (tmp_path / "out").exists()


def test_the_command_line_asks_for_what_is_missing(tmp_path: Path) -> None:
    outcome = ssc("export", "--arch", "ssc-net", "--arg", "B=1", "--quantize", "int8", "-o", tmp_path)
    assert outcome.code == 2
    assert "--calibration" in outcome.err
    outcome = ssc("export", "--arch", "ssc-net", "--max-drop", "1", "-o", tmp_path)
    assert outcome.code == 2
    assert "--quantize" in outcome.err


def test_a_quantised_onnx_is_no_source(files: ExportResult, tmp_path: Path) -> None:
    for more in ((), ("--quantize", "float16")):
        outcome = ssc("export", "--ckpt", files.files[0].path, "--to", "tflite", "-o", tmp_path / "out", *more)
        assert outcome.code == 2
        assert "export the network before it was quantised" in outcome.err
        assert not (tmp_path / "out").exists()


def test_calibration_images_of_another_size_are_scaled_only_if_the_user_says_so(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "images" / name).mkdir(parents=True)
        for at in range(3):
            pixels = np.random.default_rng(at).integers(0, 255, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{at}.png")
    command = (
        *("export", "--arch", "shift-net", "--arg", "B=1", "--arg", "e=1", "--input-shape", "1,3,16,16"),
        *("--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5", "-o", tmp_path / "out", "--to", "tflite"),
        *("--quantize", "int8", "--calibration", tmp_path / "images", "--max-drop", "100"),
    )
    outcome = ssc(*command)
    assert outcome.code == 2
    assert "is 20x20 (width x height), the network takes 16x16" in outcome.err
    assert not (tmp_path / "out").exists()
    outcome = ssc(*command, "--resize", "shorter-side-bilinear-center-crop")
    assert outcome.code == 0, outcome.err


@pytest.mark.slow
def test_ranges_that_ruin_the_output_are_refused_where_no_accuracy_is_measured(tmp_path: Path) -> None:
    wanted = ssc_deploy.Quantization("int8", calibration=IMAGES / 100)
    with pytest.raises(VerificationError, match=r"signal to noise of -?[0-9.]+ dB, and 10 dB are asked"):
        ssc_deploy.export(network(), to="tflite", input_shape=(1, 3, 6, 5), output=tmp_path / "out", quantize=wanted)
    assert not list((tmp_path / "out").glob("*.*"))


@pytest.mark.slow
def test_the_note_about_a_processor_names_the_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether a processor saturates is a fact of the processor; the note about it is not.
    monkeypatch.setattr(saturation, "saturates", lambda: True)
    np.save(tmp_path / "x.npy", noise(40, (3, 16, 16)))
    outcome = ssc(
        *("export", "--arch", "shift-net", "--arg", "B=1", "--arg", "e=1", "--input-shape", "1,3,16,16"),
        *("--to", "onnx", "--quantize", "int8", "--calibration", tmp_path / "x.npy", "-o", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    assert "--safe-for avx2 makes a file" in outcome.out


def test_the_command_line_writes_and_reports(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", noise(40, (3, 16, 16)))
    outcome = ssc(
        *("export", "--arch", "shift-net", "--arg", "B=1", "--arg", "e=1", "--input-shape", "1,3,16,16"),
        *("--to", "tflite", "--quantize", "int8", "--calibration", tmp_path / "x.npy", "-o", tmp_path / "out"),
        *("--format", "json"),
    )
    assert outcome.code == 0, outcome.err
    (file,) = json.loads(outcome.out)["files"]
    assert file["verification"]["ok"]
    assert file["verification"]["integers"]["values"] > 10
