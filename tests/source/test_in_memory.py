"""Networks that a Python program has in memory, programs of torch.export, and files in packages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import ssc_deploy
from ssc_deploy import runtimes
from ssc_deploy.errors import CheckpointError, NetworkError
from ssc_deploy.source import open_source

SHAPE = (1, 3, 6, 5)


class Net(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.head = nn.Linear(6, classes)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


class Fixed(Net):
    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)).reshape(1, 6))


def outputs(path, x):
    return runtimes.runtime_for(path).load(path).run([x])[0]


@pytest.mark.slow
def test_a_module_is_exported_as_it_is_and_left_as_it_was(tmp_path):
    torch.manual_seed(0)
    net = Net().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.randn(SHAPE)
    (file,) = ssc_deploy.export(net, x, output=tmp_path).files
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    np.testing.assert_allclose(outputs(file.path, x.numpy()), net.eval()(x).detach().numpy(), atol=1e-6)
    assert file.path.name == "net.onnx"
    assert ssc_deploy.verify(net, file.path, example_inputs=x).ok
    nn.init.constant_(net.head.weight, 0.5)
    assert not ssc_deploy.verify(net, file.path, example_inputs=x).ok


def test_a_state_dict_is_loaded_into_a_class_a_module_or_a_named_network():
    state = Net(classes=5).state_dict()
    for model in (Net, Net(classes=5), lambda classes: Net(int(classes)), f"{__file__}:Net"):
        args = {} if isinstance(model, nn.Module) else {"classes": "5"}
        source = open_source(state, model=model, args=args, input_shape=SHAPE)
        assert all(torch.equal(value, state[name]) for name, value in source.module.state_dict().items())
        assert source.classes == 5
        assert len(source.sha256) == 64


def test_networks_of_other_weights_have_another_digest_and_the_same_weights_the_same():
    net = Net()
    same, other = (open_source(one, example_inputs=torch.zeros(SHAPE)).sha256 for one in (net, Net()))
    assert same == open_source(net, example_inputs=torch.zeros(SHAPE)).sha256
    assert same != other


@pytest.mark.quick(1)
@pytest.mark.parametrize(("kind", "rows"), [(Net, True), (Fixed, False)])
def test_a_program_of_torch_export_and_its_file_are_sources(kind, rows, tmp_path):
    x = torch.randn(SHAPE)
    net = kind().eval()
    program = torch.export.export(net, (x,))
    torch.export.save(program, tmp_path / "saved.pt2")
    for source in (open_source(program), open_source(None, model=str(tmp_path / "saved.pt2"))):
        assert (source.signature.image, source.classes, source.signature.rows) == (SHAPE[1:], 4, rows)
    (file,) = ssc_deploy.export(program, output=tmp_path).files
    np.testing.assert_allclose(outputs(file.path, x.numpy()), net(x).detach().numpy(), atol=1e-6)


def test_a_program_of_any_batch_is_exported_with_a_batch_of_one():
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(Net().eval(), (torch.randn(2, *SHAPE[1:]),), dynamic_shapes={"x": {0: batch}})
    assert open_source(program).signature.inputs[0].shape == SHAPE


def test_a_file_of_a_program_is_not_loaded_unless_it_is_trusted(tmp_path):
    torch.export.save(torch.export.export(Net().eval(), (torch.randn(SHAPE),)), tmp_path / "net.pt2")
    with pytest.raises(CheckpointError, match="loading one runs what is in it: if you trust it, give it as `model="):
        open_source(tmp_path / "net.pt2")
    (tmp_path / "net.pt2").write_bytes(b"PK")
    with pytest.raises(NetworkError, match=r"net\.pt2 cannot be loaded by torch\.export\.load"):
        open_source(None, model=str(tmp_path / "net.pt2"))
    with pytest.raises(NetworkError, match="there is no file"):
        open_source(None, model=str(tmp_path / "other.pt2"))


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (Net(), {}, "needs `input_shape` as well"),
        (Net(), {"input_shape": SHAPE, "example_inputs": torch.zeros(SHAPE)}, "say the same: give one"),
        (Net(), {"example_inputs": "an image"}, "is a tensor or an array, not an object of type str"),
        (Net(), {"example_inputs": torch.zeros(SHAPE), "model": Net}, "`ckpt` is a network itself"),
        (Net(), {"example_inputs": torch.zeros(SHAPE), "args": {"classes": "3"}}, "is a Net already: leave `args` out"),
        (3.5, {"example_inputs": torch.zeros(SHAPE)}, "is an object of type float, not a class or function"),
        (Net, {"example_inputs": torch.zeros(SHAPE), "args": {"width": "3"}}, r"Net\(width=3\) fails"),
        (nn.Linear, {"example_inputs": torch.zeros(SHAPE)}, r"Linear\(\) fails: TypeError.*in_features"),
        (torch.jit.trace(nn.ReLU(), torch.zeros(2)), {"example_inputs": torch.zeros(SHAPE)}, "is a TorchScript module"),
    ],
)
def test_what_is_no_network_is_said(network, options, message):
    with pytest.raises(NetworkError, match=message):
        open_source(network, **options)


def test_a_state_dict_without_tensors_is_refused():
    with pytest.raises(CheckpointError, match="no state dict of tensors"):
        open_source({"epoch": 3}, model=Net, input_shape=SHAPE)


@pytest.mark.parametrize("init", [None, "", "raise RuntimeError"])
def test_relative_imports_of_the_users_file_work(tmp_path, monkeypatch, init):
    package = tmp_path / "mine" / "nets"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package.parent / "widths.py").write_text("WIDTH = 7\n")
    if init is not None:
        (package / "__init__.py").write_text(init)
    (package / "parts.py").write_text("from torch import nn\n\ndef head(width):\n    return nn.Conv2d(3, width, 1)\n")
    imported = "from ..widths import WIDTH" if init is not None else "WIDTH = 7"
    (package / "net.v2.py").write_text(f"from .parts import head\n{imported}\n\ndef made():\n    return head(WIDTH)\n")
    monkeypatch.chdir(tmp_path)
    source = open_source(None, model="mine/nets/net.v2.py:made", input_shape=SHAPE)
    assert source.module.out_channels == 7
