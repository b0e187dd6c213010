"""What is known of a board without a connection: how it is named, and what of its answers is believed."""

from __future__ import annotations

import os
import sys

import device_jobs
import pytest

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.targets import packing
from ssc_deploy.profiling.targets.ssh_connection import Address, Connection


def test_no_ssh_here(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    job = device_jobs.write(folder, device_jobs.small(".onnx"))
    with pytest.raises(TargetError, match=r"^ssh is not installed; install it with: apt-get install openssh-client$"):
        targets.parse("ssh:board").run(folder, job, lambda _: None)
    assert not (folder / "result.json").exists()


NO_COMPUTERS = (
    *("", "pi@", "@board", "-oProxyCommand=id", "pi@-oProxyCommand=id", "-l@board", "pi@board:", "pi@board:0"),
    *(
        "pi@board:65536",
        "pi@board:22:22",
        "pi@bo ard",
        "pi@board;id",
        "pi@$(id)",
        "pi@board\nid",
        "fe80::1",
        "pi@[board]",
    ),
)


@pytest.mark.parametrize("rest", NO_COMPUTERS)
def test_what_does_not_name_a_computer_is_refused(rest):
    with pytest.raises(TargetError, match="write ssh:USER@HOST or ssh:USER@HOST:PORT"):
        targets.parse(f"ssh:{rest}")


@pytest.mark.parametrize("rest", ["pi@raspberry.local", "board", "pi@10.0.0.7:2222", "pi@[fe80::1]:22", "a.b-c@x"])
def test_a_target_is_spelled_as_it_was_written(rest):
    assert targets.parse(f"ssh:{rest}").spec == f"ssh:{rest}"


# ---- what is sent back is not believed


def test_a_device_cannot_replace_files_of_the_job_nor_write_elsewhere(tmp_path):
    for name in ("job.json", "model0.onnx", "../result.json", "/tmp/result.json", "outputs0.npz/x", "outputs.py"):  # noqa: S108
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        (source / "x").write_bytes(b"x")
        data = packing.pack(source, ["x"]).replace(b"x" + b"\0" * len(name), name.encode() + b"\0", 1)
        with pytest.raises(TargetError):
            packing.unpack(data, tmp_path, "board")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


ANSWERS = """
import re, sys
data = b""
while not (found := re.search(rb'"nonce": "([0-9a-f]+)"', data)):
    data += sys.stdin.buffer.read1()
sys.stdout.buffer.write(%r.replace(b"NONCE", found[1]))
"""


TALKS = """
import sys
for _ in range(20_000):
    print("Welcome to this board")
sys.exit("it is shut down")
"""


@pytest.mark.slow
def test_a_device_that_talks_before_it_takes_the_job_is_listened_to(tmp_path, monkeypatch):
    program = tmp_path / "ssh"
    program.write_text(f"#!{sys.executable}\n{TALKS}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    # More than a pipe holds goes either way: 420 kB of talk, 1 MB of a job.
    with (
        pytest.raises(TargetError, match=r"cannot be reached \(it is shut down\)"),
        Connection(Address("board")) as connection,
    ):
        connection.do(bytes(1 << 20), ["."], lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"NONCE not json\n", "answers what this program does not understand"),
        (b"NONCE []\n", "answers what this program does not understand"),
        (b"NONCE {}\n", "event is missing"),
        (b'NONCE {"event": "result", "size": "x"}\n', "size is 'x', not a int"),
        (b'NONCE {"event": "result"}\n', "which is not a result"),
        (b'NONCE {"event": "failed"}\n', "it does not say why"),
        (b"x" * (2 << 20), "sends a line without an end"),
    ],
)
def test_an_answer_that_is_none_becomes_a_sentence(folder, tmp_path, monkeypatch, answer, said):
    program = tmp_path / "fake" / "ssh"
    program.parent.mkdir()
    (tmp_path / "answers.py").write_text(ANSWERS % answer)
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{tmp_path / 'answers.py'}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    with pytest.raises(TargetError, match=said):
        targets.parse("ssh:board").run(folder, job, lambda _: None)
