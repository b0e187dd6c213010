import numpy as np
import onnx_ir as ir
import pytest
from graphs import Chain, normal, one_hot

from ssc_deploy.errors import RewriteError
from ssc_deploy.ir import canonical, roles
from ssc_deploy.ir import movement as mv

OFFSETS = [(0, 1), (1, 0), (-1, -1)]
SHIFT = one_hot(OFFSETS)


def conv(kernel, *bias, **attributes):
    attributes = {"group": len(kernel), "pads": [kernel.shape[2] // 2] * 4, **attributes}
    model = Chain(1, kernel.shape[1] * attributes["group"], 6, 6).then("Conv", kernel, *bias, **attributes).build()
    return model.graph[0]


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("bias", [(), (np.zeros(3, np.float32),)], ids=["no bias", "bias of zeros"])
def test_a_one_hot_depthwise_convolution_is_read_as_a_shift(k, bias):
    assert canonical.shift_of(conv(one_hot(OFFSETS, k), *bias)) == mv.shift(tuple(OFFSETS))


@pytest.mark.parametrize(
    ("kernel", "attributes"),
    [
        (SHIFT * 2, {}),
        (-SHIFT, {}),
        (SHIFT + one_hot(OFFSETS[::-1]), {}),
        (SHIFT * np.array([1, 1, 0], np.float32).reshape(3, 1, 1, 1), {}),
        (SHIFT, {"strides": [2, 2]}),
        (SHIFT, {"dilations": [2, 2], "pads": [2] * 4}),
        (SHIFT, {"pads": [0] * 4}),
        (SHIFT, {"pads": [0, 1, 2, 1]}),
        (SHIFT.reshape(1, 3, 3, 3), {}),
        (np.concatenate([SHIFT, SHIFT]), {"group": 3}),
        (SHIFT[:, :, 1:, 1:], {"pads": [0, 0, 1, 1]}),
    ],
    ids=["scaled", "minus", "two taps", "no tap", "stride", "dilation", "bare", "uneven", "dense", "wide", "even"],
)
def test_any_other_convolution_is_no_shift(kernel, attributes):
    assert canonical.shift_of(conv(kernel, **attributes)) is None


def test_an_offset_makes_it_no_shift():
    assert canonical.shift_of(conv(SHIFT, normal(3))) is None


def test_an_offset_that_is_computed_makes_it_no_shift():
    chain = Chain(1, 3, 1, 1)
    bias = chain.aside("Reshape", "input", np.array([3]))
    assert canonical.shift_of(chain.then("Conv", SHIFT, bias, group=3, pads=[1] * 4).build().graph[1]) is None


def test_the_movement_of_a_node_is_that_of_its_role():
    node = conv(SHIFT)
    assert canonical.movement_of(node) is None
    roles.set_role(node, roles.Role.SHIFT)
    assert canonical.movement_of(node) == mv.shift(tuple(OFFSETS))
    shuffle = Chain(1, 3, 2, 2).then("Gather", np.array([-1, 0, 1]), axis=1).build().graph[0]
    roles.set_role(shuffle, roles.Role.SHUFFLE)
    assert canonical.movement_of(shuffle) == mv.permutation((2, 0, 1))


def test_a_value_that_is_read_before_it_is_defined_is_found():
    model = Chain(1, 3, 4, 4).then("Neg").then("Abs").build()
    model.graph.insert_after(model.graph[1], model.graph[0])
    with pytest.raises(RewriteError, match="reads v0, which nothing before it defines"):
        canonical.check_graph(model)


def test_batch_norm_by_constants_and_constant_nodes_are_found():
    ones = np.ones(3, np.float32)
    with pytest.raises(RewriteError, match="should have been folded"):
        canonical.check(Chain(1, 3, 4, 4).then("BatchNormalization", ones, ones, ones, ones).build())
    chain = Chain(1, 3, 4, 4)
    with pytest.raises(RewriteError, match="should have been folded"):
        canonical.check(chain.then("Mul", chain.aside("Constant", value_float=2.0)).build())


def test_two_values_of_one_name_and_unknown_shapes_are_found():
    model = Chain(1, 3, 4, 4).then("Neg").then("Abs").build()
    canonical.check(model)
    model.graph[1].outputs[0].name = "v0"
    with pytest.raises(RewriteError, match="two values are named v0"):
        canonical.check(model)
    model.graph[0].outputs[0].shape = ir.Shape(["n", 3, 4, 4])
    with pytest.raises(RewriteError, match="without a static shape"):
        canonical.check(model)
