import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import roles
from ssc_deploy.rewrite.stride_before_pointwise import StrideBeforePointwise

STRIDE = {"strides": (2, 2)}


def pointwise(chain: Chain, *, group: int = 1, seed: int = 0, **attributes) -> Chain:
    return chain.then(
        "Conv", normal(6, 6 // group, 1, 1, seed=seed), normal(6, seed=seed + 9), group=group, **attributes
    )


def strides(model) -> list[tuple[int, ...]]:
    return [g.ints(node, "strides", (1, 1)) for node in model.graph if node.op_type == "Conv"]


def start() -> Chain:
    return Chain(1, 6, 7, 8)


@pytest.mark.parametrize("act", ["Relu", "Sigmoid"])
@pytest.mark.parametrize("groups", [(1, 1), (3, 1), (1, 2)])
def test_the_convolution_before_computes_only_what_is_read(act, groups):
    chain = pointwise(pointwise(start(), group=groups[0]).then(act), group=groups[1], seed=1, **STRIDE)
    model = chain.build()
    assert apply(StrideBeforePointwise(), model) == ["Conv", act, "Conv"]
    assert strides(model) == [(2, 2), (1, 1)]
    assert [tuple(node.outputs[0].shape) for node in model.graph] == [(1, 6, 4, 4)] * 3


def test_a_stride_goes_up_through_several_and_multiplies():
    chain = pointwise(pointwise(pointwise(start(), **STRIDE).then("Relu"), seed=1).then("Relu"), seed=2, strides=(1, 3))
    model = chain.build()
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(2, 6), (1, 1), (1, 1)]


def test_a_shuffle_is_no_obstacle():
    model = pointwise(pointwise(start()).then("Gather", np.array([3, 0, 4, 1, 5, 2]), axis=1), seed=1, **STRIDE).build()
    roles.set_role(model.graph[1], roles.Role.SHUFFLE)
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(2, 2), (1, 1)]


def test_a_block_that_returned_the_larger_picture_is_named_by_nothing():
    model = pointwise(pointwise(start()).then("Relu"), seed=1, **STRIDE).build()
    roles.add_output_of(value(model, "v1"), "first")
    roles.add_output_of(value(model, "v2"), "second")
    apply(StrideBeforePointwise(), model)
    assert makers(model) == {"second": "Conv"}


def test_what_something_else_reads_keeps_all_its_pixels():
    model = pointwise(pointwise(start()).then("Relu"), seed=1, **STRIDE).build("v1")
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(1, 1), (2, 2)]


@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 0, 1, 1)])
def test_a_padded_pointwise_keeps_its_stride(pads):
    model = pointwise(pointwise(start()).then("Relu"), seed=1, pads=pads, **STRIDE).build()
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(1, 1), (2, 2)]


def test_a_shift_and_a_kernel_keep_a_stride_behind_them():
    offsets = [(0, 1), (1, 0), (0, 0), (-1, 1), (0, -1), (1, 1)]
    shifted = pointwise(start()).then("Conv", one_hot(offsets), group=6, kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    model = pointwise(shifted, seed=1, **STRIDE).build()
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(1, 1), (1, 1), (2, 2)]


def test_what_no_convolution_computes_stays():
    model = pointwise(start().then("Relu"), **STRIDE).build()
    apply(StrideBeforePointwise(), model)
    assert strides(model) == [(2, 2)]
