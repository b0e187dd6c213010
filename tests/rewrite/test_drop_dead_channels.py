import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value

from ssc_deploy.ir import canonical, roles
from ssc_deploy.rewrite.drop_dead_channels import DropDeadChannels


def two(acts=("Relu",), *, rows=(), columns=(), bias=None, offsets=None, group: int = 1) -> Chain:
    """Two convolutions with ``acts`` and a shift between; some rows of the first and columns of the second are zero."""
    first, second = normal(8, 4 // group, 1, 1), normal(3, 8, 3, 3, seed=1)
    first[list(rows)] = 0
    second[:, list(columns)] = 0
    bias = -np.abs(normal(8, seed=2)) if bias is None else np.full(8, bias, np.float32)
    chain = Chain(1, 4, 6, 5).then("Conv", first, bias, group=group, kernel_shape=(1, 1))
    for act, *operands in (act if isinstance(act, tuple) else (act,) for act in acts):
        chain.then(act, *operands)
    if offsets:
        chain.then("Conv", one_hot(offsets), group=8, kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    return chain.then("Conv", second, normal(3), kernel_shape=(3, 3), pads=(1, 1, 1, 1))


def widths(model) -> list[int]:
    return [int(node.outputs[0].shape[1]) for node in model.graph]


@pytest.mark.parametrize("act", ["Relu", ("Clip", np.float32(0), np.float32(6))])
def test_channels_that_are_always_zero_go(act):
    model = two([act], rows=(1, 6)).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [6, 6, 3]


def test_channels_that_nothing_reads_go():
    model = two(columns=(0, 3, 7)).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [5, 5, 3]


def test_channels_die_through_a_shift_which_stays_one():
    offsets = [(0, 1), (1, 0), (0, 0), (-1, 1), (0, -1), (1, 1), (-1, -1), (0, 1)]
    model = two(rows=(2,), columns=(5,), offsets=offsets).build()
    roles.set_role(model.graph[2], roles.Role.SHIFT)
    apply(DropDeadChannels(), model)
    assert widths(model) == [6, 6, 6, 3]
    assert canonical.shift_of(model.graph[2]).offsets == tuple(o for i, o in enumerate(offsets) if i not in {2, 5})


def test_what_only_a_dead_channel_has_read_is_dead():
    chain = two(columns=(0,))
    inner = normal(4, 3, 1, 1)
    inner[:, 1] = 0
    model = chain.then("Conv", inner).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [7, 7, 2, 4]


@pytest.mark.parametrize("sizes", [(9,), (5, 4, 3)])
def test_convolutions_over_one_or_three_axes_lose_dead_channels_too(sizes):
    first, second = normal(8, 4, *(1 for _ in sizes)), normal(3, 8, *(3 for _ in sizes), seed=1)
    first[2] = second[:, 5] = 0
    bias = -np.abs(normal(8, seed=2))
    model = Chain(1, 4, *sizes).then("Conv", first, bias).then("Relu").then("Conv", second).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [6, 6, 3]


def test_a_block_whose_channels_are_gone_is_named_by_nothing():
    model = two(rows=(1,)).build()
    roles.add_output_of(value(model, "v1"), "act")
    roles.add_output_of(value(model, "v2"), "second")
    apply(DropDeadChannels(), model)
    assert makers(model) == {"second": "Conv"}


def test_a_constant_that_is_not_zero_stays():
    """Behind it a padded kernel sees its border."""
    model = two(rows=(1,), bias=0.5).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]


def test_an_activation_that_makes_something_of_zero_keeps_the_channel():
    model = two([("Clip", np.float32(1), np.float32(6))], rows=(1,)).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]


def test_one_channel_is_left_of_none():
    model = two(columns=range(8)).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]


def test_what_something_else_reads_stays():
    model = two(rows=(1,)).build("v1")
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]


@pytest.mark.parametrize("act", ["Sigmoid", "Tanh"])
def test_other_operators_between_stay(act):
    model = two([act], rows=(1,), columns=(2,)).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]


def test_group_convolutions_stay():
    model = two(rows=(1,), group=2).build()
    apply(DropDeadChannels(), model)
    assert widths(model) == [8, 8, 3]
