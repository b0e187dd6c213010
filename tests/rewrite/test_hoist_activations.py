import numpy as np
import pytest
from graphs import Chain, apply, makers, normal, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.hoist_activations import HoistActivations

VIEW = np.array([1, 2, 3, 16])


def branches(*acts, kernels=(1, 1), pieces=True, **attributes):
    """Two convolutions of the halves (or the whole) of a picture, each with its activation, joined."""
    chain = Chain(1, 6, 4, 4)
    halves = [("v0", 3), ("v1", 3)] if pieces else [("input", 6), ("input", 6)]
    if pieces:
        chain.then("Split", np.array([3, 3]), axis=1, outputs=2)
    ends = []
    for (name, channels), (act, *operands), kernel in zip(halves, acts, kernels, strict=True):
        chain.back_to(name).then("Conv", normal(2, channels, kernel, kernel), pads=[kernel // 2] * 4)
        ends.append(chain.then(act, *operands, **attributes).last)
    return chain.back_to(ends[0]).then("Concat", ends[1], axis=1)


@pytest.mark.parametrize(
    ("act", "operands", "attributes"),
    [("Relu", [], {}), ("Clip", [np.float32(0), np.float32(6)], {}), ("LeakyRelu", [], {"alpha": 0.2})],
    ids=["Relu", "Clip", "LeakyRelu"],
)
def test_an_activation_of_a_view_of_a_convolution_stands_before_the_view(act, operands, attributes):
    chain = Chain(1, 6, 4, 4).then("Conv", normal(6, 6, 1, 1)).then("Reshape", VIEW)
    model = chain.then(act, *operands, **attributes).build()
    roles.add_output_of(value(model, "v1"), "view")
    roles.add_output_of(value(model, "v2"), "act")
    assert apply(HoistActivations(), model, exact=True) == ["Conv", act, "Reshape"]
    assert makers(model) == {"act": "Reshape"}


def test_a_view_of_anything_else_stays_before_its_activation():
    model = Chain(1, 6, 4, 4).then("Neg").then("Reshape", VIEW).then("Relu").build()
    assert apply(HoistActivations(), model, exact=True) == ["Neg", "Reshape", "Relu"]


def test_a_view_that_is_read_twice_stays_before_its_activation():
    chain = Chain(1, 6, 4, 4).then("Conv", normal(6, 6, 1, 1)).then("Reshape", VIEW).then("Relu").then("Add", "v1")
    assert apply(HoistActivations(), chain.build(), exact=True) == ["Conv", "Reshape", "Relu", "Add"]


def test_what_works_along_an_axis_is_no_activation():
    chain = Chain(1, 6, 4, 4).then("Conv", normal(6, 6, 1, 1)).then("Reshape", VIEW).then("Softmax", axis=2)
    assert apply(HoistActivations(), chain.build(), exact=True) == ["Conv", "Reshape", "Softmax"]


@pytest.mark.parametrize("act", [("Relu",), ("Clip", np.float32(0), np.float32(6))], ids=["Relu", "Clip"])
def test_branches_of_one_group_convolution_share_their_activation(act):
    model = branches(act, act).build()
    roles.add_output_of(value(model, model.graph.outputs[0].name), "joined")
    assert apply(HoistActivations(), model, exact=True) == ["Split", "Conv", "Conv", "Concat", act[0]]
    assert makers(model) == {"joined": act[0]}


@pytest.mark.parametrize(
    "acts",
    [
        [("Relu",), ("Sigmoid",)],
        [("Clip", np.float32(0), np.float32(6)), ("Clip", np.float32(0), np.float32(1))],
    ],
    ids=["operator", "bounds"],
)
def test_branches_with_activations_of_their_own_keep_them(acts):
    model = branches(*acts).build()
    assert apply(HoistActivations(), model, exact=True)[-1] == "Concat"


def test_branches_with_kernels_of_two_sizes_keep_their_activations():
    model = branches(("Relu",), ("Relu",), kernels=(1, 3), pieces=False).build()
    assert apply(HoistActivations(), model, exact=True)[-1] == "Concat"


def test_branches_of_two_pictures_keep_their_activations():
    chain = Chain(1, 6, 4, 4).then("Conv", normal(2, 6, 1, 1)).then("Relu").back_to("input").then("Neg")
    model = chain.then("Conv", normal(2, 6, 1, 1)).then("Relu").then("Concat", "v1", axis=1).build()
    assert apply(HoistActivations(), model, exact=True)[-1] == "Concat"


def test_an_activation_that_is_read_elsewhere_stays():
    model = branches(("Relu",), ("Relu",)).build("v3")
    assert apply(HoistActivations(), model, exact=True)[-1] == "Concat"


def test_an_activation_joined_with_itself_stays():
    chain = Chain(1, 6, 4, 4).then("Conv", normal(2, 6, 1, 1)).then("Relu")
    assert apply(HoistActivations(), chain.then("Concat", "v1", axis=1).build(), exact=True)[-1] == "Concat"
