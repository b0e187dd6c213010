import numpy as np
import onnx_ir as ir
import pytest
from graphs import Chain, normal, one_hot, operators, run

from ssc_deploy.errors import RewriteError
from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir.builder import Builder, Place, take_over

OFFSETS = [(0, 1), (1, 0), (-1, -1)]


@pytest.fixture
def shift():
    """A shift in block ``body.3``, between two other nodes."""
    model = Chain(1, 3, 6, 6).then("Neg").then("Conv", one_hot(OFFSETS), group=3, pads=[1] * 4).then("Abs").build()
    node = model.graph[1]
    roles.set_role(node, roles.Role.SHIFT)
    roles.set_block(node, "body.3")
    roles.add_output_of(node.outputs[0], "body.3")
    return model, node


def test_a_new_node_has_the_block_type_and_shape_of_the_one_it_stands_for_but_not_its_role(shift):
    _, node = shift
    made = Builder(node).op("Relu", [node.inputs[0]]).producer()
    assert roles.block(made) == "body.3"
    assert roles.role(made) is None
    assert made.outputs[0].dtype == node.outputs[0].dtype
    assert known.shape(made.outputs[0]) == (1, 3, 6, 6)


def test_the_same_operator_on_other_inputs_keeps_its_attributes_and_its_role(shift):
    _, node = shift
    made = Builder(node).again(node, node.inputs, shape=(1, 3, 6, 6)).producer()
    assert roles.role(made) is roles.Role.SHIFT
    assert canonical.shift_of(made) == mv.shift(tuple(OFFSETS))


def test_a_movement_is_built_in_its_canonical_form(shift):
    model, node = shift
    picture, before = normal(1, 3, 6, 6), run(shift[0], normal(1, 3, 6, 6))
    builder = Builder(node)
    builder.replace(builder.shift(builder.shuffle(node.inputs[0], (0, 1, 2)), mv.shift(tuple(OFFSETS))))
    canonical.check_graph(model)
    assert operators(model) == ["Neg", "Gather", "Conv", "Abs"]
    assert [roles.role(n) for n in model.graph] == [None, roles.Role.SHUFFLE, roles.Role.SHIFT, None]
    np.testing.assert_array_equal(run(model, picture), before)


def test_views_cuts_and_joins_have_the_shapes_that_follow_from_what_they_are_given():
    model = Chain(1, 4, 6, 5).then("Neg").build()
    builder = Builder(model.graph[0])
    value = builder.transpose(model.graph.inputs[0], 0, 2, 3, 1)
    value = builder.reshape(value, (0, 30, 4))
    value = builder.gather(value, builder.integers("some", 2, 0), 2)
    value = builder.reshape(builder.concat([value, value], 2), (1, 4, 6, 5))
    builder.replace(value)
    assert [list(v.shape) for n in model.graph for v in n.outputs] == [
        [1, 6, 5, 4], [1, 30, 4], [1, 30, 2], [1, 30, 4], [1, 4, 6, 5]
    ]  # fmt: skip
    canonical.check_graph(model)


def test_what_replaces_a_node_is_what_its_block_returns(shift):
    model, node = shift
    builder = Builder(node)
    result = builder.replace(builder.op("Relu", [node.inputs[0]]))
    assert roles.outputs_of(result) == ("body.3",)
    assert operators(model) == ["Neg", "Relu", "Abs"]


def test_constants_of_one_name_are_told_apart(shift):
    model, node = shift
    names = [Builder(node).integers("axes", n).name for n in range(3)]
    assert names == ["body.3/axes", "body.3/axes_1", "body.3/axes_2"]
    assert set(names) <= model.graph.initializers.keys()


def test_in_a_graph_with_names_new_ones_follow_from_the_node_and_the_result_takes_its_name(shift):
    model, node = shift
    place, name = Place(node), node.outputs[0].name
    first, second = place.op("Relu", [node.inputs[0]], label="first"), place.constant("half", np.float32([0.5]))
    pieces = place.ops(
        "Split", [first, place.integers("sizes", 1, 2)], {"axis": 1}, label="p", shapes=[(1, 1, 6, 6)] * 2
    )
    assert [v.name for v in (first, second, *pieces)] == [f"{name}/{of}" for of in ("first", "half", "p_0", "p_1")]
    place.finish(place.op("Mul", [first, second], label="second"))
    made = model.graph[3]
    assert (made.op_type, made.name, made.outputs[0].name) == ("Mul", name, name)
    assert roles.role(made) is roles.Role.SHIFT


def test_a_place_whose_result_is_its_own_output_stays(shift):
    model, node = shift
    Place(node).finish(node.outputs[0])
    assert operators(model) == ["Neg", "Conv", "Abs"]


def test_the_input_returned_in_place_of_a_node_goes_through_an_identity():
    model = Chain(1, 3, 6, 6).then("Neg").then("Neg").build()
    take_over(model.graph.outputs[0], model.graph.inputs[0])
    assert operators(model) == ["Neg", "Identity", "Neg"]
    np.testing.assert_array_equal(run(model, normal(1, 3, 6, 6)), normal(1, 3, 6, 6))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda node: known.shape(None), "an input that is left out has no static shape"),
        (lambda node: known.image(node.inputs[1]), "the value c0 is not an image"),
        (lambda node: known.size(ir.val("open", shape=["n", 3]), 0), "the value open has no static size along axis 0"),
        (lambda node: known.dims(ir.val("bare")), "the value bare has no shape"),
        (lambda node: known.constant(node.inputs[0]), "the value input is not a constant"),
        (lambda node: known.producer(node.inputs[0]), "the value input is not computed by any node"),
        (lambda node: known.operand(node, 2), r"Add .*v0.* has no input 2"),
    ],
    ids=["shape", "image", "size", "dims", "constant", "producer", "operand"],
)
def test_what_has_to_be_known_and_is_not_is_our_defect_and_named(ask, message):
    node = Chain(1, 3, 6, 6).then("Add", normal(3, 1, 1)).build().graph[0]
    with pytest.raises(RewriteError, match=message):
        ask(node)


def test_a_node_outside_of_a_graph_is_named():
    model = Chain(1, 3, 6, 6).then("Neg").then("Abs").build()
    node = model.graph[1]
    model.graph.outputs[0] = node.inputs[0]
    model.graph.remove(node, safe=True)
    with pytest.raises(RewriteError, match=r"Abs .* stands in no graph"):
        known.graph(node)
