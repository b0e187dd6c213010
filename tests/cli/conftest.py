"""What several tests of the command line share."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
import torch
from cli.tester import Outcome, foreign, foreign_checkpoint, ssc
from sharing import made_once

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
def exported(tmp_path_factory) -> tuple[Path, Outcome]:
    """The foreign network in both formats, and what the command printed."""

    def make(folder: Path) -> None:
        options = ["--ckpt", foreign_checkpoint(folder / "mine.pth.tar"), *foreign(), "--batch", "dynamic"]
        outcome = ssc("export", *options, "-o", folder / "files", "--to", "onnx", "--to", "tflite", "--format", "json")
        (folder / "outcome.json").write_text(json.dumps(dataclasses.asdict(outcome)))

    folder = made_once(tmp_path_factory, "cli", make)
    return folder / "files", Outcome(**json.loads((folder / "outcome.json").read_text()))
