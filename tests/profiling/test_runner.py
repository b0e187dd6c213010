"""The runner on this host, as it runs on a device: in a process of its own, from the files of a job."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from profiling.conftest import rewrite
from waiting import PATIENCE, processes_that_name, wait_for

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import QUICK
from ssc_deploy.profiling.preparing import prepare
from ssc_deploy.profiling.runner.clocks import ClockWatch
from ssc_deploy.profiling.runner.contract import RUNNER_FILE, FailureKind
from ssc_deploy.profiling.runner.errors import ModelError
from ssc_deploy.profiling.runner.golden import golden_errors, objection, slice_objection
from ssc_deploy.profiling.runner.latency import measure_in_turns, timed
from ssc_deploy.profiling.targets import parse, process
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.verification.tolerance import Tolerance

if TYPE_CHECKING:
    from pathlib import Path

# Each takes a process or more that loads a runtime.
pytestmark = pytest.mark.slow


def run(folder: Path, prefix: str = "pass") -> subprocess.CompletedProcess[str]:
    """The runner as a target starts it; ``prefix`` is run before it in the same process."""
    script = f"import sys, runpy; {prefix}; sys.argv = [{RUNNER_FILE!r}, {str(folder)!r}]; "
    script += f"runpy.run_path({str(folder / RUNNER_FILE)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def result_of(folder: Path):
    return json.loads((folder / "result.json").read_text())


def test_a_job_is_done_by_the_protocol(files, tmp_path):
    protocol = dataclasses.replace(QUICK, runs=31, seconds=0.05, repeats=5)
    job = prepare(tmp_path, [files / "mine.onnx", files / "mine.tflite"], threads=(1, 2), protocol=protocol)
    lines: list[str] = []
    result = parse("host").run(tmp_path, job, lines.append)
    assert [(one.threads, one.model) for one in result.measurements] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    for one in result.measurements:
        assert one.failure is None
        assert len(one.turns) == 5
        assert all(len(turn.samples_ns) >= 7 for turn in one.turns)
        assert sum(sum(turn.samples_ns) for turn in one.turns) >= 0.05e9
        assert one.fresh is not None
        assert one.fresh.peak_bytes > one.fresh.baseline_bytes > 0
        assert one.golden[0].max <= job.models[0].golden.bounds[0].max
        assert one.operators, one.operators_note
    assert [peak.threads for peak in result.peaks] == [1, 2]
    assert all(peak.gmac_per_s > 0.1 and peak.gbyte_per_s > 0.1 for peak in result.peaks)
    assert "turn 5/5, 2 threads" in lines
    assert not (tmp_path / "result.json.part").exists()


def test_litert_operators_are_named_after_the_tensors_of_the_file(files, tmp_path):
    job = prepare(tmp_path, [files / "mine.tflite"], protocol=QUICK)
    (one,) = parse("host").run(tmp_path, job, lambda _: None).measurements
    from ssc_deploy.runtimes.litert import LiteRT

    assert {operator.name for operator in one.operators} <= set(LiteRT().tensors(files / "mine.tflite"))
    assert any("DWConv" in operator.operator and "nudge" in operator.name.lower() for operator in one.operators), (
        one.operators
    )


def test_a_wrong_answer_is_not_timed(job):
    folder, wanted = job
    entry = wanted.models[0]
    golden = dict(np.load(folder / entry.golden.file))
    golden["output.0"] += 1.0
    np.savez(folder / entry.golden.file, **golden)
    changed = dataclasses.replace(entry.golden, sha256=sha256_of(folder / entry.golden.file))
    asked = dataclasses.replace(wanted, models=(dataclasses.replace(entry, golden=changed),))
    rewrite(folder, asked)
    (one,) = parse("host").run(folder, asked, lambda _: None).measurements
    assert one.failure.kind == FailureKind.WRONG
    assert "output 0 is off by max 1.00e+00" in one.failure.message
    assert (one.turns, one.fresh, one.operators) == ((), None, ())


def test_a_model_that_is_wrong_does_not_keep_the_others_from_being_measured(files, tmp_path):
    job = prepare(tmp_path, [files / "mine.onnx", files / "mine.tflite"], protocol=QUICK)
    wrong = dataclasses.replace(job.models[0].golden, bounds=(Tolerance(0.0, 0.0),))
    asked = dataclasses.replace(job, models=(dataclasses.replace(job.models[0], golden=wrong), job.models[1]))
    rewrite(tmp_path, asked)
    first, second = parse("host").run(tmp_path, asked, lambda _: None).measurements
    assert (first.failure.kind, second.failure) == (FailureKind.WRONG, None)
    assert len(second.turns) == QUICK.repeats


def test_without_a_protocol_the_golden_set_is_all_and_outputs_come_back(files, tmp_path):
    job = dataclasses.replace(prepare(tmp_path, [files / "mine.tflite"], protocol=None), keep_outputs=True)
    rewrite(tmp_path, job)
    result = parse("host").run(tmp_path, job, lambda _: None)
    (one,) = result.measurements
    assert (one.failure, one.turns, one.fresh, result.peaks) == (None, (), None, ())
    with np.load(tmp_path / "outputs0.npz") as outputs, np.load(tmp_path / "golden0.npz") as golden:
        assert np.abs(outputs["output.0"] - golden["output.0"]).max() == one.golden[0].max
    assert list(result.files) == ["outputs0.npz"]


@pytest.mark.parametrize("name", ["model0.onnx", "golden0.npz"])
def test_a_file_that_was_damaged_on_the_way_is_named(job, name):
    folder, wanted = job
    with (folder / name).open("ab") as file:
        file.write(b"!")
    with pytest.raises(TargetError, match=rf"{name} is damaged: .* copy it again"):
        parse("host").run(folder, wanted, lambda _: None)


def test_a_file_that_is_missing_is_named(job):
    folder, wanted = job
    (folder / "golden0.npz").unlink()
    with pytest.raises(TargetError, match=r"golden0\.npz cannot be read: No such file"):
        parse("host").run(folder, wanted, lambda _: None)


def test_a_job_of_another_version_or_with_a_path_is_refused(job):
    folder, wanted = job
    rewrite(folder, dataclasses.replace(wanted, schema_version=9))
    assert "schema version 9" in run(folder).stderr
    outside = dataclasses.replace(wanted.models[0], file="../model0.onnx")
    rewrite(folder, dataclasses.replace(wanted, models=(outside,)))
    done = run(folder)
    assert done.returncode == 2
    assert "which is not a file of its folder" in done.stderr
    (folder / "job.json").write_text("{")
    assert run(folder).returncode == 2


@pytest.mark.parametrize(
    ("suffix", "packages", "wheel"),
    [("onnx", ["onnxruntime"], "onnxruntime"), ("tflite", ["ai_edge_litert", "tflite_runtime"], "ai-edge-litert")],
)
def test_a_runtime_that_is_missing_is_named_with_the_command_that_installs_it(files, tmp_path, suffix, packages, wheel):
    prepare(tmp_path, [files / f"mine.{suffix}"], protocol=None)
    done = run(tmp_path, f"sys.modules.update(dict.fromkeys({packages}))")
    assert done.returncode == 0, done.stderr
    failure = result_of(tmp_path)["measurements"][0]["failure"]
    assert failure == {
        "kind": "no runtime",
        "message": f"{wheel} is not installed; install it with: python3 -m pip install {wheel}",
    }


def test_without_numpy_it_says_what_to_install(job):
    folder, _ = job
    done = run(folder, "sys.modules['numpy'] = None")
    assert done.returncode == 2
    assert done.stderr == "numpy is not installed here; install it with: python3 -m pip install numpy\n"


def test_a_file_that_the_runtime_refuses_is_a_result(job):
    folder, wanted = job
    (folder / "model0.onnx").write_bytes(b"not a model")
    entry = dataclasses.replace(wanted.models[0], sha256=sha256_of(folder / "model0.onnx"))
    asked = dataclasses.replace(wanted, models=(entry,))
    rewrite(folder, asked)
    (one,) = parse("host").run(folder, asked, lambda _: None).measurements
    assert one.failure.kind == FailureKind.REFUSED
    assert one.failure.message.startswith("the runtime refuses it: ")


def test_a_full_disk_leaves_no_result_and_a_sentence(job):
    pytest.importorskip("resource")
    folder, wanted = job
    rewrite(folder, dataclasses.replace(wanted, protocol=None))
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    done = run(folder, limit + "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))")
    assert done.returncode == 3
    assert "result.json cannot be written: File too large" in done.stderr
    assert not list(folder.glob("result.json*"))


def test_a_runner_that_is_killed_half_way_is_told():
    script = "import os, sys; print('turn 1/20', flush=True); os.kill(os.getpid(), 9)"
    lines: list[str] = []
    ended = process.run([sys.executable, "-c", script], lines.append, where="the board")
    assert lines == ["turn 1/20"]
    assert ended.reason == "it was ended by SIGKILL"


def test_a_host_whose_runner_dies_has_no_result(job):
    folder, wanted = job
    (folder / RUNNER_FILE).write_text("import os; os.abort()")
    with pytest.raises(TargetError, match="could not be done on this host: it was ended by SIGABRT"):
        parse("host").run(folder, wanted, lambda _: None)


def test_a_runner_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    child = f"import time; time.sleep({PATIENCE})"
    script = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {child!r}, {str(tmp_path)!r}]).pid, flush=True)
time.sleep({PATIENCE})
"""
    started: list[str] = []
    silence = 1.0
    while not started:  # on a busy machine it may be ended before it has begun
        silence *= 2
        with pytest.raises(TargetError, match=f"has said nothing for {silence:.0f} s"):
            process.run([sys.executable, "-c", script], started.append, where="the board", silence=silence)
    wait_for(lambda: not processes_that_name(str(tmp_path)))


def test_a_program_that_closes_its_output_and_runs_on_is_ended():
    script = "import os, time; os.close(1); time.sleep(600)"
    with pytest.raises(TargetError, match="has said nothing for 2 s and was stopped"):
        process.run([sys.executable, "-c", script], lambda _: None, where="the board", silence=2.0)


def test_a_program_that_is_not_there_is_told():
    with pytest.raises(TargetError, match="the board: no-such-program cannot be started"):
        process.run(["no-such-program"], lambda _: None, where="the board")


@pytest.mark.parametrize("step", [0, -5])
def test_a_clock_that_stands_still_or_goes_back_is_no_clock(step):
    readings = itertools.count(1000, step) if step else itertools.repeat(1000)
    with pytest.raises(ModelError, match=f"moved by {step} ns") as caught:
        timed(lambda: None, 3, 1, clock=lambda: next(readings))
    assert caught.value.kind == FailureKind.CLOCK


def test_a_clock_that_goes_back_fails_the_model_that_it_times_and_no_other():
    now = [0]

    def clock() -> int:
        now[0] += 1000
        return now[0]

    def back() -> None:
        now[0] -= 10_000

    failures: dict[int, ModelError] = {}
    protocol = {"warmup_runs": 1, "warmup_seconds": 0.0, "runs": 4, "seconds": 0.0, "repeats": 2, "rewarm_runs": 0}
    turns = measure_in_turns({0: back, 1: lambda: None}, protocol, failures, lambda _: None, clock)
    assert list(turns) == [1]
    assert failures[0].kind == FailureKind.CLOCK


def test_a_model_that_fails_between_two_turns_is_not_run_again():
    runs = [0]

    def fails() -> None:
        runs[0] += 1
        if runs[0] > 1:  # the first run of warming up is well
            raise RuntimeError("no memory")

    failures: dict[int, ModelError] = {}
    protocol = {"warmup_runs": 1, "warmup_seconds": 0.0, "runs": 2, "seconds": 0.0, "repeats": 1, "rewarm_runs": 2}
    turns = measure_in_turns({0: fails, 1: lambda: None}, protocol, failures, lambda _: None)
    assert runs == [2]
    assert list(turns) == [1]
    assert "no memory" in str(failures[0])


def test_the_models_take_turns_and_each_is_first_in_its_turn():
    order: list[str] = []
    protocol = {"warmup_runs": 1, "warmup_seconds": 0.0, "runs": 6, "seconds": 0.0, "repeats": 3, "rewarm_runs": 0}
    calls = {i: lambda name=name: order.append(name) for i, name in enumerate("ab")}
    measure_in_turns(calls, protocol, {}, lambda _: None)
    assert "".join(order[2:]) == "aabb" + "bbaa" + "aabb"


@pytest.mark.parametrize(
    ("passed", "notes"),
    [
        ({"wall": 10.0, "monotonic": 10.0, "boot": 10.0}, []),
        ({"wall": 10.004, "monotonic": 10.0, "boot": 10.0}, []),
        ({"wall": 13.0, "monotonic": 10.0, "boot": 13.0}, ["the device slept for 3.0 s"]),
        ({"wall": -3600.0, "monotonic": 10.0, "boot": 10.0}, ["the wall clock jumped by -3610.0 s"]),
        ({"wall": 15.0, "monotonic": 10.0}, ["the wall clock jumped by +5.0 s"]),
    ],
)
def test_a_clock_that_was_set_and_a_device_that_slept_are_noticed(passed, notes):
    before = dict.fromkeys(passed, 1_000_000_000)
    after = {name: before[name] + round(seconds * 1e9) for name, seconds in passed.items()}
    found = ClockWatch.compare(before, after)
    assert len(found) == len(notes)
    assert all(note in line for note, line in zip(notes, found, strict=True))


def test_cores_that_are_not_there_are_refused_with_those_that_are(job):
    folder, wanted = job
    asked = dataclasses.replace(wanted, pin=(4095,))
    rewrite(folder, asked)
    with pytest.raises(TargetError, match=r"cannot be pinned to the cores 4095: .* the cores here are 0"):
        parse("host").run(folder, asked, lambda _: None)


def test_golden_errors_are_distances_and_what_is_not_finite_is_none():
    reference = [np.zeros((2, 3))]
    assert golden_errors([np.full((2, 3), 2.0, np.float32)], reference) == [{"max": 2.0, "rms": 2.0}]
    bad = golden_errors([np.full((2, 3), np.nan, np.float32)], reference)
    assert bad == [{"max": None, "rms": None}]
    assert objection(bad, [{"max": 9.0, "rms": 9.0}]) == "output 0 holds NaN or Inf"
    with pytest.raises(ModelError, match="was expected"):
        golden_errors([np.zeros((2, 4), np.float32)], reference)
    assert objection([], []) == "it has 0 outputs, and there are bounds for 0"


def test_the_probe_says_what_the_device_is():
    description = parse("host").describe()
    assert description.ready
    assert set(description.environment.runtimes) >= {"onnxruntime", "ai-edge-litert"}
    assert description.environment.cores >= 1
    assert description.to_dict()["spec"] == "host"


def test_an_output_outside_of_the_bound_of_its_channel_is_a_wrong_answer():
    reference = [np.zeros((2, 1, 3, 4))]
    output = [reference[0].astype(np.float32)]
    output[0][1, 0, 2, 3] = 0.5
    bounds = {"max": 1.0, "rms": 1.0, "axes": [{"axis": 1, "max": [0.1, 0.1, 0.6]}]}
    assert slice_objection(output, reference, [bounds]) is None
    assert slice_objection(output, reference, [{"max": 1.0, "rms": 1.0}]) is None
    bounds["axes"].append({"axis": 2, "max": [1.0, 1.0, 1.0, 1e-3]})
    said = slice_objection(output, reference, [bounds])
    assert said == "output 0 is off by max 5.00e-01 (allowed 1.00e-03) at index 3 of axis 2"
    for axis in ({"axis": 1, "max": [1.0]}, {"axis": 3, "max": [1.0]}):
        said = slice_objection(output, reference, [{"max": 1.0, "rms": 1.0, "axes": [axis]}])
        assert said.startswith("there are 1 bounds along axis")
