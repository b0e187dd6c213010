import numpy as np
import pytest
from graphs import Chain, apply, normal

from ssc_deploy.rewrite.fold_constants import FoldConstants


def test_sizes_that_are_computed_become_a_constant():
    chain = Chain(1, 4, 3, 5)
    shape = chain.aside("Shape", "input")
    channels = chain.aside("Gather", shape, np.array([1]))
    target = chain.aside("Concat", np.array([1]), channels, np.array([-1]), axis=0)
    model = chain.then("Reshape", target).build()
    assert apply(FoldConstants(), model, exact=True) == ["Reshape"]
    assert model.graph[0].inputs[1].const_value.numpy().tolist() == [1, 4, -1]
    assert model.graph.outputs[0].shape.numpy() == (1, 4, 15)


def test_constant_nodes_become_initializers():
    chain = Chain(1, 2, 3, 3)
    operand = chain.aside("Constant", value_floats=[2.0])
    model = chain.then("Mul", operand).build()
    assert apply(FoldConstants(), model, exact=True) == ["Mul"]
    assert model.graph[0].inputs[1].is_initializer()


@pytest.mark.parametrize(
    ("sizes", "attributes"),
    [
        ([np.array([2, 5])], {}),
        ([], {"num_outputs": 2}),  # 4 and 3: the last part is the smaller one
    ],
    ids=["sizes", "equal parts"],
)
def test_a_constant_that_is_split_becomes_its_pieces(sizes, attributes):
    chain = Chain(1, 2, 3, 3)
    first = chain.aside("Split", normal(7), *sizes, outputs=2, axis=0, **attributes)
    part = chain.aside("ReduceSum", first, keepdims=1)
    model = chain.then("Mul", part).then("Add", chain.aside("ReduceMax", "v1", keepdims=1)).build()
    assert apply(FoldConstants(), model) == ["Mul", "Add"]


def test_what_depends_on_the_input_stays():
    model = Chain(1, 4, 3, 3).then("Split", np.array([1, 3]), outputs=2, axis=1).build("v1")
    model.graph.outputs[0].name = "first"
    assert apply(FoldConstants(), model, exact=True) == ["Split"]
