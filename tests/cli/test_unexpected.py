"""What nobody expected: a defect of ours, memory that ran out, and exceptions of the user's own code."""

from __future__ import annotations

import errno
import subprocess
import sys
import textwrap

import pytest
from click.testing import CliRunner
from waiting import wait_for

import ssc_deploy
from ssc_deploy import cli
from ssc_deploy.errors import DefectError, RewriteError, SscDeployError


def outcome(monkeypatch, raised, *options):
    """The command line where `ssc_deploy.export` fails with ``raised``, in a file of the package."""
    scope = {"raised": raised}
    source = "def fails(*_arguments, **_options):\n    raise raised\n"
    exec(compile(source, ssc_deploy.__file__, "exec"), scope)  # noqa: S102
    monkeypatch.setattr(ssc_deploy, "export", scope["fails"], raising=False)
    return CliRunner().invoke(cli.main, ["export", "--arch", "ssc-net-1-9", *options])


@pytest.mark.parametrize(
    "raised", [KeyError("conv1"), RewriteError("node is none"), AssertionError(), ZeroDivisionError()]
)
def test_a_defect_of_ours_is_one_sentence_and_exit_code_70(monkeypatch, raised):
    result = outcome(monkeypatch, raised)
    assert result.exit_code == 70
    assert result.stdout == ""
    assert result.stderr.startswith(
        f"error: this is a defect of ssc-deploy, not of your input ({type(raised).__name__}"
    )
    assert "please report it" in result.stderr
    assert "-v" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_traceback_of_a_defect_is_shown_on_request(monkeypatch):
    result = outcome(monkeypatch, KeyError("conv1"), "-v")
    assert result.exit_code == 70
    assert "Traceback (most recent call last)" in result.stderr
    assert "option -v" not in result.stderr


def test_a_long_message_of_a_defect_is_cut_to_its_first_line(monkeypatch):
    result = outcome(monkeypatch, ValueError("x" * 1000 + "\nsecond line"))
    assert len(result.stderr) < 500
    assert "second line" not in result.stderr


def test_memory_that_runs_out_is_no_defect(monkeypatch):
    result = outcome(monkeypatch, MemoryError())
    assert result.exit_code == 2
    assert result.stderr == (
        "error: there is not enough memory; close other programs, or use a smaller input shape or batch\n"
    )


def test_a_full_disk_is_no_defect(monkeypatch):
    result = outcome(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the disk is full; free some space")


def test_an_exception_of_the_user_s_code_names_its_line_and_is_no_defect(monkeypatch, tmp_path):
    net = tmp_path / "net.py"
    net.write_text("def forward():\n    raise ZeroDivisionError('no pixels')\n")
    scope: dict = {}
    exec(compile(net.read_text(), net, "exec"), scope)  # noqa: S102  # the user's code, as the command line runs it
    monkeypatch.setattr(ssc_deploy, "export", lambda *_arguments, **_options: scope["forward"](), raising=False)
    result = CliRunner().invoke(cli.main, ["export", "--arch", "ssc-net-1-9"])
    assert result.exit_code == 2
    assert result.stderr == "error: net.py, line 2: the network's own code fails with ZeroDivisionError: no pixels\n"


def test_code_of_the_user_s_that_exits_does_not_choose_the_exit_code(monkeypatch, tmp_path):
    net = tmp_path / "net.py"
    net.write_text("import sys\ndef forward():\n    sys.exit(0)\n")
    scope: dict = {}
    exec(compile(net.read_text(), net, "exec"), scope)  # noqa: S102  # the user's code, as the command line runs it
    monkeypatch.setattr(ssc_deploy, "export", lambda *_arguments, **_options: scope["forward"](), raising=False)
    result = CliRunner().invoke(cli.main, ["export", "--arch", "ssc-net-1-9"])
    assert result.exit_code == 2
    assert result.stderr == "error: net.py, line 3: the network's own code fails with SystemExit: 0\n"


def test_a_defect_is_not_handled_as_bad_input():
    assert not issubclass(DefectError, SscDeployError)
    assert issubclass(RewriteError, DefectError)


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_defect():
    # The longest output that needs no network.
    arguments = ["inspect", "--operators", "--format", "json"]
    script = f"import ssc_deploy.cli; ssc_deploy.cli.main({arguments}, prog_name='ssc-deploy')"
    command = f'{sys.executable} -c "{script}" | head -c 1'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert "defect" not in done.stderr


TALKS = """
    import atexit, os, subprocess, sys, ctypes
    import torch
    from torch import nn

    print("while it is imported")
    atexit.register(print, "at the end")


    class Talks(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            print("from Python")
            sys.__stdout__.write("past redirect_stdout")
            os.write(1, b"to the descriptor")
            ctypes.CDLL(None).puts(b"from native code")
            subprocess.run(["echo", "from another program"], check=True)
            return self.c(x)
"""


@pytest.mark.slow
def test_json_is_alone_on_standard_output_whatever_the_user_s_code_prints(tmp_path):
    net = tmp_path / "net.py"
    net.write_text(textwrap.dedent(TALKS))
    script = f"""
        import ssc_deploy.cli
        ssc_deploy.cli.main(["inspect", "--model", {f"{net}:Talks"!r}, "--input-shape", "1,3,8,8", "--stage",
            "checkpoint", "--format", "json"])
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    said = (
        "while it is imported",
        "from Python",
        "past redirect",
        "descriptor",
        "native",
        "another program",
        "the end",
    )
    assert [text for text in said if text not in done.stderr] == []
    assert [text for text in said if text in done.stdout] == []


@pytest.mark.slow
def test_a_command_that_is_told_to_end_while_the_users_code_runs_ends_so(tmp_path):
    (tmp_path / "net.py").write_text(
        "import pathlib, time\npathlib.Path(__file__).with_name('started').touch()\ntime.sleep(60)\n"
    )
    script = "import signal; signal.signal(15, signal.SIG_DFL); from ssc_deploy.cli import main; main()"
    command = ("export", "--model", f"{tmp_path}/net.py:Net", "--input-shape", "1,3,8,8", "-o", str(tmp_path / "out"))
    process = subprocess.Popen([sys.executable, "-c", script, *command], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (tmp_path / "started").exists() or process.poll() is not None)
    process.terminate()
    _, told = process.communicate()
    assert process.returncode == 128 + 15
    assert "error" not in told
    assert not (tmp_path / "out").exists()
