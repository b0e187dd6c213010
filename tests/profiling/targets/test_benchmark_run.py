"""A runtime's own benchmark program on a phone, in place of the demo app."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import device_jobs
import pytest

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.job import Protocol
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import benchmark_program

PROTOCOL = Protocol(2, 0.0, 12, 0.0, 3, 2, 0, 1)
MARKS = {"benchmark_model": b"--warmup_min_secs", "onnxruntime_perf_test": b"libonnxruntime.so"}


pytestmark = pytest.mark.slow


def silent(_line: str) -> None:
    """Nobody looks at the progress here."""


def program(folder, name, machine=183, mark=None):
    """A program file as the NDK makes it, as far as it is looked at here."""
    path = folder / name
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + machine.to_bytes(2, "little")
    path.write_bytes(header + bytes(44) + (MARKS[name] if mark is None else mark))
    return path


def refused(phones, folder, path, protocol=PROTOCOL):
    """The sentence of a run that has to fail."""
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".tflite"), protocol)
    with pytest.raises(TargetError) as caught:
        targets.parse("adb", benchmark=path).run(folder, job, silent)
    assert phones.left() == []
    return str(caught.value)


def test_tflite_s_program_gives_a_sample_a_process(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".tflite"), PROTOCOL)
    lines = []
    target = targets.parse("adb", benchmark=program(folder, "benchmark_model"))
    result = target.run(folder, job, lines.append)
    (only,) = result.measurements
    assert only.failure is None
    assert [turn.samples_ns for turn in only.turns] == [(812_000,) * 4] * 3
    assert (only.fresh.load_ns, only.fresh.first_ns) == (4_521_000, 2_014_000)
    assert lines == [f"turn {turn}/3, 1 thread" for turn in (1, 2, 3)]
    assert phones.left() == []
    assert not (phones.phone() / "stay").exists()


def test_onnx_runtime_s_program_gives_the_times_of_all_runs(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx"), dataclasses.replace(PROTOCOL, seconds=0.015))
    result = targets.parse("adb", benchmark=program(folder, "onnxruntime_perf_test")).run(folder, job, silent)
    (only,) = result.measurements
    # A turn of 5 ms takes 6 to 10 runs of 0.5 to 0.9 ms; the two slow ones at its start are not kept.
    assert len({turn.samples_ns for turn in only.turns}) == 1
    assert set(only.turns[0].samples_ns) == {512_345}
    assert 6 <= len(only.turns[0].samples_ns) <= 10
    assert (only.fresh.load_ns, only.fresh.first_ns) == (10_201_600, 2_000_000)


def test_that_nobody_checked_the_answers_is_said(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".tflite"), PROTOCOL)
    result = targets.parse("adb", benchmark=program(folder, "benchmark_model")).run(folder, job, silent)
    assert result.measurements[0].golden == ()
    assert result.notes[0].startswith("the answers were not checked on this phone: timed by benchmark_model")
    assert result.environment.device == "Fairphone FP5"


def test_a_model_of_the_other_format_is_told_so_and_the_rest_is_measured(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx", ".tflite"), PROTOCOL)
    result = targets.parse("adb", benchmark=program(folder, "benchmark_model")).run(folder, job, silent)
    assert result.measurements[0].failure.kind == FailureKind.NO_RUNTIME
    assert "benchmark_model runs .tflite files" in result.measurements[0].failure.message
    assert result.measurements[1].failure is None


@pytest.mark.parametrize(("behaviour", "said"), [("refuses", "Benchmarking failed."), ("crashes", "exit code 139")])
@pytest.mark.parametrize("name", MARKS)
def test_a_program_that_fails_gives_no_figures(phones, folder, name, behaviour, said):
    phones.benchmark = behaviour
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".tflite" if name == "benchmark_model" else ".onnx"), PROTOCOL)
    (only,) = targets.parse("adb", benchmark=program(folder, name)).run(folder, job, silent).measurements
    assert (only.failure.kind, only.turns, only.fresh) == (FailureKind.FAILED, (), None)
    assert only.failure.message == f"{name} fails: {said}"
    assert phones.left() == []


def test_a_hostile_name_of_a_program_is_no_command(phones, folder):
    path = program(folder, "bench $(touch oops); 'mark", mark=MARKS["benchmark_model"])
    job = device_jobs.write(folder, device_jobs.small(".tflite"), PROTOCOL)
    (only,) = targets.parse("adb", benchmark=path).run(folder, job, silent).measurements
    assert only.failure is None
    assert not list(phones.folder.rglob("oops"))
    assert not Path("oops").exists()
    assert phones.left() == []


def test_a_program_for_another_processor(phones, folder):
    message = refused(phones, folder, program(folder, "benchmark_model", machine=62))
    assert "is built for x86_64, and the phone runs arm64-v8a, armeabi-v7a" in message


def test_a_file_that_is_no_program(phones, folder):
    (folder / "benchmark_model").write_text("#!/bin/sh\n")
    assert "is not a program for Android" in refused(phones, folder, folder / "benchmark_model")


def test_a_program_that_is_not_there(phones, folder):
    assert "nowhere cannot be read: No such file" in refused(phones, folder, folder / "nowhere")


def test_a_program_of_no_known_runtime(phones, folder):
    message = refused(phones, folder, program(folder, "benchmark_model", mark=b"doom"))
    assert "known are onnxruntime_perf_test and benchmark_model" in message


def test_the_golden_set_cannot_be_asked_of_it(phones, folder):
    message = refused(phones, folder, program(folder, "benchmark_model"), protocol=None)
    assert message == "a benchmark program cannot replay the golden set; leave `benchmark_binary` out"


def test_a_full_phone(phones, folder):
    phones.space = 10
    assert "has no room for benchmark_model in /data/local/tmp/" in refused(
        phones, folder, program(folder, "benchmark_model")
    )


@pytest.mark.parametrize("spec", ["host", "ssh:pi@board", "qemu:aarch64"])
def test_only_phones_take_one(spec, tmp_path):
    with pytest.raises(TargetError, match=r"use `benchmark_binary` with adb\[:SERIAL\]"):
        targets.parse(spec, benchmark=tmp_path)


def test_scientific_notation_of_large_means_is_read():
    (tflite,) = (kind for kind in benchmark_program.KINDS if kind.suffix == ".tflite")
    text = "Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3e+06, Inference (avg): 2.95034e+06"
    assert tflite.samples(text) == [2_950_340_000]
