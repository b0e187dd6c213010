import numpy as np
import onnx
import pytest
from graphs import Chain, apply, makers, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.pool import CanonicalPool


@pytest.mark.parametrize("axes", [(2, 3), (3, 2), (-1, -2), (-2, 3)])
def test_the_mean_over_a_picture_is_a_pool(axes):
    model = Chain(2, 4, 3, 5).then("ReduceMean", np.array(axes), keepdims=1).build()
    assert apply(CanonicalPool(), model) == ["GlobalAveragePool"]


def test_a_mean_that_drops_its_axes_is_a_pool_and_a_flatten_that_is_the_block():
    model = Chain(2, 4, 3, 5).then("ReduceMean", np.array([2, 3]), keepdims=0).build()
    roles.add_output_of(value(model, "v0"), "pool")
    assert apply(CanonicalPool(), model) == ["GlobalAveragePool", "Flatten"]
    assert makers(model) == {"pool": "Flatten"}


def test_axes_of_an_older_opset_are_read():
    model = Chain(2, 4, 3, 5).then("ReduceMean", axes=(2, 3), keepdims=1).build(opset=17)
    assert apply(CanonicalPool(), model) == ["GlobalAveragePool"]


def test_a_window_as_large_as_the_picture_is_the_whole_picture():
    model = Chain(2, 4, 3, 5).then("AveragePool", kernel_shape=(3, 5)).build()
    assert apply(CanonicalPool(), model) == ["GlobalAveragePool"]


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("ReduceMean", [np.array([1])], {}),
        ("ReduceMean", [np.array([3])], {}),
        ("ReduceMean", [np.array([1, 2, 3])], {}),
        ("ReduceMean", [], {}),
        ("ReduceMax", [np.array([2, 3])], {}),
        ("AveragePool", [], {"kernel_shape": (3, 3)}),
        ("AveragePool", [], {"kernel_shape": (3, 5), "pads": (1, 1, 1, 1), "strides": (9, 9)}),
        ("MaxPool", [], {"kernel_shape": (3, 5)}),
    ],
)
def test_any_other_reduction_stays(op_type, operands, attributes):
    model = Chain(2, 4, 3, 5).then(op_type, *operands, **attributes).build()
    assert apply(CanonicalPool(), model) == [op_type]


def test_a_mean_in_float64_stays_where_runtimes_have_it():
    model = Chain(2, 4, 3, 5).then("Cast", to=onnx.TensorProto.DOUBLE).then("ReduceMean", np.array([2, 3])).build()
    assert apply(CanonicalPool(), model) == ["Cast", "ReduceMean"]
