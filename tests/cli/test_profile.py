"""``ssc-deploy profile`` and ``compare``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from cli.tester import refused, ssc
from waiting import processes_that_name, wait_for

# Each takes a process or more that loads a runtime.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(exported):
    files, _ = exported
    return files / "mine.tflite"


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    """A profile as JSON, its report, and what the command printed."""
    folder = tmp_path_factory.mktemp("profile")
    options = ["--quick", "--threads", "1,2", "--json", folder / "p.json", "--report", folder / "new" / "r.html"]
    return folder, ssc("profile", model, *options)


def test_it_prints_figures_and_writes_both_files(saved):
    folder, outcome = saved
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("host: ")
    assert lines[2].split()[:3] == ["model", "threads", "p50"]
    assert [line.split()[:2] for line in lines[3:5]] == [["mine.tflite", "1"], ["mine.tflite", "2"]]
    profile = json.loads((folder / "p.json").read_text())
    assert [model["threads"] for model in profile["models"]] == [1, 2]
    assert (folder / "new" / "r.html").read_text().startswith("<!doctype html>")


def test_it_says_what_shifts_and_shuffles_cost(model):
    outcome = ssc("profile", model.with_suffix(".onnx"), "--quick")
    assert "shift and shuffle cost" in outcome.out
    assert "slowest blocks" in outcome.out


def test_a_profile_compared_with_itself_cannot_be_told_apart(saved):
    folder, _ = saved
    outcome = ssc("compare", folder / "p.json", folder / "p.json")
    assert outcome.code == 0
    assert outcome.out.count("cannot tell whether mine.tflite") == 2
    assert ssc("compare", folder / "p.json", folder / "p.json", "--format", "json").json["changes"]


def test_a_wrong_answer_ends_with_1_and_without_a_latency(model, tmp_path):
    shutil.copy(model, tmp_path)
    with np.load(model.with_name("mine.golden.npz")) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["outputs"] = arrays["outputs"] + 1
    np.savez(tmp_path / "mine.golden.npz", **arrays)
    outcome = ssc("profile", tmp_path / "mine.tflite", "--quick")
    assert outcome.code == 1
    assert "no figures" not in outcome.out
    assert " ms" not in outcome.out
    assert "output 0 is off by max 1.0" in outcome.out


def test_files_that_are_there_are_not_replaced(model, saved, tmp_path):
    (tmp_path / "p.json").write_text("precious")
    sentence = refused("profile", model, "--quick", "--json", tmp_path / "p.json")
    assert "exists already; give --overwrite" in sentence
    assert (tmp_path / "p.json").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--threads", "0"], "at least one thread"),
        (["--threads", "1,-2"], "at least one thread"),
        (["--device", "toaster"], "there is no device 'toaster'; write one of: host, ssh:USER@HOST[:PORT]"),
        (["--pin", "-1"], "no such core"),
        (["--pin", "4095", "--quick"], "cannot be pinned to the cores 4095"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(model, arguments, sentence):
    assert sentence in refused("profile", model, *arguments)


@pytest.mark.parametrize("size", [64, 16384])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(model, tmp_path, size):
    """The process may write so many bytes a file: the job's folder cannot be filled, or its files not be written."""
    pytest.importorskip("resource")
    script = "import sys, resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    script += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
    script += "from ssc_deploy.cli import main; main(sys.argv[1:], 'ssc-deploy')"
    command = [sys.executable, "-c", script, "profile", str(model), "--quick", "--report", str(tmp_path / "r.html")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "cannot be written: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"text")
    assert "a.onnx cannot be loaded" in refused("profile", tmp_path / "a.onnx")
    assert "is not there, or no file" in refused("profile", tmp_path / "b.tflite")
    assert "No runtime is known for 'net.pt'" in refused("profile", tmp_path / "net.pt")
    assert "is not a profile" in refused("compare", tmp_path / "a.onnx", tmp_path / "a.onnx")
    assert "cannot be read: No such file" in refused("compare", tmp_path / "x", tmp_path / "y")


def test_one_name_for_both_files_is_a_usage_error(model, tmp_path):
    outcome = ssc("profile", model, "--report", tmp_path / "a", "--json", tmp_path / "a")
    assert outcome.code == 2
    assert "name the same file" in outcome.err


@pytest.mark.parametrize("text", ["one", "1,,2", ""])
def test_threads_that_are_no_numbers_are_usage_errors(model, text):
    outcome = ssc("profile", model, "--threads", text)
    assert outcome.code == 2
    assert "is not of the form 1,2,4" in outcome.err


@pytest.mark.parametrize("option", ["--report", "--json"])
def test_what_is_profiled_is_never_replaced_by_what_is_said_of_it(model, tmp_path, option):
    there = {tmp_path / name: (model.parent / name).read_bytes() for name in ("mine.tflite", "mine.golden.npz")}
    for path, data in there.items():
        path.write_bytes(data)
    for path in there:
        message = refused("profile", tmp_path / "mine.tflite", "--quick", option, path, "--overwrite")
        assert "is a model to profile, or its golden set" in message
    assert {path: path.read_bytes() for path in there} == there


def test_of_a_file_without_a_golden_set_it_is_said_that_nobody_checked_it(model, saved, tmp_path):
    shutil.copy(model, tmp_path / "copied.tflite")
    outcome = ssc("profile", tmp_path / "copied.tflite", "--quick")
    assert outcome.code == 0
    assert "copied.tflite has no golden set beside it: only that the device computes what this host does" in outcome.out
    assert "no golden set" not in saved[1].out


def test_as_json_two_files_of_one_name_and_one_file_twice_are_told_apart_and_nothing_else_is_said(model, tmp_path):
    paths = [tmp_path / folder / "net.tflite" for folder in ("old", "new")]
    for path in paths:
        path.parent.mkdir()
        shutil.copy(model, path)
    outcome = ssc("profile", *paths, paths[0], "--quick", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found["schema_version"] == 1
    assert [one["model"] for one in found["models"]] == ["old/net.tflite", "new/net.tflite", "old/net.tflite (2)"]
    assert [one["failure"] for one in found["models"]] == [None] * 3


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "a latency without the times that it comes from"),
        ([{"start_ns": 0, "samples_ns": []}] * 5, "samples_ns is empty"),
        ([{"start_ns": 0, "samples_ns": [0]}] * 5, "samples_ns[0] is 0, less than 1"),
    ],
)
def test_a_saved_profile_that_was_damaged_is_refused(saved, tmp_path, turns, reason):
    profile = json.loads((saved[0] / "p.json").read_text())
    profile["models"][0]["turns"] = turns
    (tmp_path / "p.json").write_text(json.dumps(profile))
    assert reason in refused("compare", tmp_path / "p.json", saved[0] / "p.json")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_profile_that_is_told_to_end_leaves_no_folder_and_no_process(model, tmp_path, number):
    # Whoever started the tests, as nohup does, may have switched the signal off for what they start.
    script = f"import signal; signal.signal({int(number)}, signal.SIG_DFL); from ssc_deploy.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "profile", str(model)], env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    wait_for(lambda: list(tmp_path.glob("ssc-deploy-*/job.json")) or process.poll() is not None)
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert processes_that_name(str(tmp_path)) == []


def test_nothing_of_onnx_runtimes_telemetry_is_left_behind(model, tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(temporary)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    for name in [name for name in environment if name.startswith("XDG_")]:
        environment.pop(name)
    file = str(model.with_suffix(".onnx"))
    command = [sys.executable, "-c", "from ssc_deploy.cli import main; main()", "profile", file, "--quick"]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    assert [path for folder in (home, temporary) for path in folder.rglob("*")] == []
