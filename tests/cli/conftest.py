"""What several tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from cli.tester import Outcome, foreign, foreign_checkpoint, ssc

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """The tests run beside others; their networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Holds a foreign network's checkpoint, ``mine.pth.tar``."""
    folder = tmp_path_factory.mktemp("cli")
    foreign_checkpoint(folder / "mine.pth.tar")
    return folder


@pytest.fixture(scope="session")
def exported(folder) -> tuple[Path, Outcome]:
    """The foreign network in both formats, and what the command printed."""
    files = folder / "exported"
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--batch", "dynamic", "-o", files]
    return files, ssc("export", *options, "--to", "onnx", "--to", "tflite", "--format", "json")
