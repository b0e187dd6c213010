"""What the tests of profiling share: a small network in foreign code, exported to both formats with its golden set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.tester import NET_FILE, foreign_checkpoint, ssc

from ssc_deploy.profiling import profile
from ssc_deploy.profiling.job import QUICK, Job
from ssc_deploy.profiling.preparing import prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Path:
    """Holds ``mine.onnx``, ``mine.tflite`` and ``mine.golden.npz``."""
    folder = tmp_path_factory.mktemp("profiling")
    foreign_checkpoint(folder / "mine.pth.tar")
    # Large enough for operators to take more than the microseconds that the runtimes' profilers count in.
    network = ["--model", f"{NET_FILE}:Net", "--input-shape", "1,3,48,48"]
    options = ["--ckpt", folder / "mine.pth.tar", *network, "-o", folder / "exported"]
    outcome = ssc("export", *options, "--to", "onnx", "--to", "tflite")
    assert outcome.code == 0, outcome.err
    return folder / "exported"


@pytest.fixture(scope="session")
def profiled(files):
    """A quick profile of both files on this host, with one and two threads."""
    return profile([files / "mine.onnx", files / "mine.tflite"], quick=True, threads=(1, 2))


@pytest.fixture
def job(files, tmp_path) -> tuple[Path, Job]:
    """The folder of a quick job of the ``.onnx`` file, and the job."""
    return tmp_path, prepare(tmp_path, [files / "mine.onnx"], protocol=QUICK)


def rewrite(folder: Path, job: Job) -> None:
    """Puts another job.json into the folder of a job."""
    (folder / "job.json").write_text(json.dumps(job.to_dict()))
