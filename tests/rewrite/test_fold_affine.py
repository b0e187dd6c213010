import numpy as np
import onnx
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.fold_affine import FoldAffine
from ssc_deploy.rewrite.recognise_movement import RecogniseMovement

COLUMN = (-1, 1, 1)


def statistics(channels, seed=1):
    """gamma, beta, mean, var as training leaves them."""
    random = np.random.default_rng(seed)
    gamma, beta, mean = (random.standard_normal(channels, np.float32) for _ in range(3))
    return gamma, beta, mean, random.uniform(0.1, 2, channels).astype(np.float32)


def conv_chain(channels=6, **attributes):
    return Chain(1, channels, 5, 5).then("Conv", normal(channels, channels, 1, 1), normal(channels), **attributes)


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 4),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    kernel=st.sampled_from([1, 2, 3]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    size=st.tuples(st.integers(5, 8), st.integers(5, 8)),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_batch_norm_moves_into_any_convolution(*, groups, inputs, outputs, kernel, stride, dilation, size, bias, seed):
    chain = Chain(1, groups * inputs, *size)
    parameters = [normal(groups * outputs, inputs, kernel, kernel, seed=seed), *([normal(groups * outputs)] * bias)]
    chain.then("Conv", *parameters, group=groups, strides=[stride] * 2, dilations=[dilation] * 2, pads=[1] * 4)
    model = chain.then("BatchNormalization", *statistics(groups * outputs, seed)).build()
    assert apply(FoldAffine(), model) == ["Conv"]


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("offset", [None, (4,), (1, 4), (1,)])
def test_batch_norm_moves_into_a_linear_layer(transposed, offset):
    weight = normal(*((4, 6) if transposed else (6, 4)))
    parameters = [weight] if offset is None else [weight, normal(*offset)]
    model = Chain(3, 6).then("Gemm", *parameters, transB=transposed).then("BatchNormalization", *statistics(4)).build()
    assert apply(FoldAffine(), model) == ["Gemm"]


@pytest.mark.parametrize("op_type", ["Mul", "Div", "Add", "Sub"])
@pytest.mark.parametrize(
    "operand", [normal(6, 1, 1), normal(1, 6, 1, 1), np.float32(1.5)], ids=["C11", "1C11", "scalar"]
)
def test_a_constant_per_channel_moves_into_the_convolution(op_type, operand):
    assert apply(FoldAffine(), conv_chain().then(op_type, operand).build()) == ["Conv"]


@pytest.mark.parametrize("op_type", ["Mul", "Add", "Sub"])
def test_a_constant_on_the_left_moves_into_the_convolution(op_type):
    assert apply(FoldAffine(), conv_chain().then(op_type, normal(6, 1, 1), first=False).build()) == ["Conv"]


def test_the_inverse_of_a_convolution_is_not_affine():
    model = conv_chain().then("Div", normal(6, 1, 1), first=False).build()
    assert apply(FoldAffine(), model) == ["Conv", "Div"]


def test_the_weights_are_computed_in_float64_with_the_epsilon_that_is_meant():
    weight, (gamma, beta, mean, var) = normal(6, 6, 1, 1), statistics(6)
    var[:3] = 1e-5  # where the last digits of epsilon matter
    chain = Chain(1, 6, 3, 3).then("Conv", weight).then("BatchNormalization", gamma, beta, mean, var, epsilon=1e-5)
    model = chain.build()
    FoldAffine()(model)
    _, folded, bias = (i.const_value and i.const_value.numpy() for i in model.graph[0].inputs)
    scale = gamma.astype(np.float64) / np.sqrt(var.astype(np.float64) + 1e-5)
    np.testing.assert_array_equal(folded[:, :, 0, 0], (weight[:, :, 0, 0] * scale[:, None]).astype(np.float32))
    np.testing.assert_array_equal(bias, (beta - scale * mean).astype(np.float32))


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)), after=st.sampled_from(["BatchNormalization", "Mul"]))
def test_a_channel_permutation_is_passed(order, after):
    operands = statistics(6) if after == "BatchNormalization" else [normal(6, 1, 1)]
    model = conv_chain().then("Gather", np.array(order), axis=1).then(after, *operands).build()
    RecogniseMovement()(model)
    expected = ["Conv"] if list(order) == sorted(order) else ["Conv", "Gather"]
    assert apply(FoldAffine(), model) == expected


def test_a_selection_of_channels_is_not_passed():
    model = conv_chain().then("Gather", np.array([0, 2, 2, 5]), axis=1).then("Mul", normal(4, 1, 1)).build()
    RecogniseMovement()(model)
    assert apply(FoldAffine(), model) == ["Conv", "Gather", "Mul"]


def test_batch_norm_after_a_shift_is_spelled_out_since_zeros_come_in_at_the_edge():
    offsets = [(0, 1), (1, 0), (-1, -1), (0, 0), (0, -1), (1, 1)]
    chain = conv_chain().then("Conv", one_hot(offsets), group=6, pads=[1] * 4)
    model = chain.then("BatchNormalization", *statistics(6)).build()
    assert apply(FoldAffine(), model) == ["Conv", "Conv", "Mul", "Add"]


def test_batch_norm_of_a_sum_is_spelled_out_and_stays_the_block():
    model = Chain(1, 6, 4, 4).then("Relu").then("Add", "input").then("BatchNormalization", *statistics(6)).build()
    roles.add_output_of(value(model, "v2"), "norm")
    assert apply(FoldAffine(), model) == ["Relu", "Add", "Mul", "Add"]
    assert model.graph[3].outputs[0].metadata_props == value(model, model.graph.outputs[0].name).metadata_props
    assert makers(model) == {"norm": "Add"}


def test_a_convolution_that_is_read_twice_keeps_its_values():
    model = conv_chain().then("BatchNormalization", *statistics(6)).then("Add", "v0").build()
    assert apply(FoldAffine(), model) == ["Conv", "Mul", "Add", "Add"]


def test_a_convolution_that_is_returned_keeps_its_values():
    model = conv_chain().then("BatchNormalization", *statistics(6)).build("v0")
    assert apply(FoldAffine(), model) == ["Conv", "Mul", "Add"]


def test_a_permutation_that_is_read_twice_is_not_passed():
    chain = conv_chain().then("Gather", np.array([1, 0, 3, 2, 5, 4]), axis=1)
    model = chain.then("Mul", normal(6, 1, 1)).then("Add", "v1").build()
    RecogniseMovement()(model)
    assert apply(FoldAffine(), model) == ["Conv", "Gather", "Mul", "Add"]


def test_convolutions_that_share_a_kernel_are_scaled_apart():
    chain = Chain(1, 6, 4, 4)
    weight = chain.constant(normal(6, 6, 1, 1))
    chain.then("Conv", weight).then("BatchNormalization", *statistics(6, 1)).then("Relu")
    model = chain.then("Conv", weight).then("BatchNormalization", *statistics(6, 2)).build()
    assert apply(FoldAffine(), model) == ["Conv", "Relu", "Conv"]


def test_the_block_of_the_convolution_is_gone_and_that_of_the_norm_stays():
    model = conv_chain().then("BatchNormalization", *statistics(6)).build()
    roles.add_output_of(value(model, "v0"), "conv")
    roles.add_output_of(value(model, "v1"), "bn")
    apply(FoldAffine(), model)
    assert makers(model) == {"bn": "Conv"}


def test_several_steps_fold_into_one_convolution():
    model = conv_chain().then("Mul", normal(6, 1, 1)).then("Add", normal(6, 1, 1)).then("Sub", np.float32(2)).build()
    assert apply(FoldAffine(), model) == ["Conv"]


@pytest.mark.parametrize("shape", [(1, 1, 5, 5), (1, 1, 1, 5), (6, 5, 5)])
def test_a_constant_that_differs_from_pixel_to_pixel_stays(shape):
    assert apply(FoldAffine(), conv_chain().then("Mul", normal(*shape)).build()) == ["Conv", "Mul"]


def test_a_constant_that_widens_the_picture_stays():
    model = Chain(1, 1, 4, 4).then("Conv", normal(1, 1, 1, 1)).then("Mul", normal(6, 1, 1)).build()
    assert apply(FoldAffine(), model) == ["Conv", "Mul"]


def test_a_scale_that_is_computed_stays():
    chain = conv_chain().then("GlobalAveragePool").then("Sigmoid")
    model = chain.then("Mul", "v0").build()
    assert apply(FoldAffine(), model) == ["Conv", "GlobalAveragePool", "Sigmoid", "Mul"]


def test_a_convolution_by_computed_weights_is_left_alone():
    chain = Chain(1, 2, 4, 4)
    weight = chain.aside("Reshape", chain.aside("GlobalAveragePool", "input"), np.array([1, 2, 1, 1]))
    model = chain.then("Conv", weight).then("Mul", normal(1, 1, 1)).build()
    assert apply(FoldAffine(), model) == ["GlobalAveragePool", "Reshape", "Conv", "Mul"]


@pytest.mark.parametrize("attributes", [{"alpha": 2.0}, {"beta": 0.5}])
def test_a_linear_layer_with_factors_of_its_own_is_left_alone(attributes):
    model = Chain(3, 6).then("Gemm", normal(6, 4), normal(4), **attributes).then("Mul", normal(4)).build()
    assert apply(FoldAffine(), model) == ["Gemm", "Mul"]


def test_a_linear_layer_with_an_offset_a_row_is_left_alone():
    model = Chain(4, 6).then("Gemm", normal(6, 4), normal(4, 1)).then("Mul", normal(4)).build()
    assert apply(FoldAffine(), model) == ["Gemm", "Mul"]


def test_batch_norm_by_the_statistics_of_its_input_is_left_alone():
    chain = conv_chain().then("BatchNormalization", *statistics(6), training_mode=1, outputs=3)
    model = chain.back_to("v1").build()
    before = [node.op_type for node in model.graph]
    assert not FoldAffine()(model).modified
    assert [node.op_type for node in model.graph] == before


def test_float64_stays_float64():
    chain = Chain(3, 6).then("Cast", to=onnx.TensorProto.DOUBLE).then("Gemm", normal(6, 4).astype(np.float64))
    model = chain.then("Mul", normal(4).astype(np.float64)).then("Cast", to=onnx.TensorProto.FLOAT).build()
    assert apply(FoldAffine(), model) == ["Cast", "Gemm", "Cast"]
