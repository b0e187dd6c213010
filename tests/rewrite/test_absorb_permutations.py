import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.absorb_permutations import AbsorbPermutations

ORDER = np.array([2, 0, 1, 5, 3, 4])  # stays inside two groups of three
WHOLE = np.array([4, 5, 0, 1, 2, 3])  # moves groups of two
ACROSS = np.array([5, 0, 4, 1, 3, 2])
OFFSETS = [(0, 1), (1, 0), (0, 0), (0, -1), (-1, 0), (1, 1)]
ACTS = {
    "none": None,
    "Relu": ("Relu",),
    "Clip": ("Clip", np.float32(0), np.float32(6)),
    "HardSwish": ("HardSwish",),
}


def marked(chain, *further):
    model = chain.build(*further)
    for node in model.graph:
        if node.op_type == "Gather":
            roles.set_role(node, roles.Role.SHUFFLE)
    return model


def acting(chain, act):
    return chain if act is None else chain.then(*act)


def shift(chain):
    return chain.then("Conv", one_hot(OFFSETS), group=6, pads=[1] * 4)


def shift_first(model):
    node = next(node for node in model.graph if node.op_type == "Conv" and len(node.inputs) == 2)
    roles.set_role(node, roles.Role.SHIFT)
    return model


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), kernel=st.sampled_from([1, 3]))
def test_a_dense_kernel_behind_a_permutation_takes_it(order, act, kernel):
    chain = acting(Chain(1, 6, 4, 3).then("Neg").then("Gather", np.array(order), axis=1), ACTS[act])
    model = marked(chain.then("Conv", normal(4, 6, kernel, kernel), pads=[kernel // 2] * 4))
    assert "Gather" not in apply(AbsorbPermutations(), model)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), bias=st.booleans())
def test_a_dense_kernel_before_a_permutation_takes_it(order, act, bias):
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), *([normal(6)] * bias))
    model = marked(acting(chain, ACTS[act]).then("Gather", np.array(order), axis=1).then("Neg"))
    assert "Gather" not in apply(AbsorbPermutations(), model)


def test_a_dense_kernel_computes_only_the_channels_that_are_selected():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), normal(6)).then("Relu")
    model = marked(chain.then("Gather", np.array([4, 1, 1]), axis=1))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Relu"]
    assert tuple(model.graph[0].inputs[1].shape) == (3, 4, 1, 1)


@pytest.mark.parametrize("act", ACTS)
def test_a_group_convolution_behind_takes_what_stays_inside_its_groups(act):
    chain = acting(Chain(1, 6, 4, 3).then("Neg").then("Gather", ORDER, axis=1), ACTS[act])
    model = marked(chain.then("Conv", normal(4, 3, 1, 1), group=2))
    assert "Gather" not in apply(AbsorbPermutations(), model)


@pytest.mark.parametrize("act", ACTS)
def test_a_group_convolution_before_takes_what_stays_inside_its_groups(act):
    chain = acting(Chain(1, 4, 4, 3).then("Conv", normal(6, 2, 1, 1), normal(6), group=2), ACTS[act])
    model = marked(chain.then("Gather", ORDER, axis=1).then("Neg"))
    assert "Gather" not in apply(AbsorbPermutations(), model)


def test_a_group_convolution_keeps_its_role():
    model = marked(Chain(1, 4, 4, 3).then("Conv", normal(6, 2, 1, 1), group=2).then("Gather", ORDER, axis=1))
    roles.set_role(model.graph[0], roles.Role.GROUP_POINTWISE)
    assert apply(AbsorbPermutations(), model) == ["Conv"]
    assert roles.role(model.graph[0]) is roles.Role.GROUP_POINTWISE


def test_a_permutation_across_groups_stays():
    chain = Chain(1, 6, 4, 3).then("Conv", normal(6, 3, 1, 1), group=2).then("Relu").then("Gather", ACROSS, axis=1)
    model = marked(chain.then("Conv", normal(6, 3, 1, 1), group=2))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Relu", "Gather", "Conv"]


def test_a_selection_is_not_taken_by_a_group_convolution_before_it():
    chain = Chain(1, 6, 4, 3).then("Conv", normal(6, 3, 1, 1), group=2)
    model = marked(chain.then("Gather", np.array([0, 1, 2]), axis=1))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Gather"]


def test_a_shift_takes_no_permutation():
    shift = one_hot([(0, 1), (1, 0), (0, 0), (0, -1), (-1, 0), (1, 1)])
    chain = Chain(1, 6, 4, 3).then("Conv", shift, group=6, pads=[1] * 4).then("Gather", ACROSS, axis=1)
    model = marked(chain.then("Conv", shift, group=6, pads=[1] * 4))
    assert apply(AbsorbPermutations(), model, exact=True) == ["Conv", "Gather", "Conv"]


def test_an_activation_with_a_number_a_channel_is_not_passed():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("PRelu", normal(6, 1, 1))
    model = marked(chain.then("Gather", ACROSS, axis=1))
    assert apply(AbsorbPermutations(), model) == ["Conv", "PRelu", "Gather"]


def test_a_convolution_that_is_read_elsewhere_keeps_its_rows():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Gather", ACROSS, axis=1).then("Add", "v0")
    assert apply(AbsorbPermutations(), marked(chain)) == ["Conv", "Gather", "Add"]


@pytest.mark.parametrize("tap", ["v0", "v1"])
def test_an_activation_or_convolution_that_is_returned_keeps_its_rows(tap):
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Relu").then("Gather", ACROSS, axis=1)
    assert apply(AbsorbPermutations(), marked(chain, tap)) == ["Conv", "Relu", "Gather"]


def test_a_permuted_picture_that_is_read_elsewhere_stays():
    chain = (
        Chain(1, 6, 4, 3).then("Neg").then("Gather", ACROSS, axis=1).then("Conv", normal(6, 6, 1, 1)).then("Add", "v1")
    )
    assert apply(AbsorbPermutations(), marked(chain)) == ["Neg", "Gather", "Conv", "Add"]


def test_kernels_that_are_shared_are_permuted_apart():
    chain = Chain(1, 6, 4, 3)
    weight = chain.constant(normal(6, 6, 1, 1))
    chain.then("Conv", weight).then("Abs").then("Gather", ACROSS, axis=1).then("Conv", weight)
    assert apply(AbsorbPermutations(), marked(chain)) == ["Conv", "Abs", "Conv"]


def test_values_in_another_order_are_no_block_s_output_any_more():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Relu").then("Gather", ACROSS, axis=1)
    model = marked(chain)
    for name, path in (("v0", "conv"), ("v1", "relu"), ("v2", "shuffle")):
        roles.add_output_of(value(model, name), path)
    apply(AbsorbPermutations(), model)
    assert makers(model) == {"shuffle": "Relu"}


def test_an_activation_before_the_order_is_restored_is_no_block_s_output_any_more():
    chain = Chain(1, 6, 4, 3).then("Neg").then("Gather", ACROSS, axis=1).then("Relu").then("Conv", normal(4, 6, 1, 1))
    model = marked(chain)
    for name, path in (("v0", "neg"), ("v1", "shuffle"), ("v2", "relu"), ("v3", "conv")):
        roles.add_output_of(value(model, name), path)
    apply(AbsorbPermutations(), model)
    assert makers(model) == {"neg": "Neg", "conv": "Conv"}


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), bias=st.booleans())
def test_a_permutation_passes_up_through_what_treats_each_channel_alone(order, act, bias):
    chain = Chain(1, 4, 5, 3).then("Conv", normal(6, 4, 1, 1)).then("Relu")
    chain.then("Conv", normal(6, 1, 3, 3), *([normal(6)] * bias), group=6, pads=[1] * 4, strides=[2, 1])
    model = marked(acting(chain, ACTS[act]).then("Gather", np.array(order), axis=1).then("Neg"))
    assert "Gather" not in apply(AbsorbPermutations(), model)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), act=st.sampled_from(sorted(ACTS)), bias=st.booleans())
def test_a_permutation_passes_down_through_what_treats_each_channel_alone(order, act, bias):
    chain = acting(Chain(1, 6, 5, 3).then("Neg").then("Gather", np.array(order), axis=1), ACTS[act])
    chain.then("Conv", normal(6, 1, 3, 3), *([normal(6)] * bias), group=6, pads=[1] * 4)
    model = marked(chain.then("Relu").then("Conv", normal(4, 6, 1, 1)))
    assert "Gather" not in apply(AbsorbPermutations(), model)


@settings(max_examples=20, deadline=None)
@given(groups=st.permutations(range(3)), inside=st.lists(st.permutations(range(2)), min_size=3, max_size=3))
def test_a_permutation_of_whole_groups_passes_through_a_group_convolution(groups, inside):
    order = np.array([2 * j + i for j, within in zip(groups, inside, strict=True) for i in within])
    before = Chain(1, 4, 4, 3).then("Conv", normal(9, 4, 1, 1)).then("Relu")
    before.then("Conv", normal(6, 3, 1, 1), normal(6), group=3).then("Gather", order, axis=1).then("Neg")
    assert "Gather" not in apply(AbsorbPermutations(), marked(before))
    behind = Chain(1, 6, 4, 3).then("Neg").then("Gather", order, axis=1)
    behind.then("Conv", normal(9, 2, 1, 1), normal(9), group=3).then("Relu").then("Conv", normal(4, 9, 1, 1))
    assert "Gather" not in apply(AbsorbPermutations(), marked(behind))


def test_a_shift_on_the_way_stays_a_shift_by_permuted_offsets():
    chain = shift(Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), normal(6)).then("Relu"))
    model = shift_first(marked(chain.then("Gather", ACROSS, axis=1).then("Neg")))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Relu", "Conv", "Neg"]
    assert roles.role(model.graph[2]) is roles.Role.SHIFT
    offsets = [OFFSETS[c] for c in ACROSS]
    np.testing.assert_array_equal(model.graph[2].inputs[1].const_value.numpy(), one_hot(offsets))


def test_two_permutations_with_a_shift_between_them_are_one():
    model = shift_first(
        marked(shift(Chain(1, 6, 4, 3).then("Gather", ORDER, axis=1)).then("Gather", ACROSS, axis=1).then("Neg"))
    )
    assert sorted(apply(AbsorbPermutations(), model, exact=True)) == ["Conv", "Gather", "Neg"]


def test_a_permutation_that_is_undone_behind_a_group_convolution_is_gone():
    chain = Chain(1, 6, 4, 3).then("Neg").then("Gather", WHOLE, axis=1).then("Conv", normal(6, 2, 1, 1), group=3)
    model = marked(chain.then("Relu").then("Gather", np.argsort(WHOLE), axis=1).then("Neg"))
    assert apply(AbsorbPermutations(), model) == ["Neg", "Conv", "Relu", "Neg"]


def test_a_permutation_that_nothing_takes_in_the_end_stays():
    chain = shift(Chain(1, 6, 4, 3).then("Abs")).then("Gather", ACROSS, axis=1).then("Abs")
    assert apply(AbsorbPermutations(), shift_first(marked(chain)), exact=True) == ["Abs", "Conv", "Gather", "Abs"]


def test_a_selection_passes_no_depthwise_convolution():
    chain = Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1)).then("Conv", normal(6, 1, 3, 3), group=6, pads=[1] * 4)
    model = marked(chain.then("Gather", np.array([0, 2, 2]), axis=1))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Conv", "Gather"]


@pytest.mark.parametrize("tap", ["v1", "v2"])
def test_nothing_passes_what_is_returned(tap):
    chain = shift(Chain(1, 4, 4, 3).then("Conv", normal(6, 4, 1, 1), normal(6)).then("Relu"))
    model = shift_first(marked(chain.then("Gather", ACROSS, axis=1), tap))
    assert apply(AbsorbPermutations(), model) == ["Conv", "Relu", "Conv", "Gather"]
