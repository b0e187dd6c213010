"""An export to several formats of which one fails."""

from __future__ import annotations

import pytest
import torch
from cli.tester import ssc
from torch import nn

import ssc_deploy
from ssc_deploy import Preprocessing
from ssc_deploy.errors import UnsupportedOperatorError

SHAPE = (1, 3, 6, 5)
COMMAND = ("export", "--model", f"{__file__}:OnnxOnly", "--input-shape", "1,3,6,5")


class OnnxOnly(nn.Module):
    """TFLite has no operator for a determinant."""

    def forward(self, x):
        return torch.linalg.det(x[:, :, :3, :3])[:, :, None]


def export(folder, **options):
    return ssc_deploy.export(OnnxOnly(), torch.zeros(SHAPE), to=("tflite", "onnx"), output=folder, **options)


def test_by_default_no_format_is_written_and_the_way_to_keep_the_others_is_said(tmp_path):
    with pytest.raises(UnsupportedOperatorError, match=r"Det.*nothing was written; to keep onnx .*`keep_going=True`"):
        export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_is_right_is_kept_where_the_user_asks(tmp_path):
    result = export(tmp_path, keep_going=True, preprocessing=Preprocessing((0.5,) * 3, (0.2,) * 3))
    assert [file.format for file in result.files] == ["onnx"]
    assert [(failed.format, failed.exit_code) for failed in result.failed] == [("tflite", 2)]
    assert {path.name for path in tmp_path.iterdir()} == {"onnxonly.onnx", "onnxonly.golden.npz"}


def test_the_command_says_which_format_failed_and_ends_with_its_code(tmp_path):
    outcome = ssc(*COMMAND, "-o", tmp_path / "out", "--to", "tflite", "--to", "onnx", "--keep-going")
    assert outcome.code == 2
    assert "error: tflite was not written: " in outcome.err
    assert (tmp_path / "out/onnxonly.onnx").is_file()
    assert not (tmp_path / "out/onnxonly.tflite").exists()


@pytest.mark.slow
def test_where_there_is_no_other_format_the_command_fails_as_without_the_option(tmp_path):
    alone = ssc(*COMMAND, "-o", tmp_path / "out", "--to", "tflite", "--keep-going")
    assert (alone.code, "Det" in alone.err) == (2, True)
