"""What the tests of the APK share."""

from __future__ import annotations

from pathlib import Path

import pytest

import ssc_deploy

CHECKPOINT = Path(__file__).parents[2] / "models" / "ssc-net-1-9" / "ssc_1_9.pt"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The bundle of a trained network in both formats."""
    folder = tmp_path_factory.mktemp("bundle")
    ssc_deploy.export(CHECKPOINT, to=["onnx", "tflite"], output=folder / "export")
    ssc_deploy.bundle(folder / "export", folder / "ssc_1_9.bundle")
    return folder / "ssc_1_9.bundle"
