"""A network's first step may move what it is given, or change it in place: neither is a fault of the file."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import ssc_deploy
from ssc_deploy.errors import NetworkError
from ssc_deploy.ir import movement as mv
from ssc_deploy.signature import of_image
from ssc_deploy.verification import MovementSite, inputs, sanity
from ssc_deploy.verification import movement as moving
from ssc_deploy.verification.intermediate import Inside
from ssc_deploy.verification.torch_reference import TorchReference


def below(x):
    """Each row one further down, zeros above."""
    return nn.functional.pad(x, (0, 0, 1, -1))


class OnlyShifted(nn.Module):
    def forward(self, x):
        return below(x)


class MovedThreeTimes(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 5, 1)

    def forward(self, x):
        return self.head(x - below(x) + x[:, [2, 0, 1]] * nn.functional.pad(x, (-1, 1, 0, 0)))


class MovedColumns(nn.Module):
    """In a .tflite file the transposed image needs no tensor of its own, but its movement is checked from one."""

    def forward(self, x):
        return torch.tanh(x.mul(2).transpose(1, 3)[:, [3, 1, 2, 0, 4]]).transpose(1, 3)


class Normalised(nn.Module):
    """Normalises the tensor that it is given itself."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 5, 3)

    def forward(self, x):
        return self.head(x.sub_(0.5).div_(0.25))


class Rectified(nn.Module):
    """Its blocks change what they are given in place: the picture, and what the block before them returned."""

    def __init__(self):
        super().__init__()
        self.first, self.conv, self.norm = nn.ReLU(inplace=True), nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
        self.last = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.norm(self.conv(self.first(x)))
        return self.last(x)


class Returned(nn.Module):
    def forward(self, x):
        return x.mul_(2)


class FloatThenInPlace(nn.Module):
    """Insists on float32, so that its reference has to widen each of its operators."""

    def forward(self, x):
        return x.add_(1).float().mul_(2)


def reports(kind, folder):
    """The reports on both files of a network of this file."""
    model = f"{__file__}:{kind.__name__}"
    result = ssc_deploy.export(None, model=model, input_shape=(1, 3, 7, 9), to=["onnx", "tflite"], output=folder)
    return [file.verification for file in result.files]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "movements"), [(OnlyShifted, 1), (MovedThreeTimes, 3), (MovedColumns, 1)])
def test_what_moves_the_input_itself_is_checked_against_the_input(tmp_path, kind, movements):
    for report in reports(kind, tmp_path):
        assert report.ok, str(report)
        assert (report.movements.total, report.movements.exact) == (movements, movements)


def test_a_file_that_moves_the_input_elsewhere_is_found(tmp_path):
    path, other = tmp_path / "net.onnx", mv.permutation((0, 2, 1))
    indices = numpy_helper.from_array(np.array([2, 0, 1]), "indices")
    nodes = [helper.make_node("Gather", ["input", "indices"], ["output"], axis=1)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 7, 9]) for name in ("input", "output")]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], [indices])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    x = inputs.noise(of_image((1, 3, 7, 9)), 1)
    right = MovementSite("input", "output", mv.permutation((2, 0, 1)))
    assert moving.check(Inside(path), [right], x).ok
    report = moving.check(Inside(path), [MovementSite("input", "output", other)], x)
    assert (report.checked, report.exact) == (1, 0)
    assert "output differs from input moved" in report.first_failure


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Normalised, Rectified])
def test_a_forward_that_changes_its_argument_in_place_is_not_refused(tmp_path, kind):
    for report in reports(kind, tmp_path):
        assert report.ok, str(report)


@pytest.mark.parametrize("kind", [Normalised, Rectified, Returned, FloatThenInPlace])
def test_no_run_of_a_reference_changes_the_array_that_it_is_given(kind):
    x = inputs.noise(of_image((1, 3, 7, 9)), 2)
    before, reference = x.arrays[0].copy(), TorchReference(kind().eval())
    names = reference.block_names(x)
    reference.outputs(x)
    reference.float32_outputs(x)
    reference.in_turn([x, x])
    reference.float32_blocks(x, names)
    reference.visit_blocks(x, names, lambda *_: None)
    np.testing.assert_array_equal(x.arrays[0], before)


class Kept(nn.Module):
    """Returns a tensor of its own that its next run writes over."""

    def __init__(self):
        super().__init__()
        self.register_buffer("kept", torch.zeros(1, 3))

    def forward(self, x):
        return self.kept.add_(x[:1].mean((2, 3))).expand(len(x), 3)


def test_a_network_that_returns_its_own_state_is_seen_to_keep_it():
    with pytest.raises(NetworkError, match="keeps state"):
        sanity.check(TorchReference(Kept()), inputs.noise(of_image((1, 3, 7, 9)), 1))
