"""Outputs of whole numbers: right or wrong, except where the network itself is not sure."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import ssc_deploy
from ssc_deploy.errors import NetworkError

SHAPE = (1, 3, 24, 20)


class Segments(nn.Module):
    """A class for each pixel, and its scores."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 5, 3, padding=1)

    def forward(self, x):
        scores = self.head(x)
        return {"classes": scores.argmax(1), "large": scores[:, 0] > 0.3}


class Ties(Segments):
    """Two of its classes differ by rounding alone, in a band of columns."""

    def __init__(self, columns):
        super().__init__()
        self.columns = columns

    def forward(self, x):
        scores = self.head(x)
        twin = scores[:, :1] + 0.0
        twin[..., self.columns :] -= 1
        both = torch.cat([scores[:, :1] * 3 / 3, twin], 1)
        return both.argmax(1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Segments().eval()


@pytest.fixture(scope="module")
def files(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("segments")
    return ssc_deploy.export(network, torch.zeros(SHAPE), to=("onnx", "tflite"), output=folder).files


@pytest.mark.slow
def test_a_class_for_each_pixel_is_verified_in_both_formats(network, files):
    x = np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)
    expected = network(torch.from_numpy(x))
    for file in files:
        returned = ssc_deploy.run(file.path, x)
        for name, values in expected.items():
            assert (returned[name] == values.numpy()).mean() > 0.999


def test_one_wrong_class_in_a_thousand_is_found(network, files, tmp_path):
    model = onnx.load(files[0].path)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("bias"))
    changed = numpy_helper.to_array(bias).copy()
    changed[2] += 3e-3
    bias.CopyFrom(numpy_helper.from_array(changed, bias.name))
    onnx.save(model, tmp_path / "wrong.onnx")
    report = ssc_deploy.verify(network, tmp_path / "wrong.onnx", example_inputs=torch.zeros(SHAPE))
    assert not report.ok
    assert "in output classes, the error is" in str(report)


@pytest.mark.slow
def test_places_of_which_the_network_is_not_sure_do_not_count(tmp_path):
    torch.manual_seed(0)
    (file,) = ssc_deploy.export(Ties(columns=1), torch.zeros(SHAPE), output=tmp_path).files
    assert file.verification.ok


def test_an_output_that_is_all_luck_is_refused(tmp_path):
    torch.manual_seed(0)
    with pytest.raises(NetworkError, match=r"whole numbers of which .* change when the inputs change by rounding"):
        ssc_deploy.export(Ties(columns=15), torch.zeros(SHAPE), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
