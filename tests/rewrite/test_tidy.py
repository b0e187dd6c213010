import numpy as np
import onnx
import pytest
from graphs import Chain, apply, makers, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.tidy import Tidy

FLOAT, DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("Identity", [], {}),
        ("Dropout", [], {}),
        ("Cast", [], {"to": FLOAT}),
        ("CastLike", ["input"], {}),
        ("Reshape", [np.array([1, 4, -1, 3])], {}),
        ("Expand", [np.array([1, 1, 1, 1])], {}),
        ("Concat", [], {"axis": 1}),
    ],
)
def test_a_step_without_effect_goes_and_its_block_is_what_stands_before_it(op_type, operands, attributes):
    model = Chain(1, 4, 3, 3).then("Relu").then(op_type, *operands, **attributes).then("Neg").build()
    roles.add_output_of(value(model, "v1"), "body.0")
    assert apply(Tidy(), model, exact=True) == ["Relu", "Neg"]
    assert makers(model) == {"body.0": "Relu"}


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("Cast", [], {"to": DOUBLE}),
        ("Reshape", [np.array([1, 3, 4, 3])], {}),
        ("Expand", [np.array([2, 4, 3, 3])], {}),
        ("Concat", ["input"], {"axis": 1}),
        ("Transpose", [], {"perm": (0, 1, 3, 2)}),
    ],
)
def test_a_step_with_an_effect_stays(op_type, operands, attributes):
    model = Chain(1, 4, 3, 3).then(op_type, *operands, **attributes).build()
    assert apply(Tidy(), model, exact=True) == [op_type]


def test_a_dropout_whose_mask_is_read_stays():
    chain = Chain(1, 4, 3, 3).then("Dropout", outputs=2)
    mask = chain.aside("Cast", "v1", to=FLOAT)
    model = chain.back_to("v0").then("Mul", mask).build()
    assert apply(Tidy(), model, exact=True) == ["Dropout", "Cast", "Mul"]


def test_a_dropout_that_drops_even_now_stays():
    ratio, training = np.float32(0.0), np.array(True)
    assert apply(Tidy(), Chain(1, 4, 3, 3).then("Dropout", ratio, training).build(), exact=True) == ["Dropout"]
    assert apply(Tidy(), Chain(1, 4, 3, 3).then("Neg").then("Dropout", ratio, ~training).build()) == ["Neg"]


def test_a_network_that_returns_its_input_keeps_the_step_between():
    assert apply(Tidy(), Chain(1, 4, 3, 3).then("Identity").build(), exact=True) == ["Identity"]


def test_what_is_returned_under_two_names_keeps_the_step_between():
    model = Chain(1, 4, 3, 3).then("Relu").then("Identity").build("v0")
    assert apply(Tidy(), model, exact=True) == ["Relu", "Identity"]


def test_what_nothing_reads_goes():
    chain = Chain(1, 4, 3, 3)
    chain.aside("Neg", "input")
    assert apply(Tidy(), chain.then("Relu").build(), exact=True) == ["Relu"]
