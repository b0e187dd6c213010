"""Jobs over a real ssh, to a server on loopback: what comes back, what is said when it fails, what is left there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import device_jobs
import pytest
import sshd
from waiting import PATIENCE, processes_in, wait_for

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import ssh_connection
from ssc_deploy.profiling.targets.reading import read_result

RUN = """
import json, pathlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have switched Ctrl-C off
from ssc_deploy.profiling import job, targets
folder = pathlib.Path(sys.argv[1])
asked = job.Job.from_dict(json.loads((folder / "job.json").read_text()))
targets.parse(sys.argv[2]).run(folder, asked, lambda line: print(line, flush=True))
"""


pytestmark = [pytest.mark.slow, pytest.mark.needs(*sshd.PROGRAMS)]


def silent(_line: str) -> None:
    """Nobody looks at the progress here."""


def refused(board, folder, job=None, spec=None):
    """The sentence of a run that has to fail; nothing is left over there."""
    job = job or device_jobs.write(folder, device_jobs.small(".onnx"))
    with pytest.raises(TargetError) as caught:
        targets.parse(spec or board.spec).run(folder, job, silent)
    assert board.left() == []
    assert not (folder / "result.json").exists()
    return str(caught.value)


def test_a_job_is_measured_there_and_nothing_is_left(board, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx", ".tflite"))
    lines = []
    with board.running():
        result = targets.parse(board.spec).run(folder, job, lines.append)
    assert [one.failure for one in result.measurements] == [None, None]
    assert all(len(turn.samples_ns) >= 5 for one in result.measurements for turn in one.turns)
    assert result == read_result(folder, job, "here")
    assert any(line.startswith("turn 2/2") for line in lines)
    assert board.left() == []


def test_outputs_come_back_where_the_job_asks_for_them(board, folder):
    job = dataclasses.replace(device_jobs.write(folder, device_jobs.small(".onnx"), None), keep_outputs=True)
    (folder / "job.json").write_text(json.dumps(job.to_dict()))
    with board.running():
        result = targets.parse(board.spec).run(folder, job, silent)
    assert list(result.files) == ["outputs0.npz"]
    assert (folder / "outputs0.npz").is_file()
    assert board.left() == []


def test_what_the_login_shell_prints_is_passed_over(board, folder):
    (board.folder / ".bashrc").write_text('echo welcome; echo \'{"event": "result"}\'\n')
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    with board.running():
        assert targets.parse(board.spec).run(folder, job, silent).measurements[0].failure is None


def test_an_answer_that_is_wrong_there_comes_back_without_figures(board, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx", off_by=0.01))
    with board.running():
        (only,) = targets.parse(board.spec).run(folder, job, silent).measurements
    assert only.failure.kind == FailureKind.WRONG
    assert not only.turns
    assert only.fresh is None


def test_the_environment_of_a_board_is_described(board):
    with board.running():
        description = targets.parse(board.spec).describe()
    assert description.ready
    assert set(description.environment.runtimes) >= {"onnxruntime", "ai-edge-litert"}
    assert description.environment.machine in description.detail
    assert board.left() == []


def test_a_virtual_environment_of_ours_is_taken_before_python3(board, folder):
    board.python(["/bin/false"])
    place = board.folder / ".ssc-deploy" / "bin"
    place.mkdir(parents=True)
    (place / "python").write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    (place / "python").chmod(0o755)
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    with board.running():
        assert targets.parse(board.spec).run(folder, job, silent).measurements[0].failure is None


# ---- the connection


def test_a_host_that_does_not_answer(board, folder):
    with sshd.closed_port() as board.port:
        message = refused(board, folder)
        assert not targets.parse(board.spec).describe().ready
    assert re.search(r"127\.0\.0\.1:\d+ cannot be reached \(.*Connection refused\); look whether it is on", message)
    assert f"whether ssh -p {board.port} " in message


def test_a_name_that_does_not_exist(board, folder):
    message = refused(board, folder, spec="ssh:pi@no-such-board.invalid")
    assert re.search(r"pi@no-such-board\.invalid cannot be reached \(.*Could not resolve hostname", message)


def test_a_key_that_is_not_accepted_there(board, folder, monkeypatch):
    monkeypatch.setenv("PATH", f"{board.client('stranger')}:{os.environ['PATH']}")
    with board.running():
        message = refused(board, folder)
    assert "refuses the keys that ssh has; bring yours there with: ssh-copy-id -p" in message


def test_a_host_key_that_is_not_known_here(board, folder):
    with board.running():
        (board.folder / "known_hosts").unlink()
        message = refused(board, folder)
    assert "is not known here, and nothing was sent; connect once by hand and compare it: ssh -p" in message


def test_a_host_key_that_has_changed(board, folder):
    with board.running():
        board.know("stranger")
        message = refused(board, folder)
    assert "is not the computer that it was: its host key has changed, and nothing was sent" in message
    assert f"ssh-keygen -R '[127.0.0.1]:{board.port}'" in message


# ---- what is missing there


def without_packages(board):
    """Python over there without anything installed."""
    board.python([os.path.realpath(sys.executable), "-I", "-S"])


def test_no_python_there(board, folder):
    (board.folder / "bin" / "python3").unlink()
    board.variables["PATH"] = str(board.folder / "bin")
    for tool in ("sh", "rm"):
        (board.folder / "bin" / tool).symlink_to(shutil.which(tool))
    with board.running():
        message = refused(board, folder)
    assert re.search(r"has no python3 \(.*not found\); install it there: apt-get install python3-venv", message)


def test_no_numpy_there(board, folder):
    without_packages(board)
    with board.running():
        message = refused(board, folder)
    assert "has no numpy for " in message
    assert "~/.ssc-deploy/bin/python -m pip install numpy onnxruntime ai-edge-litert" in message


def only_numpy(board):
    """Python over there with numpy alone."""
    import numpy

    site = board.folder / "site"
    site.mkdir()
    for path in Path(numpy.__file__).parents[1].glob("numpy*"):
        (site / path.name).symlink_to(path)
    code = f"import sys; sys.path.append({str(site)!r})"
    (board.folder / "python").mkdir()
    (board.folder / "python" / "sitecustomize.py").write_text(code)
    board.python([os.path.realpath(sys.executable), "-s"])
    board.variables["PYTHONPATH"] = str(site)
    board.variables["PYTHONNOUSERSITE"] = "1"


def test_no_runtime_there_is_named_with_the_command_that_installs_it(board, folder):
    only_numpy(board)
    job = device_jobs.write(folder, device_jobs.small(".onnx", ".tflite"))
    with board.running():
        result = targets.parse(board.spec).run(folder, job, silent)
    assert [one.failure.kind for one in result.measurements] == [FailureKind.NO_RUNTIME] * 2
    environment = "python3 -m venv ~/.ssc-deploy && ~/.ssc-deploy/bin/python -m pip install numpy"
    for one, package in zip(result.measurements, ("onnxruntime", "ai-edge-litert"), strict=True):
        assert one.failure.message == f"{package} is not installed; install it with: {environment} {package}"
    assert board.left() == []


@pytest.mark.needs("setarch")
def test_an_architecture_without_wheels_of_the_runtime(board, folder):
    only_numpy(board)
    program = (board.folder / "bin" / "python3").read_text().replace("exec ", "exec setarch i686 ")
    (board.folder / "bin" / "python3").write_text(program)
    with (
        board.running(),
        pytest.raises(TargetError, match=r"is i686, for which .*; install a 64-bit system \(aarch64\)"),
    ):
        targets.parse(board.spec).run(folder, device_jobs.write(folder, device_jobs.small(".onnx")), silent)
    assert board.left() == []


# ---- broken off


@pytest.mark.needs("prlimit")
def test_a_full_disk_there(board, folder):
    board.limits = ("prlimit", "--fsize=100000")
    asked = device_jobs.small(".onnx")
    job = device_jobs.write(folder, asked)
    (folder / job.models[0].file).write_bytes(b"\0" * 200_000)
    with board.running():
        message = refused(board, folder, job)
    assert f"has no room for the job in {board.home} (File too large; " in message
    assert "let TMPDIR name another folder there" in message


@pytest.mark.needs("prlimit")
def test_a_disk_that_is_full_when_the_result_is_written(board, folder):
    board.limits = ("prlimit", "--fsize=100000")
    asked = device_jobs.small(".onnx")
    protocol = device_jobs.Protocol(1, 0.0, 30_000, 0.01, 2, 1, 0, 1)
    with board.running():
        message = refused(board, folder, device_jobs.write(folder, asked, protocol))
    assert "has no room for the job in" in message


@contextlib.contextmanager
def endless_run(board, folder):
    """A run in a process of its own, once its runner measures over there."""
    device_jobs.write(folder, device_jobs.small(".onnx"), device_jobs.ENDLESS)
    command = [sys.executable, "-c", RUN, str(folder), board.spec]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "golden set" in process.stdout.readline() + process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_we_are_ended_half_way_nothing_is_left_there(board, folder, number):
    with board.running(), endless_run(board, folder) as process:
        assert processes_in(board.home)
        process.send_signal(number)
        wait_for(lambda: not board.left() and not processes_in(board.home))


def test_a_runner_that_is_killed_there(board, folder):
    with board.running(), endless_run(board, folder) as process:
        for number in processes_in(board.home):
            os.kill(number, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
    assert "it was ended by SIGKILL, as the system does when memory runs out" in errors
    assert board.left() == []


def parents(processes):
    """Numbers of the processes that started these."""
    return [int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1]) for one in processes]


def test_when_even_the_far_end_is_killed_the_folder_is_removed_over_a_new_connection(board, folder):
    with board.running(), endless_run(board, folder) as process:
        for number in parents(processes_in(board.home)):
            os.kill(number, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
        wait_for(lambda: not board.left() and not processes_in(board.home))
    assert "broke off while the job ran" in errors
    assert "run it again" in errors


def test_a_board_that_goes_away_is_told_with_what_may_be_left_there(board, folder):
    with board.running(), endless_run(board, folder) as process:
        ends = parents(processes_in(board.home))
        (board.folder / "known_hosts").unlink()  # so that no new connection comes about
        for number in [*parents(ends), *ends]:
            os.kill(number, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
    assert "broke off while the job ran" in errors
    assert "may be left on" in errors


def test_a_job_that_prints_nothing_for_long_goes_on_while_we_live(board, folder, monkeypatch):
    asked, seconds = device_jobs.small(".onnx"), 2.0
    with board.running():
        while True:
            monkeypatch.setattr(ssh_connection, "_LIFE", seconds / 8)
            monkeypatch.setattr(ssh_connection, "_PATIENCE", seconds)
            job = device_jobs.write(folder, asked, device_jobs.Protocol(1, 0.0, 10, 2.5 * seconds, 1, 1, 0, 1))
            try:
                (only,) = targets.parse(board.spec).run(folder, job, silent).measurements
                break
            except TargetError:  # a sign of life may come too late on a busy machine, but not whatever the patience
                seconds *= 3
                assert seconds < 60
    assert sum(only.turns[0].samples_ns) > 2 * seconds * 1e9


def test_a_job_ends_when_we_are_silent_for_too_long(board, folder, monkeypatch):
    monkeypatch.setattr(ssh_connection, "_PATIENCE", 2.0)
    job = device_jobs.write(folder, device_jobs.small(".onnx"), device_jobs.ENDLESS)
    with board.running():
        assert "it was ended by SIGKILL" in refused(board, folder, job)


def test_a_board_that_says_nothing_for_too_long_is_given_up(board, folder, monkeypatch):
    monkeypatch.setattr(ssh_connection, "_LIFE", 0.3)
    monkeypatch.setattr(ssh_connection, "SILENCE", 2.0)
    job = device_jobs.write(folder, device_jobs.small(".onnx"), device_jobs.ENDLESS)
    with board.running():
        assert "has said nothing for 2 s and was stopped" in refused(board, folder, job)
        wait_for(lambda: not processes_in(board.home))
