import copy
import dataclasses
import threading
import types

import networks
import numpy as np
import pytest
import torch
from torch import nn

from ssc_deploy.errors import NetworkError
from ssc_deploy.examples import Examples
from ssc_deploy.verification.torch_reference import TorchReference


def state(module):
    return {name: (t.dtype, t.clone()) for name, t in module.state_dict().items()}, [
        m.training for m in module.modules()
    ]


def assert_unchanged(module, before):
    tensors, training = before
    now = module.state_dict()
    assert list(now) == list(tensors)
    for name, (dtype, value) in tensors.items():
        assert now[name].dtype == dtype
        assert torch.equal(now[name], value), name
    assert [m.training for m in module.modules()] == training


class Scaled(nn.Module):
    """Multiplies by what a subclass makes of 0.1."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.mask = torch.tensor(0.5)

    def forward(self, x):
        return self.conv(self.scale(x)).flatten(1)


class DefaultConstant(Scaled):
    def scale(self, x):
        return x * torch.full((1,), 0.1)


class Float32Constant(Scaled):
    def scale(self, x):
        return torch.cat([x * 0.1, torch.zeros(x.shape, dtype=torch.float32)], 1)[:, :3].float()


class PlainAttribute(Scaled):
    def scale(self, x):
        return nn.functional.conv2d(x, self.mask.expand(3, 1, 1, 1), groups=3)


class FloatOutput(Scaled):
    def scale(self, x):
        return x

    def forward(self, x):
        return super().forward(x).float()


@pytest.mark.parametrize("kind", [DefaultConstant, Float32Constant, PlainAttribute, FloatOutput])
def test_float64_is_float64_all_the_way_whatever_the_forward_insists_on(kind):
    torch.manual_seed(0)
    net = kind()
    x = networks.pictures(3)
    exact = TorchReference(net).outputs(Examples.of(x))[0]
    scale = {DefaultConstant: 0.1, Float32Constant: 0.1, PlainAttribute: 0.5, FloatOutput: 1.0}[kind]
    weight, bias = (p.detach().double().numpy() for p in (net.conv.weight, net.conv.bias))
    expected = np.einsum("oc,nchw->nohw", weight[:, :, 0, 0], x.astype(np.float64) * scale) + bias[:, None, None]
    assert exact.dtype == np.float64
    np.testing.assert_allclose(exact, expected.reshape(3, -1), rtol=1e-13, atol=1e-14)
    assert TorchReference(net).float32_outputs(Examples.of(x))[0].dtype == np.float32


def test_the_callers_module_stays_as_it_is():
    net = networks.random_net(0).train()
    net.body[0].eval()
    before = state(net)
    reference = TorchReference(net)
    reference.outputs(Examples.of(networks.pictures(2)))[0]
    reference.float32_outputs(Examples.of(networks.pictures(2)))[0]
    every_block(net, 2)
    assert_unchanged(net, before)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


class Uncopyable(networks.Net):
    """Cannot be copied, counts its calls and keeps a tensor of its first one."""

    def __init__(self, *, fails=False):
        super().__init__(1)
        self.lock = threading.Lock()
        self.register_buffer("calls", torch.zeros(()))
        self.cache = None
        self.fails = fails

    def forward(self, x):
        self.calls += 1
        if self.cache is None:
            self.cache = torch.ones(1, x.shape[1], 1, 1)
        if self.fails:
            raise RuntimeError("no image of mine")
        return super().forward(nn.functional.conv2d(x, self.cache.reshape(3, 1, 1, 1), groups=3))


def test_a_module_that_cannot_be_copied_is_put_back():
    net = Uncopyable()
    before = state(net)
    reference = TorchReference(net)
    exact, float32 = (
        reference.outputs(Examples.of(networks.pictures(2)))[0],
        reference.float32_outputs(Examples.of(networks.pictures(2)))[0],
    )
    assert 0 < np.abs(exact - float32).max() < 1e-4
    assert_unchanged(net, before)
    assert net.cache is None


@pytest.mark.parametrize("fails", [True])
def test_a_module_is_put_back_when_it_fails_and_the_error_says_why(fails):
    net = Uncopyable(fails=fails)
    before, default = state(net), torch.get_default_dtype()
    with pytest.raises(NetworkError, match=r"Uncopyable cannot run in float64 .* no image of mine"):
        TorchReference(net).outputs(Examples.of(networks.pictures(2)))[0]
    assert_unchanged(net, before)
    assert torch.get_default_dtype() == default


def test_bn_and_dropout_run_as_in_use():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.9)).train()
    one, two = (TorchReference(net).outputs(Examples.of(networks.pictures(4)))[0] for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(one[:1], TorchReference(net).outputs(Examples.of(networks.pictures(4)[:1]))[0])


def test_many_pictures_in_chunks_are_the_same_as_one_by_one():
    reference = TorchReference(networks.random_net(0))
    x = np.tile(networks.pictures(5), (1, 1, 4, 4))  # 32x32: more pictures than go through at once
    x = np.concatenate([x] * 7)
    np.testing.assert_allclose(
        reference.outputs(Examples.of(x))[0],
        np.concatenate([reference.outputs(Examples.of(p[None]))[0] for p in x]),
        rtol=1e-12,
    )


def every_block(net, count):
    """(name, float64, float32) of every block, in order."""
    blocks, reference = [], TorchReference(net)
    names = {f"{path or 'output'}{again}" for path, _ in net.named_modules() for again in ("", "@1", "@2")}
    float32 = reference.float32_blocks(Examples.of(networks.pictures(count)), names)
    reference.visit_blocks(
        Examples.of(networks.pictures(count)), names, lambda name, exact: blocks.append((name, exact))
    )
    assert list(float32) == [name for name, _ in blocks]
    return [(name, exact, float32[name]) for name, exact in blocks]


class Repeated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.act = nn.ReLU(inplace=True)
        self.pair = nn.Sequential(nn.Identity(), nn.Identity())

    def forward(self, x):
        return self.pair(self.act(self.conv(self.act(self.conv(x))))).flatten(1)


def test_blocks_come_in_order_of_completion_with_calls_numbered_and_the_innermost_first():
    blocks = every_block(Repeated(), 2)
    names = ["conv", "act", "conv@1", "act@1", "pair.0", "pair.1", "pair", "output"]
    assert [name for name, *_ in blocks] == names
    assert all(exact.dtype == np.float64 and float32.dtype == np.float32 for _, exact, float32 in blocks)


def test_blocks_hold_what_was_returned_although_a_later_one_overwrites_it_in_place():
    exact = {name: exact for name, exact, _ in every_block(Repeated(), 2)}
    assert exact["conv"].min() < 0
    assert exact["act"].min() == 0
    assert np.array_equal(np.maximum(exact["conv"], 0), exact["act"])
    for _, in_float64, in_float32 in every_block(Repeated(), 2):
        np.testing.assert_allclose(in_float32, in_float64, atol=1e-5)


def test_only_the_blocks_that_were_asked_for_are_kept():
    blocks = TorchReference(Repeated()).float32_blocks(Examples.of(networks.pictures(1)), {"act@1", "nothing"})
    assert list(blocks) == ["act@1"]


def test_blocks_of_a_forward_that_insists_on_float32_are_recorded_once():
    assert [name for name, *_ in every_block(Float32Constant(), 1)] == ["conv", "output"]


class Other(nn.Module):
    def forward(self, x):
        return {"logits": x}


class OneBatch(nn.Module):
    def forward(self, x):
        return x.reshape(1, -1)


@pytest.mark.parametrize(
    ("net", "message"),
    [(Other(), "has no output 'output'; it returns logits"), (OneBatch(), "batch size written into it")],
)
def test_what_cannot_be_compared_is_refused_in_words(net, message):
    with pytest.raises(NetworkError, match=message):
        TorchReference(net).outputs(Examples.of(networks.pictures(2)))[0]


class OwnError(Exception):
    """Of a user, with lines that are not for a message."""


class Raising(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


class Stubborn(nn.Linear):
    def to(self, *_):
        raise OwnError("I stay where I am")


@pytest.mark.parametrize("error", [OwnError("not mine\nmore"), SystemExit(3), StopIteration(), MemoryError("too much")])
def test_whatever_a_forward_raises_is_one_sentence_with_its_line(error):
    with pytest.raises(NetworkError) as caught:
        TorchReference(Raising(error)).float32_outputs(Examples.of(networks.pictures(1)))[0]
    said = str(caught.value)
    assert said.startswith("Raising cannot run in float32 on an input of [1, 3, 8, 8], which verification needs: ")
    assert f"{type(error).__name__}" in said
    assert __file__ in said
    assert ", in forward)" in said
    assert "\n" not in said


def test_a_network_that_cannot_be_converted_is_refused_in_words():
    with pytest.raises(NetworkError, match=r"Stubborn cannot be brought into float64.* OwnError: I stay where I am"):
        TorchReference(Stubborn(8, 8)).outputs(Examples.of(networks.pictures(1)))[0]


def test_a_batch_size_in_the_forward_is_named_where_it_fails():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.view(1, 48)

    with pytest.raises(NetworkError, match=r"Fixed cannot run in float64 on an input of \[2, 3, 4, 4\].*x\.size\(0\)"):
        TorchReference(Fixed()).outputs(Examples.of(np.zeros((2, 3, 4, 4), np.float32)))[0]


class Counted(nn.Module):
    """Counts its copies."""

    copies = 0

    def __init__(self, settings=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.settings = settings

    def __deepcopy__(self, memo):
        Counted.copies += 1
        new = self.__class__.__new__(self.__class__)
        memo[id(self)] = new
        new.__dict__ = copy.deepcopy(self.__dict__, memo)
        return new

    def forward(self, x):
        return self.norm(self.conv(x)).flatten(1)


@dataclasses.dataclass(frozen=True)
class Settings:
    widths: tuple[int, ...] = (4, 8)


def runs_of_all_kinds(net):
    reference, x = TorchReference(net), Examples.of(networks.pictures(3))
    return [
        *reference.outputs(x),
        *reference.outputs(x),
        *reference.float32_outputs(x),
        *reference.float32_outputs(x),
        *(outputs[0] for outputs in reference.in_turn([x, x])),
        *reference.float32_blocks(x, {"conv"}).values(),
    ]


@pytest.mark.parametrize("settings", [None, Settings(), [1, {"a": 2.5}], {"b"}, np.float32(2)])
def test_a_network_that_no_run_changes_is_copied_once_for_each_precision(settings):
    Counted.copies = 0
    runs_of_all_kinds(Counted(settings))
    assert Counted.copies == 2


def count(net):
    net.runs = getattr(net, "runs", 0) + 1
    return net.runs


def note(net):
    net.notes.append(1)
    return len(net.notes)


def note_by_name(net):
    net.named[len(net.named)] = 1
    return len(net.named)


def note_in_a_list_of_a_list(net):
    net.nested[0].append(1)
    return len(net.nested[0])


def note_in_an_object(net):
    net.holder.runs = getattr(net.holder, "runs", 0) + 1
    return net.holder.runs


def change_a_tensor(net):
    net.plain += 1
    return net.plain


def change_a_buffer(net):
    net.norm.running_mean += 1
    return 1


def change_a_weight_through_data(net):
    net.conv.weight.data.mul_(2)
    return 1


def replace_a_weight(net):
    net.conv.weight = nn.Parameter(net.conv.weight * 2)
    return 1


def note_on_a_weight(net):
    net.conv.weight.runs = getattr(net.conv.weight, "runs", 0) + 1
    return net.conv.weight.runs


def replace_a_module(net):
    net.norm = nn.ReLU() if isinstance(net.norm, nn.Identity) else nn.Identity()
    return 1


def begin_training(net):
    net.norm.train()
    return 1


def note_in_a_network_that_is_no_part(net):
    net.apart[0].runs = getattr(net.apart[0], "runs", 0) + 1
    return net.apart[0].runs


def draw(net):
    return net.random.rand()


class Changes(Counted):
    def __init__(self, change):
        super().__init__()
        self.change = change
        self.notes, self.named, self.nested, self.holder = [], {}, ([],), types.SimpleNamespace()
        self.plain, self.apart, self.random = torch.zeros(1), [nn.Identity()], np.random.RandomState(1)
        for name in ("holder", "plain", "apart", "random"):
            if name not in change.__code__.co_names:
                delattr(self, name)

    def forward(self, x):
        return super().forward(x) * self.change(self)


@pytest.mark.parametrize(
    "change",
    [
        *(count, note, note_by_name, note_in_a_list_of_a_list, note_in_an_object, change_a_tensor, change_a_buffer),
        *(change_a_weight_through_data, replace_a_weight, note_on_a_weight, replace_a_module, begin_training),
        *(note_in_a_network_that_is_no_part, draw),
    ],
)
def test_a_run_begins_as_if_no_other_had_been(change):
    exact, again, float32, again32, first, second, *_ = runs_of_all_kinds(Changes(change))
    np.testing.assert_array_equal(exact, again)
    np.testing.assert_array_equal(float32, again32)
    np.testing.assert_array_equal(exact, first)
    assert change is begin_training or not np.array_equal(first, second)
