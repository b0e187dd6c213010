"""Forms of checkpoints that are met in the wild, and that they are read to the same tensors."""

import argparse
import collections
import datetime
import pathlib
import sys
import types

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ssc_deploy import checkpoint, nets
from ssc_deploy.errors import CheckpointError, OutputError
from ssc_deploy.metadata import Preprocessing

CIFAR = Preprocessing((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616), "RGB")


def small():
    net = nets.build("shift-net", B=1, e=1, stem=2, classes=3)
    nets.randomise(net)
    return net


@pytest.fixture
def net():
    return small()


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


def doubled(state):
    return {name: tensor * 2 for name, tensor in state.items()}


FORMS = {
    "plain": (lambda s: s, ""),
    "DataParallel": (lambda s: {"state_dict": prefixed(s, "module."), "epoch": 6, "best_prec1": 76.94}, "state_dict"),
    "net": (lambda s: {"net": s, "acc": 93.1, "epoch": 3}, "net"),
    "model": (lambda s: {"model": s, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}}, "model"),
    "model_state_dict": (lambda s: {"model_state_dict": s, "loss": torch.tensor(0.3)}, "model_state_dict"),
    "nested twice": (lambda s: {"model": {"state_dict": s}}, "model.state_dict"),
    "unusual name": (lambda s: {"backbone": s, "epoch": 1}, "backbone"),
    "compiled": (lambda s: {"model": prefixed(s, "_orig_mod.")}, "model"),
    "compiled in DataParallel": (lambda s: prefixed(s, "module._orig_mod."), ""),
    "Lightning": (lambda s: {"state_dict": prefixed(s, "model."), "hyper_parameters": {"lr": 1}}, "state_dict"),
    "parts compiled": (lambda s: {n.replace("body.", "body._orig_mod."): t for n, t in s.items()}, ""),
    "part in DataParallel": (lambda s: {n.replace("body.", "body.module."): t for n, t in s.items()}, ""),
    "EMA beside raw": (lambda s: {"state_dict": doubled(s), "state_dict_ema": s}, "state_dict_ema"),
    "EMA nested": (lambda s: {"model": doubled(s), "ema": {"module": s, "decay": 0.99}}, "ema.module"),
    "EMA without BatchNorm": (
        lambda s: {"model": s, "ema": {n: t * 2 for n, t in s.items() if "running" not in n}},
        "model",
    ),
    "AveragedModel": (lambda s: {"swa": {"n_averaged": torch.tensor(3), **prefixed(s, "module.")}}, "swa"),
    "old PyTorch": (lambda s: {n: t for n, t in s.items() if "num_batches_tracked" not in n}, ""),
    "half precision": (lambda s: {n: t.half() if t.is_floating_point() else t for n, t in s.items()}, ""),
    "metadata": (
        lambda s: {
            "state_dict": s,
            "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("runs")),
            "best": np.float64(93.1),
            "curve": np.ones(3),
            "history": collections.defaultdict(list, {"loss": [1.0]}),
            "when": datetime.datetime(2026, 1, 1),
            "more": types.SimpleNamespace(a=1),
        },
        "state_dict",
    ),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_network(tmp_path, net, form, legacy):
    make, entry = FORMS[form]
    path = tmp_path / "net.pth"
    torch.save(make(dict(net.state_dict())), path, _use_new_zipfile_serialization=not legacy)
    read = checkpoint.read(path)
    other = nets.build("shift-net", B=1, e=1, stem=2, classes=3)
    checkpoint.load_into(other, read.tensors, path)
    assert read.entry == entry
    tolerance = 1e-3 if form == "half precision" else 0
    for name, tensor in net.state_dict().items():
        if "num_batches_tracked" not in name:
            torch.testing.assert_close(other.state_dict()[name], tensor, rtol=tolerance, atol=tolerance)


def test_metadata_of_other_types_is_kept_from_being_made(tmp_path):
    path = tmp_path / "net.pt"
    torch.save({"net": small().state_dict(), "args": argparse.Namespace(lr=0.1)}, path)
    from ssc_deploy.checkpoint import unpickle

    loaded = unpickle.load(path)
    assert type(loaded["args"]) is unpickle.Inert
    assert not vars(loaded["args"])


def test_paths_that_python_3_13_pickled_are_ignored(tmp_path, monkeypatch):
    # It keeps the classes in another module, and pickles name that.
    later = types.ModuleType("pathlib._local")
    later.PosixPath = type("PosixPath", (), {"__module__": later.__name__})
    path, weights = tmp_path / "net.pt", small().state_dict()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, later.__name__, later)
        torch.save({"net": weights, "out": later.PosixPath()}, path)
    assert list(checkpoint.read(path).tensors) == list(weights)


def test_a_module_whose_own_names_look_like_a_wrapper_keeps_them(tmp_path):
    class Wrapping(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = nn.Linear(2, 2)

    path, source = tmp_path / "net.pt", Wrapping()
    torch.save(source.state_dict(), path)
    target = Wrapping()
    checkpoint.load_into(target, checkpoint.read(path).tensors, path)
    assert torch.equal(target.module.weight, source.module.weight)


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_our_own_file_tells_its_network(tmp_path, net, name):
    path = tmp_path / "new" / name
    checkpoint.save(net, path, labels=("a", "b", "c"), preprocessing=CIFAR)
    read = checkpoint.read(path)
    assert read.header.arch == "shift-net"
    assert nets.configure("shift-net", read.header.config) == net.config
    assert (read.header.labels, read.header.preprocessing) == (("a", "b", "c"), CIFAR)
    assert read.tensors.keys() == net.state_dict().keys()
    assert all(torch.equal(read.tensors[n], t) for n, t in net.state_dict().items())
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_our_own_file_needs_no_trust(tmp_path, net):
    checkpoint.save(net, tmp_path / "net.pt")
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "net.pt") == []
    assert torch.load(tmp_path / "net.pt", weights_only=True)["config"]["e"] == 1


def test_saving_twice_gives_the_same_bytes(tmp_path, net):
    for folder in ("a", "b"):
        checkpoint.save(net, tmp_path / folder / "net.pt", preprocessing=CIFAR)
    assert (tmp_path / "a/net.pt").read_bytes() == (tmp_path / "b/net.pt").read_bytes()


def test_foreign_safetensors_are_read(tmp_path, net):
    save_file(dict(net.state_dict()), tmp_path / "net.safetensors")
    read = checkpoint.read(tmp_path / "net.safetensors")
    assert read.header == checkpoint.Header()
    assert read.shapes == {n: tuple(t.shape) for n, t in net.state_dict().items()}


def test_saving_refuses_to_replace_unless_told(tmp_path, net):
    path = tmp_path / "net.pt"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists"):
        checkpoint.save(net, path)
    assert path.read_bytes() == b"precious"
    checkpoint.save(net, path, overwrite=True)
    assert checkpoint.read(path).header.arch == "shift-net"


def test_a_failed_save_leaves_the_old_file(tmp_path, net):
    path = tmp_path / "net.pt"
    path.mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(net, path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["net.pt"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": 9}, "format version 9, this package reads 1"),
        ({"arch": 3}, "arch must be a name"),
        ({"config": []}, "config a dict"),
        ({"labels": "abc"}, "labels must be a list"),
        ({"preprocessing": {"mean": [0.5], "std": [0], "colour": "L"}}, "preprocessing needs mean, std"),
        ({"preprocessing": {"mean": [0.5], "std": [1], "colour": "RGB"}}, "one a channel"),
    ],
)
def test_a_malformed_header_of_ours_is_named(tmp_path, net, change, sentence):
    path = tmp_path / "net.pt"
    torch.save({**checkpoint.Header("shift-net").to_dict(), **change, "state_dict": net.state_dict()}, path)
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.read(path)
