import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.merge_linear import MergeLinear


def conv(chain: Chain, out: int, channels: int, k: int = 1, *, bias: bool = True, seed: int = 0, **attributes) -> Chain:
    weight = normal(out, channels, k, k, seed=seed) / np.float32(channels) ** 0.5
    return chain.then("Conv", weight, *[normal(out, seed=seed + 1)] * bias, kernel_shape=(k, k), **attributes)


def start(channels: int = 4) -> Chain:
    return Chain(1, channels, 7, 6)


@pytest.mark.parametrize("bias", [(True, True), (True, False), (False, True), (False, False)])
def test_two_pointwise_convolutions_become_one(bias):
    chain = conv(conv(start(), 12, 4, bias=bias[0]), 5, 12, bias=bias[1], seed=5)
    assert apply(MergeLinear(), chain.build()) == ["Conv"]


def test_three_become_one():
    assert apply(MergeLinear(), conv(conv(conv(start(), 12, 4), 12, 12, seed=3), 4, 12, seed=6).build()) == ["Conv"]


@pytest.mark.parametrize("attributes", [{"auto_pad": "NOTSET"}, {"strides": (2, 2)}, {"dilations": (2, 2)}])
def test_a_pointwise_goes_into_the_kernel_behind_it(attributes):
    assert apply(MergeLinear(), conv(conv(start(), 40, 4), 4, 40, 3, seed=4, **attributes).build()) == ["Conv"]


def test_without_a_bias_the_kernel_behind_may_be_padded():
    chain = conv(conv(start(), 40, 4, bias=False), 4, 40, 3, seed=4, pads=(1, 1, 1, 1))
    assert apply(MergeLinear(), chain.build()) == ["Conv"]


@pytest.mark.parametrize("attributes", [{"pads": (1, 1, 1, 1)}, {"strides": (2, 2), "pads": (1, 1, 1, 1)}])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_a_pointwise_goes_into_the_kernel_before_it(attributes, strides):
    model = conv(conv(start(), 12, 4, 3, **attributes), 4, 12, seed=4, strides=strides).build()
    assert apply(MergeLinear(), model) == ["Conv"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("attributes", [{"pads": (1, 1, 1, 1)}, {"strides": (2, 2), "pads": (1, 0, 2, 1)}])
def test_a_padded_pointwise_keeps_its_border_when_the_next_goes_into_it(bias, attributes):
    model = conv(conv(start(), 40, 4, bias=bias, **attributes), 4, 40, seed=4).build()
    assert apply(MergeLinear(), model) == ["Conv"]


def test_the_merged_convolution_is_what_the_second_block_returns():
    model = conv(conv(start(), 12, 4), 5, 12).build()
    roles.add_output_of(value(model, "v0"), "first")
    roles.add_output_of(value(model, "v1"), "second")
    apply(MergeLinear(), model)
    assert makers(model) == {"second": "Conv"}


def test_a_bottleneck_stays_since_merging_is_more_work():
    assert apply(MergeLinear(), conv(conv(start(12), 2, 12), 12, 2).build()) == ["Conv", "Conv"]


def test_a_padded_kernel_behind_a_bias_stays():
    chain = conv(conv(start(), 40, 4), 4, 40, 3, pads=(1, 1, 1, 1))
    assert apply(MergeLinear(), chain.build()) == ["Conv", "Conv"]


def test_an_activation_in_between_keeps_them_apart():
    assert apply(MergeLinear(), conv(conv(start(), 12, 4).then("Relu"), 5, 12).build()) == ["Conv", "Relu", "Conv"]


def test_a_first_convolution_that_is_read_elsewhere_stays():
    assert apply(MergeLinear(), conv(conv(start(), 12, 4), 5, 12).build("v0")) == ["Conv", "Conv"]


def test_group_convolutions_stay():
    chain = conv(conv(start(), 12, 2, group=2), 5, 12)
    assert apply(MergeLinear(), chain.build()) == ["Conv", "Conv"]


def test_padding_that_is_not_explicit_stays():
    chain = conv(conv(start(), 40, 4, bias=False), 4, 40, 3, auto_pad="SAME_UPPER")
    assert apply(MergeLinear(), chain.build()) == ["Conv", "Conv"]


def test_two_wide_kernels_stay():
    assert apply(MergeLinear(), conv(conv(start(), 12, 4, 3), 5, 12, 3).build()) == ["Conv", "Conv"]
