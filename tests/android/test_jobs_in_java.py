"""A job that Python writes is done by the app's own classes, and Python reads, and believes, what they leave behind.

The classes run on a Java machine of this host: ONNX Runtime in its library for it, TFLite in Android's own.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import device_jobs
import numpy as np
import pytest
from programs import APP

from android_demo.tools import bionic
from ssc_deploy.android import aar, fetching, jdk, project
from ssc_deploy.android.compiling import Compiler
from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.runner.contract import RUNNER_FILE, FailureKind
from ssc_deploy.profiling.runner.golden import golden_arrays, golden_errors
from ssc_deploy.profiling.targets.app_contract import State, Status
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from ssc_deploy.profiling.job import Job

pytestmark = [pytest.mark.android, pytest.mark.slow, pytest.mark.needs(*APP, "gcc")]

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class App:
    """The app's core and engines, compiled, with a program that does a job in them."""

    compiler: Compiler
    class_path: list[Path]
    native: bionic.Prepared

    def do(self, folder: Path) -> Status:
        """Does the job of a folder."""
        command = self.compiler.jdk.java(
            self.class_path, "RunJob", str(folder / "job.json"), options=self.native.options()
        )
        done = subprocess.run(command, env=self.native.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        status = Status.from_dict(json.loads((folder / "status.json").read_text()))
        assert status == Status.from_dict(json.loads(done.stdout.splitlines()[-1]))
        return status


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    parts = fetching.for_testing(project.find(None))
    libraries = aar.unpack(parts, folder / "aars")
    compiler = Compiler(jdk.find(), parts, libraries, folder / "classes")
    path = [*parts.test_class_path(), *(library.classes for library in libraries.tflite)]
    for module in ("core", "engine-ort", "engine-tflite"):
        path.insert(0, compiler.compile(module, [parts.project.sources(module)], path))
    path.insert(0, compiler.compile("run-job", [HERE], path))
    return App(compiler, path, bionic.prepare(libraries.tflite, "x86_64", folder / "native"))


def written(folder: Path, *suffixes: str, off_by: float = 0.0) -> Job:
    """A job at one and two threads whose outputs are to be kept."""
    job = device_jobs.write(folder, device_jobs.small(*suffixes, off_by=off_by))
    job = dataclasses.replace(job, threads=(1, 2), keep_outputs=True)
    (folder / "job.json").write_text(json.dumps(job.to_dict()), encoding="utf-8")
    return job


def test_a_job_is_done_in_both_runtimes_and_python_believes_the_result(app, tmp_path):
    job = written(tmp_path, ".onnx", ".tflite")
    status = app.do(tmp_path)
    assert (status.state, status.message, status.nonce) == (State.DONE, "", job.nonce)
    assert status.result_sha256 == sha256_of(tmp_path / "result.json")
    result = read_result(tmp_path, job, "the app")
    assert [(m.model, m.threads) for m in result.measurements] == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert set(result.environment.runtimes) == {"onnxruntime", "tflite"}
    for measurement in result.measurements:
        assert measurement.failure is None
        assert len(measurement.turns) == job.protocol.repeats
        assert statistics.latency([turn.samples_ns for turn in measurement.turns]).p50 > 0


def test_the_errors_that_it_tells_are_those_that_python_computes_of_the_outputs_that_it_kept(app, tmp_path):
    job = written(tmp_path, ".onnx", ".tflite")
    app.do(tmp_path)
    result = read_result(tmp_path, job, "the app")
    assert set(result.files) == {"outputs0.npz", "outputs1.npz"}
    for index in range(2):
        with np.load(tmp_path / f"outputs{index}.npz", allow_pickle=False) as kept:
            assert kept.files == ["output.0"]
            outputs = [kept["output.0"]]
        references = golden_arrays(tmp_path / f"golden{index}.npz", "output")
        assert outputs[0].dtype == np.float32
        (expected,) = golden_errors(outputs, references)
        told = result.measurements[2 + index].golden[0]  # the last number of threads wrote the file
        assert told.max == expected["max"]
        assert told.rms == pytest.approx(expected["rms"], rel=1e-12)


def test_a_wrong_answer_is_told_in_the_words_of_the_other_program(app, tmp_path):
    job = written(tmp_path, ".onnx", off_by=1.0)
    assert app.do(tmp_path).state == State.DONE
    failures = [measurement.failure for measurement in read_result(tmp_path, job, "the app").measurements]
    assert {failure.kind for failure in failures} == {FailureKind.WRONG}
    subprocess.run([sys.executable, tmp_path / RUNNER_FILE, tmp_path], check=True, capture_output=True)
    expected = [measurement.failure for measurement in read_result(tmp_path, job, "the runner").measurements]
    assert [failure.message for failure in failures] == [failure.message for failure in expected]


def test_a_damaged_file_fails_the_job_and_leaves_no_result(app, tmp_path):
    written(tmp_path, ".onnx")
    (tmp_path / "model0.onnx").write_bytes(b"something else")
    status = app.do(tmp_path)
    assert status.state == State.FAILED
    assert status.message == "model0.onnx is damaged: it has not the SHA-256 that the job names; copy it again"
    assert not (tmp_path / "result.json").exists()
