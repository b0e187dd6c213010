import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import canonical, roles
from ssc_deploy.rewrite.split_merged_shift import SplitMergedShift


def merged(groups, inputs, outputs, k, seed=0, *, dead=()):
    """A kernel with one tap an input channel, and the taps; channels in ``dead`` are read by no output."""
    random = np.random.default_rng(seed)
    kernel = np.zeros((groups * outputs, inputs, k, k), np.float32)
    taps = random.integers(0, k, (groups * inputs, 2))
    for channel, (u, v) in enumerate(taps):
        rows = slice(channel // inputs * outputs, (channel // inputs + 1) * outputs)
        if channel not in dead:
            kernel[rows, channel % inputs, u, v] = random.standard_normal(outputs) + 3
    return kernel, taps


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 3),
    inputs=st.integers(2, 4),
    outputs=st.integers(1, 4),
    k=st.sampled_from([3, 5]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    size=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_merged_shift_is_split(*, groups, inputs, outputs, k, stride, dilation, size, bias, seed):
    kernel, taps = merged(groups, inputs, outputs, k, seed)
    same = {"pads": [dilation * (k // 2)] * 4, "dilations": [dilation] * 2, "strides": [stride] * 2, "group": groups}
    operands = [kernel, *([normal(groups * outputs)] * bias)]
    model = Chain(1, groups * inputs, *size).then("Conv", *operands, **same).build()
    moves = (taps != k // 2).any()
    assert apply(SplitMergedShift(), model) == (["Conv", "Conv"] if moves else ["Conv"])
    if moves:
        shift, pointwise = model.graph
        offsets = tuple((dilation * (int(u) - k // 2), dilation * (int(v) - k // 2)) for u, v in taps)
        assert roles.role(shift) is roles.Role.SHIFT
        assert canonical.shift_of(shift).offsets == offsets
    pointwise = model.graph[-1]
    assert tuple(pointwise.inputs[1].shape) == (groups * outputs, inputs, 1, 1)


def test_weights_are_taken_bit_for_bit():
    kernel, _ = merged(2, 3, 4, 3)
    model = Chain(1, 6, 5, 5).then("Conv", kernel, group=2, pads=[1] * 4).build()
    SplitMergedShift()(model)
    taken = model.graph[-1].inputs[1].const_value.numpy()
    np.testing.assert_array_equal(
        taken[:, :, 0, 0],
        np.take_along_axis(kernel.reshape(8, 3, 9), np.abs(kernel).reshape(8, 3, 9).argmax(2)[:, :, None], 2)[:, :, 0],
    )


def test_a_channel_that_no_output_reads_stays_where_it_is():
    kernel, _ = merged(1, 4, 2, 3, dead=(2,))
    model = Chain(1, 4, 5, 5).then("Conv", kernel, pads=[1] * 4).build()
    assert apply(SplitMergedShift(), model) == ["Conv", "Conv"]
    assert canonical.shift_of(model.graph[0]).offsets[2] == (0, 0)


def test_the_block_is_what_the_pointwise_returns():
    kernel, _ = merged(1, 4, 2, 3)
    model = Chain(1, 4, 5, 5).then("Conv", kernel, pads=[1] * 4).build()
    roles.add_output_of(value(model, "v0"), "conv")
    apply(SplitMergedShift(), model)
    assert makers(model) == {"conv": "Conv"}
    assert roles.outputs_of(model.graph[1].outputs[0]) == ("conv",)


def left_alone(kernel, **attributes):
    attributes = {"pads": [kernel.shape[2] // 2, kernel.shape[3] // 2] * 2, **attributes}
    channels = kernel.shape[1] * attributes.get("group", 1)
    model = Chain(1, channels, 8, 8).then("Conv", kernel, **attributes).build()
    return apply(SplitMergedShift(), model) == ["Conv"] and not SplitMergedShift()(model).modified


def test_a_dense_kernel_stays():
    assert left_alone(normal(4, 4, 3, 3))


def test_a_kernel_with_one_channel_that_uses_two_taps_stays():
    kernel, _ = merged(1, 4, 2, 3)
    kernel[1, 3] = normal(3, 3)
    assert left_alone(kernel)


def test_outputs_that_look_at_different_pixels_of_a_channel_stay():
    kernel = np.zeros((2, 2, 3, 3), np.float32)
    kernel[0, :, 0, 0] = kernel[1, :, 2, 2] = 1
    assert left_alone(kernel)


def test_depthwise_convolutions_stay():
    kernel, _ = merged(4, 1, 1, 3)
    assert left_alone(kernel, group=4)


@pytest.mark.parametrize(
    "attributes",
    [{"pads": [0] * 4}, {"pads": [1, 1, 0, 0]}, {"pads": [2] * 4}, {"pads": [1] * 4, "dilations": [2, 2]}],
    ids=["none", "one side", "too much", "not the dilation's"],
)
def test_other_padding_than_same_stays(attributes):
    assert left_alone(merged(1, 4, 2, 3)[0], **attributes)


def test_kernels_that_are_not_square_stay():
    kernel = np.zeros((2, 3, 1, 3), np.float32)
    kernel[:, :, 0, 2] = 1
    assert left_alone(kernel)


def test_kernels_of_an_even_size_stay():
    kernel = np.zeros((2, 3, 2, 2), np.float32)
    kernel[:, :, 0, 1] = 1
    assert left_alone(kernel, pads=[1, 1, 0, 0])


def test_the_same_padding_by_name_is_left_to_the_runtime():
    kernel, _ = merged(1, 4, 2, 3)
    model = Chain(1, 4, 8, 8).then("Conv", kernel, auto_pad="SAME_UPPER").build()
    assert apply(SplitMergedShift(), model) == ["Conv"]
