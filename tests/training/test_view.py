"""The view for training computes what the network computes, with the network's own tensors."""

from __future__ import annotations

import pytest
import torch

from ssc_deploy import nets
from ssc_deploy.training import training_view

NETWORKS = {
    "ssc-net": {"B": 1, "G": 9, "stem": 4},
    "shift-net": {"B": 1, "e": 2, "stem": 4},
    "resnet": {"B": 1},
    "pre-resnet": {"B": 1},
    "densenet": {"L": 7, "k": 4},
    "shufflenet": {},
    "mobilenet-v2": {"form": "cifar"},
}


@pytest.mark.slow
@pytest.mark.parametrize("arch", NETWORKS)
def test_outputs_gradients_and_statistics_are_the_network_s(arch):
    torch.manual_seed(0)
    ours, plain = nets.build(arch, **NETWORKS[arch]), nets.build(arch, **NETWORKS[arch])
    nets.randomise(ours)
    plain.load_state_dict(ours.state_dict())
    view = training_view(ours.double())
    plain.double().train()
    x = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    torch.manual_seed(0)
    expected = plain(x)
    torch.manual_seed(0)
    found = view(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected)
    expected.square().sum().backward()
    found.square().sum().backward()
    for (name, mine), theirs in zip(ours.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-7, atol=1e-7, msg=name)
    for mine, theirs in zip(ours.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_network_keeps_its_modules_its_names_and_its_mode(small):
    network = small().eval()
    before = {name: (module, module.training) for name, module in network.named_modules()}
    names = list(network.state_dict())
    view = training_view(network)
    assert all(module.training for module in view.modules())
    assert {name: (module, module.training) for name, module in network.named_modules()} == before
    assert list(network.state_dict()) == list(view.state_dict()) == names
    assert all(a is b for a, b in zip(network.parameters(), view.parameters(), strict=True))


def test_a_shuffle_keeps_channels_last_order(small):
    view = training_view(small())
    x = torch.randn(2, 81, 4, 4).contiguous(memory_format=torch.channels_last)
    shuffled = view.body[0].shuffle(x)
    assert shuffled.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(shuffled, small().body[0].shuffle(x), rtol=0, atol=0)
