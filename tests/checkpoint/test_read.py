"""Forms of checkpoints that are met in the wild, and that they are read to the same tensors."""

import argparse
import collections
import datetime
import json
import pathlib
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
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
    "FSDP": (lambda s: prefixed(s, "_fsdp_wrapped_module."), ""),
    "FSDP of parts": (lambda s: {n.replace("body.", "body._fsdp_wrapped_module."): t for n, t in s.items()}, ""),
    "recomputed parts": (
        lambda s: {n.replace("conv.", "_checkpoint_wrapped_module.conv."): t for n, t in s.items()},
        "",
    ),
    "some compiled": (
        lambda s: {"state_dict": {f"model.{n.replace('stem.', '_orig_mod.stem.')}": t for n, t in s.items()}},
        "state_dict",
    ),
    "wrapped in all ways": (
        lambda s: {
            n.replace("body.", "body._fsdp_wrapped_module._checkpoint_wrapped_module."): t
            for n, t in prefixed(s, "_orig_mod.module.").items()
        },
        "",
    ),
    "counters of shape [1]": (lambda s: {n: t.view(1) if "num_batches" in n else t for n, t in s.items()}, ""),
    "parts in dicts of their own": (
        lambda s: {
            part: {n.removeprefix(f"{part}."): t for n, t in s.items() if n.startswith(part)}
            for part in ("stem", "body", "head")
        },
        "",
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


@pytest.mark.quick(12)
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_network(tmp_path, net, form, legacy):
    make, entry = FORMS[form]
    path = tmp_path / "net.pth"
    torch.save(make(dict(net.state_dict())), path, _use_new_zipfile_serialization=not legacy)
    read = checkpoint.read(path)
    other = nets.build("shift-net", B=1, e=1, stem=2, classes=3)
    assert checkpoint.load_into(other, read.entries, path).entry == entry
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


def test_dicts_of_configuration_libraries_are_read_as_plain_dicts(tmp_path, monkeypatch):
    package = types.ModuleType("pytorch_lightning.utilities.parsing")
    package.AttributeDict = type("AttributeDict", (dict,), {"__module__": package.__name__})
    path, weights = tmp_path / "net.ckpt", small().state_dict()
    settings = package.AttributeDict(lr=0.1)
    settings.more = 3
    with monkeypatch.context() as patch:
        for part in ("pytorch_lightning", "pytorch_lightning.utilities"):
            patch.setitem(sys.modules, part, types.ModuleType(part))
        patch.setitem(sys.modules, package.__name__, package)
        torch.save({"state_dict": weights, "hyper_parameters": settings}, path)
    assert list(checkpoint.read(path).tensors) == list(weights)


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
    checkpoint.load_into(target, checkpoint.read(path).entries, path)
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
    assert {n: t.shape for n, t in read.tensors.items()} == {n: t.shape for n, t in net.state_dict().items()}


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


def test_what_else_lies_in_our_file_is_none_of_the_header(tmp_path, net):
    path = tmp_path / "net.pt"
    torch.save({**checkpoint.Header("shift-net").to_dict(), "epoch": 3, "state_dict": net.state_dict()}, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpoint.read(path).header.arch == "shift-net"


def test_a_key_of_a_newer_header_is_ignored_with_a_warning(tmp_path, net):
    path = tmp_path / "net.safetensors"
    header = checkpoint.Header("shift-net", labels=("a", "b")).to_dict() | {"licence": "MIT"}
    save_file(dict(net.state_dict()), path, metadata={"ssc_deploy": json.dumps(header)})
    with pytest.warns(UserWarning, match="does not know .licence."):
        assert checkpoint.read(path).header.labels == ("a", "b")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": 9}, "format version 9, this package reads 1"),
        ({"arch": 3}, "arch is 3, not a str"),
        ({"config": []}, "config is not an object"),
        ({"labels": "abc"}, "labels is not a list"),
        ({"labels": 5}, "labels is not a list"),
        ({"labels": [5]}, r"labels\[0\] is 5, not a str"),
        ({"preprocessing": []}, "preprocessing is not an object"),
        ({"preprocessing": {"std": [1.0]}}, r"preprocessing\.mean is missing"),
        ({"preprocessing": {"mean": [0.5], "std": [0], "colour": "L"}}, "preprocessing: std must be above 0"),
        ({"preprocessing": {"mean": [0.5], "std": [float("inf")], "colour": "L"}}, r"std\[0\] is not finite"),
        ({"preprocessing": {"mean": [float("nan")] * 3, "std": [1.0] * 3}}, r"mean\[0\] is not finite"),
        ({"preprocessing": {"mean": [0.5], "std": [1], "colour": "RGB"}}, "one number for each channel of RGB"),
        ({"preprocessing": {"mean": [0.5] * 3, "std": [1.0] * 3, "colour": "XYZ"}}, "colour must be RGB, BGR or L"),
    ],
)
def test_a_malformed_header_of_ours_is_named(tmp_path, net, change, sentence):
    path = tmp_path / "net.pt"
    torch.save({**checkpoint.Header("shift-net").to_dict(), **change, "state_dict": net.state_dict()}, path)
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.read(path)


class Tied(nn.Module):
    """One convolution under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3)
        self.second = self.first


class Versioned(nn.Module):
    """Refuses a state dict without the version that PyTorch notes in it, as torchvision's MNASNet does."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2))

    def _load_from_state_dict(self, state, prefix, local_metadata, *rest):
        if local_metadata.get("version") != 2:
            raise ValueError(f"version {local_metadata.get('version')}")
        super()._load_from_state_dict(state, prefix, local_metadata, *rest)


class Within(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Versioned()


class Extra(nn.Module):
    """Has a state of its own that is no tensor."""

    def __init__(self, kind="none"):
        super().__init__()
        self.kind, self.fc = kind, nn.Linear(2, 2)

    def get_extra_state(self):
        return {"kind": self.kind}

    def set_extra_state(self, state):
        self.kind = state["kind"]


class OwnLoading(nn.Module):
    """Loads by itself and returns nothing, as EDSR and its descendants do; leaves out what is called ``tail``."""

    def __init__(self):
        super().__init__()
        self.body, self.tail = nn.BatchNorm2d(2), nn.Linear(2, 2)

    def load_state_dict(self, state_dict):
        own = self.state_dict()
        for name, value in state_dict.items():
            if "tail" not in name:
                own[name].copy_(value)


class OwnLoadingOfAll(OwnLoading):
    def load_state_dict(self, state_dict, strict=True):
        for name, value in state_dict.items():
            self.state_dict()[name].copy_(value)


def reloaded(tmp_path, content, net, weights=None):
    path = tmp_path / "net.pt"
    torch.save(content, path)
    return checkpoint.load_into(net, checkpoint.read(path).entries, path, weights)


def same(a, b):
    return all(torch.equal(one, two) for one, two in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("prefix", ["", "net.", "module._orig_mod.net."])
def test_the_versions_in_a_state_dict_are_kept(tmp_path, prefix):
    source, net = Within(), Versioned()
    state = source.state_dict() if prefix == "net." else source.net.state_dict()
    if prefix.startswith("module"):
        state = nn.ModuleDict({"module": nn.ModuleDict({"_orig_mod": source})}).state_dict()
    reloaded(tmp_path, state, net)
    assert same(net, source.net)


def test_our_own_file_of_a_network_that_asks_for_versions(tmp_path):
    source, net, path = Versioned(), Versioned(), tmp_path / "net.pt"
    checkpoint.save(source, path)
    checkpoint.load_into(net, checkpoint.read(path).entries, path)
    assert same(net, source)


def test_a_network_that_refuses_the_version_gets_a_sentence(tmp_path):
    plain = dict(Versioned().state_dict())
    with pytest.raises(CheckpointError, match="Versioned fails while its weights are loaded: ValueError: version None"):
        reloaded(tmp_path, plain, Versioned())


def test_extra_state_reaches_the_module(tmp_path):
    net = Extra()
    reloaded(tmp_path, {"state_dict": prefixed(Extra("trained").state_dict(), "model.")}, net)
    assert net.kind == "trained"


def test_extra_state_that_the_module_has_not_is_left_with_a_warning(tmp_path):
    net = nn.Sequential(collections.OrderedDict(fc=nn.Linear(2, 2)))
    with pytest.warns(UserWarning, match="1 tensor in it is not used.*: _extra_state"):
        reloaded(tmp_path, Extra().state_dict(), net)


def test_a_shared_tensor_that_is_kept_once_fills_both_names(tmp_path):
    source, net = Tied(), Tied()
    save_model(source, tmp_path / "net.safetensors")
    checkpoint.load_into(net, checkpoint.read(tmp_path / "net.safetensors").entries, tmp_path / "net.safetensors")
    assert same(net, source)
    untied = nn.ModuleDict({"first": nn.Conv2d(3, 3, 3), "second": nn.Conv2d(3, 3, 3)})
    checkpoint.load_into(untied, checkpoint.read(tmp_path / "net.safetensors").entries, tmp_path / "net.safetensors")
    assert torch.equal(untied["second"].weight, source.first.weight)
    state = source.state_dict()
    reloaded(tmp_path, {name: state[name] for name in ("second.weight", "second.bias")}, net)


def test_what_is_left_over_is_named_in_a_warning(tmp_path, net):
    state = {**prefixed(net.state_dict(), "model."), "val_acc.tp": torch.zeros(3), "criterion.weight": torch.ones(3)}
    other = small()
    with pytest.warns(UserWarning, match=r"2 tensors in it are not used.*: val_acc\.tp, criterion\.weight"):
        reloaded(tmp_path, {"state_dict": state}, other)
    assert same(other, net)


def test_a_metric_of_inf_beside_the_weights_is_no_reason_to_refuse_them(tmp_path, net):
    with pytest.warns(UserWarning, match="best"):
        reloaded(tmp_path, {**net.state_dict(), "best": torch.tensor(float("inf"))}, small())


def test_teacher_and_student_of_other_sizes_leave_no_choice(tmp_path, net):
    teacher = nets.build("shift-net", B=2, e=2, stem=4, classes=3)
    content = {"state_dict": {**prefixed(teacher.state_dict(), "teacher."), **prefixed(net.state_dict(), "student.")}}
    other = small()
    with pytest.warns(UserWarning, match=r"not used.*teacher\."):
        reloaded(tmp_path, content, other)
    assert same(other, net)


def test_a_loading_of_the_networks_own_is_looked_at_instead_of_believed(tmp_path):
    source = OwnLoading()
    net = OwnLoadingOfAll()
    reloaded(tmp_path, prefixed(source.state_dict(), "module."), net)
    assert same(net, source)
    with pytest.raises(CheckpointError, match=r"load_state_dict leaves out tail\.weight, tail\.bias"):
        reloaded(tmp_path, source.state_dict(), OwnLoading())
    short = {name: tensor for name, tensor in source.state_dict().items() if "running_var" not in name}
    with pytest.raises(CheckpointError, match=r"lacks body\.running_var"):
        reloaded(tmp_path, short, OwnLoadingOfAll())


def test_what_the_networks_own_loading_renames_is_not_left_over(tmp_path):
    class Renaming(nn.Linear):
        def load_state_dict(self, state_dict, strict=True):
            super().load_state_dict({name.replace("head", "weight"): t for name, t in state_dict.items()}, strict)

    source, net = nn.Linear(3, 2), Renaming(3, 2)
    with warnings.catch_warnings(action="error"):
        reloaded(tmp_path, {"head": source.weight.detach(), "bias": source.bias.detach()}, net)
    assert same(net, source)
