"""What the tests of profiling share: a small network in foreign code, exported to both formats with its golden set."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
from cli.tester import NET_FILE, foreign_checkpoint, ssc
from sharing import made_once

from ssc_deploy.profiling import profile
from ssc_deploy.profiling.job import QUICK, Job
from ssc_deploy.profiling.preparing import prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Path:
    """Holds ``mine.onnx``, ``mine.tflite`` and ``mine.golden.npz``."""

    def make(folder: Path) -> None:
        ckpt = foreign_checkpoint(folder / "mine.pth.tar")
        # Large enough for operators to take more than the microseconds that the runtimes' profilers count in.
        network = ["--ckpt", ckpt, "--model", f"{NET_FILE}:Net", "--input-shape", "1,3,48,48"]
        outcome = ssc("export", *network, "-o", folder / "exported", "--to", "onnx", "--to", "tflite")
        assert outcome.code == 0, outcome.err

    return made_once(tmp_path_factory, "profiling", make) / "exported"


@pytest.fixture(scope="session")
def profiled(files, tmp_path_factory):
    """A quick profile of both files on this host, with one and two threads."""

    def make(folder: Path) -> None:
        made = profile([files / "mine.onnx", files / "mine.tflite"], quick=True, threads=(1, 2))
        (folder / "profile.pickle").write_bytes(pickle.dumps(made))

    path = made_once(tmp_path_factory, "profiled", make) / "profile.pickle"
    return pickle.loads(path.read_bytes())  # noqa: S301 - written above


@pytest.fixture
def job(files, tmp_path) -> tuple[Path, Job]:
    """The folder of a quick job of the ``.onnx`` file, and the job."""
    return tmp_path, prepare(tmp_path, [files / "mine.onnx"], protocol=QUICK)


def rewrite(folder: Path, job: Job) -> None:
    """Puts another job.json into the folder of a job."""
    (folder / "job.json").write_text(json.dumps(job.to_dict()))
