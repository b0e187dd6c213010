"""What ``torch.export`` does otherwise than eager PyTorch: it is exported as eager computes it, or refused."""

import numpy as np
import pytest
import torch
from graphs import run
from torch import nn

from ssc_deploy.capture import capture, hazards
from ssc_deploy.errors import CaptureError
from ssc_deploy.rewrite import rewrite
from ssc_deploy.signature import of_image

SHAPE = (1, 3, 6, 5)

OVERLAPS = "writes into a slice of a tensor from an overlapping slice of the same tensor"


class Net(nn.Module):
    """A convolution and a buffer; ``function`` is the forward."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, 4, 1), function
        self.register_buffer("scale", torch.ones(1, 4, 1, 1))

    def forward(self, x):
        return self.function(self, x)


def network(function):
    torch.manual_seed(0)
    net = Net(function).eval()
    with torch.no_grad():
        net(torch.zeros(SHAPE))  # as every network is tried before it is captured
    return net


def assigned(net, x):
    net.conv.weight.data = net.conv.weight.data.clamp(-0.2, 0.2)
    return net.conv(x)


def clamped_in_place(net, x):
    net.conv.weight.data.clamp_(-0.2, 0.2)
    net.scale.data = net.scale.data.clamp(0, 0.5)
    y = net.conv(x) * net.scale
    y.data.clamp_(-1, 1)  # of an activation: it has to be seen
    return y


@pytest.mark.quick(1)
@pytest.mark.parametrize("function", [assigned, clamped_in_place])
def test_weights_that_data_leaves_as_they_are_are_exported(function):
    net, x = network(function), torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    captured = capture(net, of_image(SHAPE))
    rewrite(captured.model)
    with torch.no_grad():
        expected = net(x)
    assert net.conv.weight.abs().max() <= 0.2
    np.testing.assert_allclose(run(captured.model, x.numpy()), expected.numpy(), rtol=0, atol=1e-5)


def halved(net, x):
    net.conv.weight.data = net.conv.weight.data * 0.5
    return net.conv(x)


def of_an_activation(net, x):
    y = net.conv(x)
    y.data = y.data.clamp(-1, 1)
    return y


def smeared(net, x):
    y = net.conv(x)
    y[:, :, 1:] = y[:, :, :-1]
    return y


def smeared_by_two(net, x):
    y = net.conv(x)
    y[..., 2:].copy_(y[..., :-2])
    return y


def added_to_its_neighbour(net, x):
    y = net.conv(x)
    y[..., 1:] += y[..., :-1]
    return y


def computed_into_its_neighbour(net, x):
    y = net.conv(x)
    torch.mul(y[..., :-1], 2, out=y[..., 1:])
    return y


@pytest.mark.parametrize(
    ("function", "line", "sentence"),
    [
        (halved, 1, "changes its weights through .data with every call"),
        (of_an_activation, 2, "assigns to .data of a tensor that is not a weight"),
        (smeared, 2, OVERLAPS),
        (smeared_by_two, 2, OVERLAPS),
        (added_to_its_neighbour, 2, OVERLAPS),
        (
            computed_into_its_neighbour,
            2,
            OVERLAPS,
        ),
    ],
)
def test_what_the_export_would_do_otherwise_is_refused_with_its_line(function, line, sentence):
    with pytest.raises(CaptureError) as refused:
        capture(network(function), of_image(SHAPE))
    where = f"({__file__}, line {function.__code__.co_firstlineno + line}, in {function.__name__})"
    assert f"Net {sentence} {where}" in str(refused.value)


def test_a_graph_that_is_only_looked_at_is_captured_with_a_warning():
    with pytest.warns(UserWarning, match=OVERLAPS):
        capture(network(added_to_its_neighbour), of_image(SHAPE), only_look=True)


def overlapping_but_read_before_it_is_written(net, x):
    y = net.conv(x)
    y[:, :, :-1] = y[:, :, 1:]
    return y


def copied_first(net, x):
    y = net.conv(x)
    y[:, :, 1:] = y[:, :, :-1].clone()
    return y


def of_other_channels(net, x):
    y = net.conv(x)
    y[:, :2] = y[:, 2:]
    return y


def added_to_itself(net, x):
    y = net.conv(x)
    y[:, :, 1:] += y[:, :, 1:]
    y[y < 0] = 0
    return y.mul_(y > 0)


def added_to_what_is_copied(net, x):
    y = net.conv(x)
    y[..., 1:] += y[..., :-1].clone()
    return y


@pytest.mark.parametrize(
    "function",
    [
        overlapping_but_read_before_it_is_written,
        copied_first,
        of_other_channels,
        added_to_itself,
        added_to_what_is_copied,
    ],
)
def test_copies_that_do_not_smear_are_taken(function):
    assert not hazards.check(network(function), [torch.randn(SHAPE)])


@pytest.mark.slow
def test_a_branch_on_values_written_for_the_export_is_refused():
    def branches(net, x):
        return torch.cond(x.sum() > 0, lambda a: net.conv(a) * 2, lambda a: net.conv(a) * 3, (x,))

    captured = capture(network(branches), of_image(SHAPE))
    with pytest.raises(CaptureError, match=r"^If .*\.py, line \d+, in forward\) is control flow.*torch\.where"):
        rewrite(captured.model)
