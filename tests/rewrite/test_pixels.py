"""Each step, followed number by number, against ONNX Runtime."""

import numpy as np
import pytest
from graphs import Chain, normal, one_hot, run_all

from ssc_deploy.rewrite import pixels

I = np.array  # noqa: E741 - the operands of every case are integers

#: Operator, operands behind the data, attributes, outputs. The data is [1, 4, 4, 6].
CASES = [
    ("Identity", [], {}, 1),
    ("Reshape", [I([1, 2, 2, -1])], {}, 1),
    ("Flatten", [], {"axis": 2}, 1),
    ("Squeeze", [I([0])], {}, 1),
    ("Unsqueeze", [I([1, -1])], {}, 1),
    ("Expand", [I([2, 4, 4, 6])], {}, 1),
    ("Tile", [I([1, 2, 1, 1])], {}, 1),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}, 1),
    ("Transpose", [], {}, 1),
    ("Split", [I([1, 3])], {"axis": -3}, 2),
    ("Split", [], {"axis": 3, "num_outputs": 4}, 4),
    ("Slice", [I([1, -5]), I([99, -1]), I([1, 3])], {}, 1),
    ("Slice", [I([-1, 5]), I([-99, 0]), I([2, 3]), I([-1, -2])], {}, 1),
    ("Pad", [I([0, 1, 1, 2, 0, 0, 1, 0])], {}, 1),
    ("Pad", [I([1, -1, 2, 0]), np.float32(0), I([2, -1])], {}, 1),
    ("Pad", [I([0, 0, 1, 1, 0, 0, 1, 1])], {"mode": "reflect"}, 1),
    ("Pad", [I([0, 0, 1, 1, 0, 0, 1, 1])], {"mode": "edge"}, 1),
    ("Pad", [I([0, 0, 1, 1, 0, 0, 1, 1])], {"mode": "wrap"}, 1),
    ("Gather", [I([[3, -1], [0, 0]])], {"axis": 1}, 1),
    ("GatherElements", [I([[[[0, -1, 2]]]])], {"axis": 3}, 1),
    ("GatherND", [I([[0, 1], [0, -1]])], {}, 1),
    ("GatherND", [I([[[1, 2], [3, 0]]])], {"batch_dims": 1}, 1),
    ("ScatterND", [I([[0, 1], [0, -1]]), np.zeros((2, 4, 6), np.float32)], {}, 1),
    ("ScatterElements", [I([[[[0, -1]]]]), np.zeros((1, 1, 1, 2), np.float32)], {"axis": 3}, 1),
    ("Mul", [(np.arange(24).reshape(4, 6) % 3 > 0).astype(np.float32)], {}, 1),
    ("Concat", [np.zeros((1, 1, 4, 6), np.float32)], {"axis": 1}, 1),
    ("Conv", [one_hot([(0, 1), (1, 0), (-1, -1), (0, 0)])], {"group": 4, "pads": [1] * 4}, 1),
    ("Conv", [one_hot([(0, 1), (1, 0), (-1, -1), (0, 0)])], {"group": 4, "strides": [1, 2], "pads": [0, 1, 1, 0]}, 1),
    ("Conv", [one_hot([(0, 1)] * 4)], {"group": 4, "dilations": [2, 2], "pads": [2] * 4}, 1),
    ("Conv", [np.eye(4, dtype=np.float32)[[2, 0]].reshape(2, 4, 1, 1)], {}, 1),
    ("DepthToSpace", [], {"blocksize": 2}, 1),
    ("DepthToSpace", [], {"blocksize": 2, "mode": "CRD"}, 1),
    ("SpaceToDepth", [], {"blocksize": 2}, 1),
]


@pytest.mark.parametrize(("op_type", "operands", "attributes", "outputs"), CASES, ids=lambda v: v if v else None)
def test_a_step_is_followed_as_the_runtime_carries_it_out(op_type, operands, attributes, outputs):
    chain = Chain(1, 4, 4, 6)
    first = chain.aside(op_type, "input", *operands, outputs=outputs, **attributes)
    names = [f"v{int(first[1:]) + i}" for i in range(outputs)]
    model = chain.back_to(first).build(*names[1:])
    (node,) = model.graph
    assert pixels.moves_data(node)
    numbers = pixels.number((1, 4, 4, 6))
    followed = pixels.move(node, {model.graph.inputs[0]: numbers})
    for got, expected in zip(followed, run_all(model, numbers.astype(np.float32)), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_both_branches_of_a_choice_and_what_is_put_into_an_image_are_followed():
    chain = Chain(1, 2, 3, 3)
    turned = chain.aside("Transpose", "input", perm=[0, 1, 3, 2])
    row = chain.aside("Slice", turned, I([0]), I([1]), I([1]))
    chosen = chain.aside("Where", np.tri(3, dtype=bool), "input", turned)
    put = chain.aside("ScatterElements", chosen, np.ones((1, 1, 3, 3), np.int64), row, axis=1)
    model = chain.back_to(put).build()
    followed = {model.graph.inputs[0]: pixels.number((1, 2, 3, 3))}
    for node in model.graph:
        followed[node.outputs[0]] = pixels.move(node, followed)[0]
    expected = run_all(model, pixels.number((1, 2, 3, 3)).astype(np.float32))[0]
    np.testing.assert_array_equal(followed[model.graph.outputs[0]], expected)


def test_a_constant_that_is_not_zero_is_a_number_from_elsewhere():
    model = Chain(1, 1, 2, 2).then("Concat", np.array([[[[0, 7], [0, 0]]]], np.float32), axis=1).build()
    (followed,) = pixels.move(model.graph[0], {model.graph.inputs[0]: pixels.number((1, 1, 2, 2))})
    assert followed.reshape(-1).tolist() == [1, 2, 3, 4, 0, -1, 0, 0]


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("Conv", [normal(4, 1, 3, 3)], {"group": 4}),
        ("Mul", [normal(4, 1, 1)], {}),
        ("Relu", [], {}),
        ("Cast", [], {"to": 11}),
    ],
)
def test_what_computes_is_no_step(op_type, operands, attributes):
    model = Chain(1, 4, 4, 6).then(op_type, *operands, **attributes).build()
    assert not pixels.moves_data(model.graph[0])


def test_adding_into_an_image_is_not_followed():
    places, updates = I([[0, 1]]), np.zeros((1, 4, 6), np.float32)
    model = Chain(1, 4, 4, 6).then("ScatterND", places, updates, reduction="add").build()
    assert pixels.move(model.graph[0], {model.graph.inputs[0]: pixels.number((1, 4, 4, 6))}) is None
