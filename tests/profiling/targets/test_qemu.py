"""ARM code under qemu: what the runtimes' aarch64 builds compute, and nothing about time."""

from __future__ import annotations

import itertools
from pathlib import Path

import device_jobs
import numpy as np
import pytest
from programs import ARM_SYSTEM
from runtimes.networks import METADATA

from ssc_deploy import lower
from ssc_deploy.emit import onnx as emit_onnx
from ssc_deploy.emit import tflite as emit_tflite
from ssc_deploy.errors import TargetError
from ssc_deploy.exporting import stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.formats import Format
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.job import Bound
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import qemu_root
from ssc_deploy.source import open_source
from ssc_deploy.verification.tolerance import own_error

ZOO = Path(__file__).parents[3] / "models" / "ssc-net-1-9"


def silent(_line: str) -> None:
    """Nobody looks at the progress here."""


@pytest.fixture(scope="session")
def qemu():
    """The target, with its system downloaded."""
    qemu_root.arm_root()
    return targets.parse("qemu:aarch64")


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_both_runtimes_run_a_file_as_arm_code_and_tell_no_times(qemu, tmp_path):
    job = device_jobs.write(tmp_path, device_jobs.small(".onnx", ".tflite"), protocol=None)
    result = qemu.run(tmp_path, job, silent)
    assert [one.failure for one in result.measurements] == [None, None]
    assert all(one.golden[0].max < 1e-5 for one in result.measurements)
    assert result.environment.machine == "aarch64"
    assert result.environment.device.startswith("qemu-user ")
    assert set(result.environment.runtimes) == {"onnxruntime", "ai-edge-litert"}
    assert not result.peaks
    assert not any(one.turns or one.fresh or one.operators for one in result.measurements)


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_an_answer_that_is_wrong_on_arm_is_found(qemu, tmp_path):
    job = device_jobs.write(tmp_path, device_jobs.small(".onnx", off_by=1e-3), protocol=None)
    (only,) = qemu.run(tmp_path, job, silent).measurements
    assert only.failure.kind == FailureKind.WRONG
    assert "off by max 1.0" in only.failure.message


def test_latency_is_refused_with_the_reason(tmp_path):
    job = device_jobs.write(tmp_path, device_jobs.small(".onnx"))
    target = targets.parse("qemu:aarch64")
    with pytest.raises(TargetError, match=r"measures no latency: qemu translates ARM instructions"):
        target.run(tmp_path, job, silent)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("spec", ["qemu", "qemu:", "qemu:riscv64", "qemu:aarch64:0"])
def test_another_architecture_is_refused(spec):
    with pytest.raises(TargetError, match="write qemu:aarch64"):
        targets.parse(spec)


class Trained:
    """The trained network of the zoo with its golden set, in any format and lowering."""

    def __init__(self) -> None:
        source = open_source(ZOO / "ssc_1_9.pt")
        self.canonical = stages.canonicalise(source)
        check = Check(source, None, None, None)
        (self.inputs,), (self.exact,) = check.inputs.arrays, check.reference.outputs(check.inputs)
        tolerance = own_error(check.reference.float32_outputs(check.inputs)[0], self.exact).tolerance
        self.bound = Bound.of(tolerance)

    def asked(self, form: Format, shift: str, shuffle: str, pictures: slice, layout: str = "nhwc") -> device_jobs.Asked:
        graph = lower.lower(
            self.canonical.model, form.target, lower.LoweringOptions(shift=shift, shuffle=shuffle, layout=layout)
        ).model
        data = emit_onnx.build(graph, METADATA) if form is Format.ONNX else emit_tflite.build(graph, METADATA)
        x = self.inputs[pictures, np.newaxis]
        x = x if form is Format.ONNX else np.ascontiguousarray(x.transpose(0, 1, 3, 4, 2))
        name = f"{shift}-{shuffle}-{layout}.{form.value}"
        return device_jobs.Asked(name, data, x, self.exact[pictures, np.newaxis], self.bound)


@pytest.fixture(scope="module")
def trained():
    return Trained()


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_the_golden_set_passes_on_arm_in_both_formats(qemu, trained, tmp_path):
    # Emulation is slow: one image of each class, and some more.
    asked = [trained.asked(form, "auto", "auto", slice(None, None, 4)) for form in Format]
    assert [len(model.inputs) for model in asked] == [16, 16]
    result = qemu.run(tmp_path, device_jobs.write(tmp_path, asked, protocol=None), silent)
    assert [one.failure for one in result.measurements] == [None, None]


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_every_lowering_passes_on_arm_in_both_formats(qemu, trained, tmp_path):
    ways = set(itertools.product(Format, lower.SHIFTS.names, lower.SHUFFLES.names))
    ways -= {(Format.TFLITE, "flat", shuffle) for shuffle in lower.SHUFFLES.names}  # of planes, which NHWC has not
    pictures = slice(0, None, 16)
    asked = [trained.asked(*way, pictures) for way in sorted(ways)]
    asked.append(trained.asked(Format.TFLITE, "auto", "auto", pictures, layout="channel-major"))
    result = qemu.run(tmp_path, device_jobs.write(tmp_path, asked, protocol=None), silent)
    assert {model.name: one.failure for model, one in zip(asked, result.measurements, strict=True)} == {
        model.name: None for model in asked
    }
    assert len(asked) == 15
