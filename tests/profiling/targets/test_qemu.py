"""ARM code under qemu: what the runtimes' aarch64 builds compute, and nothing about time."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import device_jobs
import numpy as np
import pytest
from programs import ARM_SYSTEM
from runtimes.networks import METADATA

from ssc_deploy import lower
from ssc_deploy.emit import onnx as emit_onnx
from ssc_deploy.emit import tflite
from ssc_deploy.errors import TargetError
from ssc_deploy.exporting import stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.formats import Format
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.source import open_source
from ssc_deploy.verification.tolerance import own_error

if TYPE_CHECKING:
    from ssc_deploy.profiling.job import Failure, Measurement, Result
    from ssc_deploy.source import Source

ZOO = Path(__file__).parents[3] / "models" / "ssc-net-1-9"


def silent(_line: str) -> None:
    """Nobody looks at the progress here."""


class Exact:
    """A network with its exact outputs on some images, in any format and lowering."""

    def __init__(self, name: str, source: Source, images: int) -> None:
        self.name, self.canonical = name, stages.canonicalise(source)
        check = Check(source, None, None, None)
        # Emulation is slow. Images of all classes follow one another.
        inputs = check.inputs[:: len(check.inputs) // images]
        (self.inputs,), (self.exact,) = inputs.arrays, check.reference.outputs(inputs)
        self.bound = own_error(check.reference.float32_outputs(inputs)[0], self.exact).tolerance

    def asked(self, form: Format, shift: str, shuffle: str, layout: str = "nhwc") -> device_jobs.Asked:
        options = lower.LoweringOptions(shift=shift, shuffle=shuffle, layout=layout)
        graph = lower.lower(self.canonical.model, form.target, options).model
        data = emit_onnx.build(graph, METADATA) if form is Format.ONNX else tflite.build(graph, METADATA)
        x = self.inputs[:, np.newaxis]
        x = x if form is Format.ONNX else np.ascontiguousarray(x.transpose(0, 1, 3, 4, 2))
        name = f"{self.name}-{shift}-{shuffle}-{layout}.{form.value}"
        return device_jobs.Asked(name, data, x, self.exact[:, np.newaxis], self.bound)


def trained() -> list[device_jobs.Asked]:
    """The trained network of the zoo with images of its golden set, as it ships."""
    network = Exact("trained", open_source(ZOO / "ssc_1_9.pt"), images=8)
    return [network.asked(form, "auto", "auto") for form in (Format.ONNX, Format.TFLITE)]


def lowerings() -> list[device_jobs.Asked]:
    """A small network of the same kind in every lowering."""
    source = open_source(None, arch="ssc-net", args={"B": "1", "G": "9", "stem": "4"}, input_shape=(1, 3, 16, 8))
    network = Exact("lowered", source, images=2)
    ways = set(itertools.product((Format.ONNX, Format.TFLITE), lower.SHIFTS.names, lower.SHUFFLES.names))
    ways -= {(Format.TFLITE, "flat", shuffle) for shuffle in lower.SHUFFLES.names}  # of planes, which NHWC has not
    asked = [network.asked(*way) for way in sorted(ways)]
    return [*asked, network.asked(Format.TFLITE, "auto", "auto", layout="channel-major")]


@dataclasses.dataclass(frozen=True)
class Answers:
    """A result, with the names of the models that its measurements are of."""

    names: list[str]
    result: Result

    def of(self, name: str) -> dict[str, Measurement]:
        """Those of models whose names begin so."""
        found = zip(self.names, self.result.measurements, strict=True)
        return {model: measurement for model, measurement in found if model.startswith(name)}

    def failures(self, name: str) -> dict[str, Failure | None]:
        return {model: measurement.failure for model, measurement in self.of(name).items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Those to one job with all networks: it takes long until the runtimes are imported there.

    The target's system is downloaded the first time.
    """
    (wrong,) = device_jobs.small(".onnx", off_by=1e-3)
    asked = [*device_jobs.small(".onnx", ".tflite"), dataclasses.replace(wrong, name="wrong.onnx")]
    asked += [*trained(), *lowerings()]
    folder = tmp_path_factory.mktemp("job")
    result = targets.parse("qemu:aarch64").run(folder, device_jobs.write(folder, asked, protocol=None), silent)
    return Answers([model.name for model in asked], result)


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_both_runtimes_run_a_file_as_arm_code_and_tell_no_times(answers: Answers) -> None:
    assert answers.failures("net.") == {"net.onnx": None, "net.tflite": None}
    assert all(one.golden[0].max < 1e-5 for one in answers.of("net.").values())
    result = answers.result
    assert result.environment.machine == "aarch64"
    assert result.environment.device.startswith("qemu-user ")
    assert set(result.environment.runtimes) == {"onnxruntime", "ai-edge-litert"}
    assert not result.peaks
    assert not any(one.turns or one.fresh or one.operators for one in result.measurements)


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_an_answer_that_is_wrong_on_arm_is_found(answers: Answers) -> None:
    (failure,) = answers.failures("wrong").values()
    assert failure is not None
    assert failure.kind == FailureKind.WRONG
    assert "off by max 1.0" in failure.message


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_a_trained_network_passes_on_images_on_arm_in_both_formats(answers: Answers) -> None:
    assert answers.failures("trained") == {
        "trained-auto-auto-nhwc.onnx": None,
        "trained-auto-auto-nhwc.tflite": None,
    }


@pytest.mark.slow
@pytest.mark.needs(*ARM_SYSTEM)
def test_every_lowering_passes_on_arm_in_both_formats(answers: Answers) -> None:
    failures = answers.failures("lowered")
    assert len(failures) == 22
    assert failures == dict.fromkeys(failures)


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
