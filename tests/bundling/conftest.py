"""A small trained-like network with a card, exported to both formats, and its bundle."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest
from cli.tester import ZOO, foreign, ssc
from sharing import made_once

import ssc_deploy
from ssc_deploy import checkpoint, nets

if TYPE_CHECKING:
    from pathlib import Path

_CARD = """schema_version = 1
name = "Small"
arch = "shift-net"
checkpoint = "small.pt"
sha256 = "{sha256}"
labels = ["airplane", "automobile", "bird", "cat"]
golden = "golden"
[config]
B = 1
e = 2
classes = 4
[preprocessing]
mean = [0.4914, 0.4822, 0.4465]
std = [0.2470, 0.2435, 0.2616]
"""


def _make(folder: Path) -> None:
    path = folder / "small.pt"
    net = nets.build("shift-net", B=1, e=2, classes=4)
    nets.randomise(net)
    checkpoint.save(net, path)
    (folder / "model.toml").write_text(_CARD.format(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    (folder / "golden").mkdir()
    lines = ["file,label"]
    for label in ("airplane", "automobile", "bird", "cat"):
        for picture in sorted((ZOO / "golden").glob(f"{label}-*.png"))[:5]:
            shutil.copy(picture, folder / "golden")
            lines.append(f"{picture.name},{label}")
    (folder / "golden" / "labels.csv").write_text("\n".join(lines) + "\n")
    ssc_deploy.export(path, to=["onnx", "tflite"], output=folder / "export")
    ssc_deploy.bundle(folder / "export", folder / "small.bundle", ckpt=path, debug=True)


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> Path:
    """A checkpoint with a card of 20 real pictures of four classes."""
    return made_once(tmp_path_factory, "bundling", _make) / "small.pt"


@pytest.fixture(scope="session")
def exported(network) -> Path:
    """Its export in both formats."""
    return network.parent / "export"


@pytest.fixture(scope="session")
def made(network) -> Path:
    """Its bundle, with debug; not to be changed."""
    return network.parent / "small.bundle"


@pytest.fixture(scope="session")
def foreign_export(tmp_path_factory) -> Path:
    """An ``.onnx`` file of a foreign network without a card, exported on noise."""

    def make(folder: Path) -> None:
        assert ssc("export", *foreign(), "-o", folder).code == 0

    return made_once(tmp_path_factory, "foreign", make)


@pytest.fixture
def copied(made, tmp_path) -> Path:
    """A bundle that may be changed."""
    return shutil.copytree(made, tmp_path / "copied.bundle")
