import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, one_hot, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.activate_before_movement import ActivateBeforeMovement

OFFSETS = [(0, 1), (-1, 0), (1, 1), (0, 0), (0, -1), (1, 0)]
SHIFT = {"group": 6, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}
ORDER = np.array([3, 0, 4, 1, 5, 2])


def conv() -> Chain:
    return Chain(1, 6, 5, 4).then("Conv", normal(6, 6, 1, 1), normal(6))


def shifted(chain: Chain) -> Chain:
    return chain.then("Conv", one_hot(OFFSETS), **SHIFT)


def marked(chain: Chain, *further: str):
    """The graph with its shifts and shuffles marked."""
    model = chain.build(*further)
    for node in model.graph:
        if node.op_type == "Gather":
            roles.set_role(node, roles.Role.SHUFFLE)
        elif "group" in node.attributes:
            roles.set_role(node, roles.Role.SHIFT)
    return model


@pytest.mark.parametrize(
    ("act", "operands", "attributes"),
    [("Relu", [], {}), ("Clip", [np.float32(0), np.float32(6)], {}), ("LeakyRelu", [], {"alpha": 0.2})],
)
def test_an_activation_that_keeps_zero_stands_before_a_shift(act, operands, attributes):
    model = marked(shifted(conv()).then(act, *operands, **attributes))
    roles.add_output_of(value(model, "v1"), "shift")
    roles.add_output_of(value(model, "v2"), "act")
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", act, "Conv"]
    assert makers(model) == {"act": "Conv"}
    assert [roles.role(node) for node in model.graph] == [None, None, roles.Role.SHIFT]


@pytest.mark.parametrize(
    ("act", "operands"),
    [("Sigmoid", []), ("Clip", [np.float32(1), np.float32(6)]), ("Clip", [np.float32(-6), np.float32(-1)])],
)
def test_an_activation_that_changes_zero_stays_behind_a_shift(act, operands):
    model = marked(shifted(conv()).then(act, *operands))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Conv", act]


def test_any_activation_stands_before_a_shuffle():
    model = marked(conv().then("Gather", ORDER, axis=1).then("Sigmoid"))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Sigmoid", "Gather"]


def test_an_activation_goes_up_through_several_movements():
    model = marked(shifted(conv().then("Gather", ORDER, axis=1)).then("Relu"))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Relu", "Gather", "Conv"]


def test_a_movement_that_something_else_reads_keeps_its_place():
    model = marked(shifted(conv()).then("Relu").then("Add", "v1"))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Conv", "Relu", "Add"]


def test_a_convolution_that_something_else_reads_stays_linear():
    model = marked(shifted(conv()).then("Relu"), "v0")
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Conv", "Relu"]


def test_a_selection_of_channels_comes_first():
    model = marked(conv().then("Gather", ORDER[:3], axis=1).then("Relu"))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Conv", "Gather", "Relu"]


def test_where_no_convolution_could_take_the_activation_it_stays():
    model = marked(shifted(Chain(1, 6, 5, 4).then("Neg")).then("Relu"))
    assert apply(ActivateBeforeMovement(), model, exact=True) == ["Neg", "Conv", "Relu"]
