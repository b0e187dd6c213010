"""Networks that have no one result must be refused as such, whatever the file computes."""

import networks
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ssc_deploy.errors import NetworkError
from ssc_deploy.verification import verify_file
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.torch_reference import TorchReference


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = networks.random_net(0)
        self.calls = 0


class Noisy(Wrapped):
    def forward(self, x):
        return self.net(x + torch.randn_like(x))


class Counting(Wrapped):
    def forward(self, x):
        self.calls += 1
        return self.net(x) * (1 + self.calls)


class AlwaysDropping(Wrapped):
    def forward(self, x):
        return torch.dropout(self.net(x), 0.5, train=True)


class SeededNoise(Wrapped):
    """The same every time, but not the same in float32 as in float64."""

    def forward(self, x):
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(x.shape[1:], generator=generator, dtype=x.dtype)
        return self.net(x + noise)


class BatchStatistics(Wrapped):
    def forward(self, x):
        y = self.net(x)
        return y - y.mean(0)


class Squeezed(Wrapped):
    def forward(self, x):
        return self.net(x).squeeze()


@pytest.fixture
def file(tmp_path):
    """A file of another network; nothing may pass it for one of those above."""
    path = tmp_path / "net.onnx"
    networks.write(networks.random_net(1), path)
    return path


@pytest.mark.parametrize("kind", [Noisy, Counting, AlwaysDropping])
def test_a_network_that_is_random_or_keeps_state_is_refused(file, kind):
    with pytest.raises(NetworkError, match=r"run again on the same image.*random numbers.*or keeps state"):
        verify_file(file, TorchReference(kind()), networks.pictures(4))


@pytest.mark.parametrize("count", [1, 4])
def test_a_network_that_mixes_the_pictures_of_a_batch_is_refused(file, count):
    with pytest.raises(NetworkError, match="another is beside it in the batch"):
        verify_file(file, TorchReference(BatchStatistics()), networks.pictures(count))


def test_a_network_that_drops_the_batch_is_refused(file):
    with pytest.raises(NetworkError, match=r"returns \[10\] for 1 image;.*squeeze"):
        verify_file(file, TorchReference(Squeezed()), networks.pictures(4))


@pytest.mark.parametrize("kind", [Noisy, AlwaysDropping, SeededNoise])
def test_nothing_passes_for_a_random_network_even_when_it_repeats_itself(file, kind, monkeypatch):
    monkeypatch.setattr("ssc_deploy.verification.sanity.check", lambda *_: None)
    report = verify_file(file, TorchReference(kind()), networks.pictures(4))
    assert not report.ok
    assert "differs between float32 and float64" in report.failures[0]
    assert "`atol`" in report.failures[0]
    assert report.tolerance is None


def test_bounds_of_ones_own_are_for_such_networks(file):
    assert verify_file(file, TorchReference(Noisy()), networks.pictures(4), atol=1e3).ok
    assert not verify_file(file, TorchReference(Noisy()), networks.pictures(4), atol=1e-3).ok


def test_an_ill_conditioned_block_is_named(tmp_path):
    """The difference of two large equal numbers is rounding alone, and the file may not be blamed for it."""
    net = networks.random_net(0)
    net.head.weight.data.zero_()
    networks.write(net, tmp_path / "net.onnx")

    class Cancelling(nn.Module):
        def forward(self, x):
            return (x + 1e8) - 1e8

    net.body[0].act = Cancelling()
    report = verify_file(tmp_path / "net.onnx", TorchReference(net), networks.pictures(4))
    assert not report.ok
    assert report.tolerance.allows(report.error)
    assert report.first_divergence.block.tolerance is None
    assert "the network itself differs between float32 and float64" in str(report)
    assert "in its block body.0" in str(report)


def dropping(path, *, seed):
    """An ONNX file with a dropout in training mode."""
    attributes = {} if seed is None else {"seed": seed}
    nodes = [
        helper.make_node("Dropout", ["x", "ratio", "training"], ["kept"], **attributes),
        helper.make_node("GlobalAveragePool", ["kept"], ["y"]),
    ]
    constants = [
        numpy_helper.from_array(np.float32(0.5), "ratio"),
        numpy_helper.from_array(np.bool_(True), "training"),
    ]
    sizes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3, s, s]) for n, s in (("x", 8), ("y", 1))]
    graph = helper.make_graph(nodes, "g", sizes[:1], sizes[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_an_onnx_file_that_drops_at_random_is_refused(tmp_path):
    path = dropping(tmp_path / "drop.onnx", seed=None)
    with pytest.raises(NetworkError, match="run again on the same image"):
        verify_file(path, OnnxReference(path), networks.pictures(4))


def test_an_onnx_file_that_drops_by_a_seed_does_not_pass(tmp_path):
    path = dropping(tmp_path / "drop.onnx", seed=1)
    report = verify_file(path, OnnxReference(path), networks.pictures(4))
    assert not report.ok
    assert "differs between float32 and float64" in report.failures[0]


@pytest.mark.parametrize("where", ["head", "body.1.merge.1"])
def test_weights_that_are_nan_are_said_in_one_sentence(file, where):
    net = networks.random_net(0)
    net.get_submodule(where).bias.data[0] = float("nan")
    report = verify_file(file, TorchReference(net), networks.pictures(4))
    assert not report.ok
    assert len(report.failures) == 1
    assert "the network itself computes NaN or Inf in float64 in its output" in report.failures[0]
    assert "-1.0" not in str(report)
