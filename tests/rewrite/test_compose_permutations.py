import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy import roles
from ssc_deploy.rewrite.compose_permutations import ComposePermutations

ORDER = np.array([2, 0, 1, 5, 3, 4])  # stays inside two blocks of three
ACROSS = np.array([5, 0, 4, 1, 3, 2])
ACTS = {
    "none": None,
    "Relu": ("Relu",),
    "Clip": ("Clip", np.float32(0), np.float32(6)),
    "HardSwish": ("HardSwish",),
}


def compose(chain, *further):
    model = chain.build(*further)
    for node in model.graph:
        if node.op_type == "Gather":
            roles.set_role(node, roles.Role.SHUFFLE)
    return model


def acting(chain, act):
    return chain if act is None else chain.then(*act)


@settings(max_examples=20, deadline=None)
@given(orders=st.lists(st.permutations(range(6)), min_size=2, max_size=4))
def test_permutations_in_a_row_are_one(orders):
    chain = Chain(1, 6, 3, 4).then("Neg")
    for order in orders:
        chain.then("Gather", np.array(order), axis=1)
    model = compose(chain)
    whole = np.arange(6)
    for order in orders:
        whole = whole[list(order)]
    expected = ["Neg"] if (whole == np.arange(6)).all() else ["Neg", "Gather"]
    assert apply(ComposePermutations(), model, exact=True) == expected


def test_a_selection_of_a_permutation_is_a_selection():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", np.array([3, 3, 0]), axis=1))
    assert apply(ComposePermutations(), model, exact=True) == ["Gather"]
    assert model.graph[0].inputs[1].const_value.numpy().tolist() == [1, 1, 5]


def test_a_permutation_that_is_read_elsewhere_stays_beside_the_composed_one():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", ORDER, axis=1), "v0")
    assert apply(ComposePermutations(), model, exact=True) == ["Gather", "Gather"]
    assert all(node.inputs[0].is_graph_input() for node in model.graph)


def test_a_network_that_returns_its_input_returns_it():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", np.argsort(ACROSS), axis=1))
    assert apply(ComposePermutations(), model, exact=True) == ["Identity"]


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), kernel=st.sampled_from([1, 3]))
def test_a_dense_kernel_behind_a_permutation_takes_it(order, act, kernel):
    chain = acting(Chain(1, 6, 4, 3).then("Neg").then("Gather", np.array(order), axis=1), ACTS[act])
    model = compose(chain.then("Conv", normal(4, 6, kernel, kernel), pads=[kernel // 2] * 4))
    assert "Gather" not in apply(ComposePermutations(), model)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), bias=st.booleans())
def test_a_dense_kernel_before_a_permutation_takes_it(order, act, bias):
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), *([normal(6)] * bias))
    model = compose(acting(chain, ACTS[act]).then("Gather", np.array(order), axis=1).then("Neg"))
    assert "Gather" not in apply(ComposePermutations(), model)


def test_a_dense_kernel_computes_only_the_channels_that_are_selected():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), normal(6)).then("Relu")
    model = compose(chain.then("Gather", np.array([4, 1, 1]), axis=1))
    assert apply(ComposePermutations(), model) == ["Conv", "Relu"]
    assert tuple(model.graph[0].inputs[1].shape) == (3, 4, 1, 1)


@pytest.mark.parametrize("act", ACTS)
def test_a_group_convolution_behind_takes_what_stays_inside_its_groups(act):
    chain = acting(Chain(1, 6, 4, 3).then("Neg").then("Gather", ORDER, axis=1), ACTS[act])
    model = compose(chain.then("Conv", normal(4, 3, 1, 1), group=2))
    assert "Gather" not in apply(ComposePermutations(), model)


@pytest.mark.parametrize("act", ACTS)
def test_a_group_convolution_before_takes_what_stays_inside_its_groups(act):
    chain = acting(Chain(1, 4, 4, 3).then("Conv", normal(6, 2, 1, 1), normal(6), group=2), ACTS[act])
    model = compose(chain.then("Gather", ORDER, axis=1).then("Neg"))
    assert "Gather" not in apply(ComposePermutations(), model)


def test_a_group_convolution_keeps_its_role():
    model = compose(Chain(1, 4, 4, 3).then("Conv", normal(6, 2, 1, 1), group=2).then("Gather", ORDER, axis=1))
    roles.set_role(model.graph[0], roles.Role.GROUP_POINTWISE)
    assert apply(ComposePermutations(), model) == ["Conv"]
    assert roles.role(model.graph[0]) is roles.Role.GROUP_POINTWISE


def test_a_permutation_across_groups_stays():
    chain = Chain(1, 6, 4, 3).then("Conv", normal(6, 3, 1, 1), group=2).then("Relu").then("Gather", ACROSS, axis=1)
    model = compose(chain.then("Conv", normal(6, 3, 1, 1), group=2))
    assert apply(ComposePermutations(), model) == ["Conv", "Relu", "Gather", "Conv"]


def test_a_selection_is_not_taken_by_a_group_convolution_before_it():
    chain = Chain(1, 6, 4, 3).then("Conv", normal(6, 3, 1, 1), group=2)
    model = compose(chain.then("Gather", np.array([0, 1, 2]), axis=1))
    assert apply(ComposePermutations(), model) == ["Conv", "Gather"]


def test_a_shift_takes_no_permutation():
    shift = one_hot([(0, 1), (1, 0), (0, 0), (0, -1), (-1, 0), (1, 1)])
    chain = Chain(1, 6, 4, 3).then("Conv", shift, group=6, pads=[1] * 4).then("Gather", ACROSS, axis=1)
    model = compose(chain.then("Conv", shift, group=6, pads=[1] * 4))
    assert apply(ComposePermutations(), model, exact=True) == ["Conv", "Gather", "Conv"]


def test_an_activation_with_a_number_a_channel_is_not_passed():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("PRelu", normal(6, 1, 1))
    model = compose(chain.then("Gather", ACROSS, axis=1))
    assert apply(ComposePermutations(), model) == ["Conv", "PRelu", "Gather"]


def test_a_convolution_that_is_read_elsewhere_keeps_its_rows():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Gather", ACROSS, axis=1).then("Add", "v0")
    assert apply(ComposePermutations(), compose(chain)) == ["Conv", "Gather", "Add"]


@pytest.mark.parametrize("tap", ["v0", "v1"])
def test_an_activation_or_convolution_that_is_returned_keeps_its_rows(tap):
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Relu").then("Gather", ACROSS, axis=1)
    assert apply(ComposePermutations(), compose(chain, tap)) == ["Conv", "Relu", "Gather"]


def test_a_permuted_picture_that_is_read_elsewhere_stays():
    chain = (
        Chain(1, 6, 4, 3).then("Neg").then("Gather", ACROSS, axis=1).then("Conv", normal(6, 6, 1, 1)).then("Add", "v1")
    )
    assert apply(ComposePermutations(), compose(chain)) == ["Neg", "Gather", "Conv", "Add"]


def test_kernels_that_are_shared_are_permuted_apart():
    chain = Chain(1, 6, 4, 3)
    weight = chain.constant(normal(6, 6, 1, 1))
    chain.then("Conv", weight).then("Abs").then("Gather", ACROSS, axis=1).then("Conv", weight)
    assert apply(ComposePermutations(), compose(chain)) == ["Conv", "Abs", "Conv"]


def test_values_in_another_order_are_no_block_s_output_any_more():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Relu").then("Gather", ACROSS, axis=1)
    model = compose(chain)
    for name, path in (("v0", "conv"), ("v1", "relu"), ("v2", "shuffle")):
        roles.add_output_of(value(model, name), path)
    apply(ComposePermutations(), model)
    assert makers(model) == {"shuffle": "Relu"}


def test_an_activation_before_the_order_is_restored_is_no_block_s_output_any_more():
    chain = Chain(1, 6, 4, 3).then("Neg").then("Gather", ACROSS, axis=1).then("Relu").then("Conv", normal(4, 6, 1, 1))
    model = compose(chain)
    for name, path in (("v0", "neg"), ("v1", "shuffle"), ("v2", "relu"), ("v3", "conv")):
        roles.add_output_of(value(model, name), path)
    apply(ComposePermutations(), model)
    assert makers(model) == {"neg": "Neg", "conv": "Conv"}
