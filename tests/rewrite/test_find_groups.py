import numpy as np
import pytest
from graphs import Chain, apply, normal, one_hot
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.find_groups import FindGroups, blocks


def diagonal(groups, outputs, inputs, *kernel, seed=0):
    """A dense kernel of blocks without zeros in them."""
    dense = np.zeros((groups * outputs, groups * inputs, *kernel), np.float32)
    for b in range(groups):
        block = normal(outputs, inputs, *kernel, seed=seed + b)
        dense[b * outputs : (b + 1) * outputs, b * inputs : (b + 1) * inputs] = block
    return dense


def found(model):
    return model.graph[0].attributes["group"].as_int(), roles.role(model.graph[0])


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(2, 6),
    outputs=st.integers(1, 4),
    inputs=st.integers(1, 4),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    bias=st.booleans(),
)
def test_a_block_diagonal_kernel_is_a_group_convolution(*, groups, outputs, inputs, kernel, stride, bias):
    operands = [diagonal(groups, outputs, inputs, kernel, kernel), *([normal(groups * outputs)] * bias)]
    chain = Chain(1, groups * inputs, 5, 4).then("Conv", *operands, strides=[stride] * 2, pads=[kernel // 2] * 4)
    model = chain.build()
    assert apply(FindGroups(), model) == ["Conv"]
    assert found(model) == (groups, roles.Role.GROUP_POINTWISE if kernel == 1 else None)
    assert tuple(model.graph[0].inputs[1].shape) == (groups * outputs, inputs, kernel, kernel)


@pytest.mark.parametrize(("group", "factor"), [(2, 3), (3, 2)])
def test_a_group_convolution_is_split_further(group, factor):
    kernel = np.concatenate([diagonal(factor, 2, 2, 1, 1, seed=10 * b) for b in range(group)])
    model = Chain(1, group * factor * 2, 4, 4).then("Conv", kernel, group=group).build()
    apply(FindGroups(), model)
    assert found(model) == (group * factor, roles.Role.GROUP_POINTWISE)


def test_a_convolution_written_with_groups_is_marked():
    model = Chain(1, 6, 4, 4).then("Conv", normal(4, 3, 1, 1), group=2).build()
    apply(FindGroups(), model, exact=True)
    assert found(model) == (2, roles.Role.GROUP_POINTWISE)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_dense_kernel_stays_dense(kernel):
    model = Chain(1, 6, 4, 4).then("Conv", normal(6, 6, kernel, kernel), pads=[kernel // 2] * 4, group=1).build()
    assert not FindGroups()(model).modified
    assert found(model) == (1, None)


def test_one_number_outside_the_blocks_keeps_it_dense():
    kernel = diagonal(2, 3, 3, 1, 1)
    kernel[0, 5] = 1e-30
    model = Chain(1, 6, 4, 4).then("Conv", kernel, group=1).build()
    assert not FindGroups()(model).modified


def test_blocks_that_differ_between_groups_stay_together():
    kernel = np.concatenate([diagonal(2, 1, 1, 1, 1), normal(2, 2, 1, 1)])
    model = Chain(1, 4, 4, 4).then("Conv", kernel, group=2).build()
    apply(FindGroups(), model, exact=True)
    assert found(model) == (2, roles.Role.GROUP_POINTWISE)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (np.kron(np.eye(4), np.ones((2, 3))), 4),
        (np.kron(np.eye(2), np.ones((2, 2))), 2),
        (np.kron(np.array([[1, 0], [0, 0]]), np.ones((2, 2))), 2),  # a block of zeros is a block
        (np.kron(np.array([[0, 1], [1, 0]]), np.ones((2, 2))), 1),
        (np.zeros((4, 4)), 1),
        (np.ones((3, 5)), 1),
        (np.eye(3)[:, [0, 0, 1, 1, 2, 2]], 3),
        (np.eye(4)[:, [0, 1, 2]], 1),  # 4 outputs and 3 inputs have no common divisor
    ],
)
def test_the_most_blocks_are_counted(pattern, expected):
    assert blocks(pattern[None, :, :, None, None]) == expected


def test_a_shift_is_no_group_convolution():
    model = Chain(1, 3, 4, 4).then("Conv", one_hot([(0, 1), (1, 0), (0, 0)]), group=3, pads=[1] * 4).build()
    assert not FindGroups()(model).modified


def test_convolutions_that_share_a_kernel_are_split_apart():
    chain = Chain(1, 6, 4, 4)
    weight = chain.constant(diagonal(3, 2, 2, 1, 1))
    model = chain.then("Conv", weight).then("Relu").then("Conv", weight).build()
    assert apply(FindGroups(), model) == ["Conv", "Relu", "Conv"]
    assert [node.attributes["group"].as_int() for node in (model.graph[0], model.graph[2])] == [3, 3]


@pytest.mark.parametrize("axes", [1, 3])
def test_convolutions_along_one_or_three_axes_are_split_too(axes):
    model = Chain(1, 4, *[3] * axes).then("Conv", diagonal(2, 2, 2, *[1] * axes)).build()
    apply(FindGroups(), model)
    assert found(model) == (2, None)


def test_computed_weights_are_left_alone():
    chain = Chain(1, 4, 1, 1)
    weight = chain.aside("Reshape", "input", np.array([2, 2, 1, 1]))
    chain.then("Reshape", np.array([1, 2, 2, 1])).then("Conv", weight, group=1)
    assert apply(FindGroups(), chain.build()) == ["Reshape", "Reshape", "Conv"]
