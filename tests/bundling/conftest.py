"""A small trained-like network with a card, exported to both formats, and its bundle."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest
from cli.tester import ZOO, checkpoint

import ssc_deploy

if TYPE_CHECKING:
    from pathlib import Path

_CARD = """schema_version = 1
name = "Small"
arch = "ssc-net"
checkpoint = "small.pt"
sha256 = "{sha256}"
labels = ["airplane", "automobile", "bird", "cat"]
golden = "golden"
[config]
B = 1
G = 9
stem = 4
classes = 4
[preprocessing]
mean = [0.4914, 0.4822, 0.4465]
std = [0.2470, 0.2435, 0.2616]
"""


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> Path:
    """A checkpoint with a card of 20 real pictures of four classes."""
    folder = tmp_path_factory.mktemp("network")
    path = checkpoint(folder / "small.pt")
    (folder / "model.toml").write_text(_CARD.format(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    (folder / "golden").mkdir()
    lines = ["file,label"]
    for label in ("airplane", "automobile", "bird", "cat"):
        for picture in sorted((ZOO / "golden").glob(f"{label}-*.png"))[:5]:
            shutil.copy(picture, folder / "golden")
            lines.append(f"{picture.name},{label}")
    (folder / "golden" / "labels.csv").write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def exported(network) -> Path:
    """Its export in both formats."""
    folder = network.parent / "export"
    ssc_deploy.export(network, to=["onnx", "tflite"], output=folder)
    return folder


@pytest.fixture(scope="session")
def made(network, exported) -> Path:
    """Its bundle, with debug; not to be changed."""
    folder = network.parent / "small.bundle"
    ssc_deploy.bundle(exported, folder, ckpt=network, debug=True)
    return folder


@pytest.fixture
def copied(made, tmp_path) -> Path:
    """A bundle that may be changed."""
    return shutil.copytree(made, tmp_path / "copied.bundle")
