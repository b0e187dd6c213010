"""What a device is asked and what it answers, as JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import Golden, Job, ModelFile, Protocol, Result, read_json
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import parse
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.verification.tolerance import Tolerance

JOB = Job(
    "n",
    (ModelFile("a.onnx", "model0.onnx", "00" * 32, 3, Golden("golden0.npz", "11" * 32, (Tolerance(1e-3, 1e-4),))),),
    (1, 2),
    Protocol(repeats=2),
)
SNAPSHOT = {"unix_time": 1.0}
ENVIRONMENT = {
    "device": "board",
    "processor": "p",
    "machine": "aarch64",
    "cores": 4,
    "memory_bytes": None,
    "system": "Linux",
    "runner": "Python",
    "runtimes": {"onnxruntime": "1.20"},
}
TURN = {"start_ns": 0, "samples_ns": [5, 6]}
MEASUREMENT = {"model": 0, "golden": [{"max": 1e-4, "rms": 1e-5}], "turns": [TURN, TURN]}
RESULT = {
    "schema_version": 1,
    "nonce": "n",
    "environment": ENVIRONMENT,
    "before": SNAPSHOT,
    "after": SNAPSHOT,
    "measurements": [{**MEASUREMENT, "threads": threads} for threads in (1, 2)],
}


def test_a_job_survives_its_json():
    assert Job.from_dict(json.loads(json.dumps(JOB.to_dict()))) == JOB


def test_a_job_names_every_file_with_its_hash():
    assert JOB.files == {"model0.onnx": "00" * 32, "golden0.npz": "11" * 32}


def test_a_result_survives_its_json_and_says_only_what_it_knows():
    result = Result.from_dict(RESULT)
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert result.before.governor == {}
    assert result.measurements[0].turns[0].samples_ns == (5, 6)


def test_a_newer_runner_may_say_more():
    assert Result.from_dict({**RESULT, "battery": 1}) == Result.from_dict(RESULT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema version 1"),
        ({"nonce": 3}, "nonce is 3, not a str"),
        ({"environment": {}}, "environment.device is missing"),
        ({"environment": {**ENVIRONMENT, "cores": True}}, "environment.cores is True, not a int"),
        ({"before": []}, "before is not an object"),
        ({"measurements": {}}, "measurements is not a list"),
        ({"measurements": [{"model": 0, "threads": 1, "turns": [{"start_ns": 0, "samples_ns": [1.5]}]}]}, "samples_ns"),
        ({"environment": {**ENVIRONMENT, "runtimes": {"a": 1}}}, "environment.runtimes.a is 1, not a str"),
    ],
)
def test_what_is_malformed_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        Result.from_dict({**RESULT, **change})


@pytest.mark.parametrize("value", [None, [], "text", 1])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(ValueError, match="schema version"):
        Job.from_dict(value)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_refused(constant, tmp_path):
    (tmp_path / "result.json").write_text(f'{{"x": {constant}}}')
    with pytest.raises(ValueError, match=f"holds {constant}"):
        read_json(tmp_path / "result.json")


def measured(**changes):
    """The measurements, each with changes."""
    return {"measurements": [{**MEASUREMENT, "threads": threads, **changes} for threads in (1, 2)]}


def _read(folder, **changes):
    (folder / "result.json").write_text(json.dumps({**RESULT, **changes}))
    return read_result(folder, JOB, "the board")


def test_a_result_is_read_and_checked_against_its_job(tmp_path):
    assert _read(tmp_path) == Result.from_dict(RESULT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nonce": "other"}, "result of another job"),
        ({"measurements": RESULT["measurements"][:1]}, "not complete"),
        ({"measurements": RESULT["measurements"][::-1]}, "not complete"),
        (measured(turns=[]), "neither figures nor a failure"),
        (measured(turns=[TURN, {"start_ns": 0, "samples_ns": []}]), "samples_ns is empty"),
        (measured(turns=[TURN]), "1 turns of 2"),
        (measured(turns=[TURN, {"start_ns": 0, "samples_ns": [-1]}]), r"samples_ns\[0\] is -1, less than 1"),
        (measured(operators=[{"name": "a", "operator": "Conv", "ns": -1}]), "ns is -1, less than 0"),
        ({"peaks": [{"threads": 1, "gmac_per_s": 1, "gbyte_per_s": 0}]}, "gbyte_per_s is 0.0, not more than 0"),
        ({"before": {"unix_time": 1e18}}, "unix_time is 1e.18, more than"),
        ({"before": {"unix_time": 1.0, "load": 10**400}}, "more than 64 bits"),
        (measured(turns=[TURN, {"start_ns": 0, "samples_ns": [2**63]}]), "more than 64 bits"),
        ({"environment": {**ENVIRONMENT, "device": "\ud800"}}, "half a character"),
        ({"files": {"outputs0.npz": "00" * 32}}, "damaged, or not at all"),
        ({"files": {"../job.json": "00" * 32}}, "no name of a file in the job's folder"),
        ({"environment": None}, "cannot be read"),
    ],
)
def test_a_device_is_not_believed(changes, message, tmp_path):
    with pytest.raises(TargetError, match=message):
        _read(tmp_path, **changes)


def test_a_number_beyond_float64_is_refused(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT).replace('"unix_time": 1.0', '"unix_time": 1e999'))
    with pytest.raises(TargetError, match="is not finite"):
        read_result(tmp_path, JOB, "the board")


@pytest.mark.parametrize(
    "golden",
    [[], [{"max": 7.0, "rms": 1e-5}], [{"max": 1e-4, "rms": 1.0}], [{"max": None, "rms": None}]],
)
@pytest.mark.parametrize("timed", [True, False])
def test_no_figures_are_taken_with_an_answer_that_is_wrong_whatever_the_device_says(golden, timed, tmp_path):
    job = JOB if timed else dataclasses.replace(JOB, protocol=None)
    (tmp_path / "result.json").write_text(json.dumps({**RESULT, **measured(golden=golden)}))
    for one in read_result(tmp_path, job, "the board").measurements:
        assert one.failure.kind == FailureKind.WRONG
        assert not one.turns


def test_a_result_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TargetError, match="the board brought no result back: No such file"):
        read_result(tmp_path, JOB, "the board")


def test_a_result_that_nests_without_end_is_refused(tmp_path):
    (tmp_path / "result.json").write_text("[" * 200_000)
    with pytest.raises(TargetError, match="cannot be read"):
        read_result(tmp_path, JOB, "the board")


def test_nothing_timed_needs_no_turns(tmp_path):
    untimed = dataclasses.replace(JOB, protocol=None)
    (tmp_path / "result.json").write_text(json.dumps({**RESULT, **measured(turns=[])}))
    assert len(read_result(tmp_path, untimed, "the board").measurements) == 2


@pytest.mark.parametrize("spec", ["", "toaster", "Host", "ssh"])
def test_a_device_that_there_is_not_is_refused_with_the_right_spellings(spec):
    with pytest.raises(TargetError, match=r"ssh:USER@HOST|USER@HOST"):
        parse(spec)


def test_the_host_takes_nothing_behind_it():
    with pytest.raises(TargetError, match="takes nothing behind it"):
        parse("host:1")
    assert parse("host").spec == "host"
