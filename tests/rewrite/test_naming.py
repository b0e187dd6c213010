import numpy as np
from graphs import Chain, apply, normal, value

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.naming import Name


def names(model):
    return [v.name for node in model.graph for v in node.outputs]


def three_steps():
    model = Chain(1, 2, 3, 3).then("Neg").then("Abs").then("Relu").build()
    for node in model.graph:
        roles.set_block(node, "body.0")
    return model


def test_a_value_is_named_by_the_module_that_returns_it_and_any_other_by_where_it_is_computed():
    model = three_steps()
    roles.add_output_of(value(model, "v1"), "body.0.abs")
    assert apply(Name(), model, exact=True) == ["Neg", "Abs", "Relu"]
    assert names(model) == ["body.0/Neg", "body.0.abs", "output"]
    assert [node.name for node in model.graph] == names(model)
    assert model.graph.inputs[0].name == "input"


def test_steps_of_the_root_are_named_by_their_operator():
    model = Chain(1, 2, 3, 3).then("Neg").then("Abs").build()
    Name()(model)
    assert names(model) == ["Neg", "output"]


def test_names_that_would_repeat_are_numbered():
    model = Chain(1, 2, 3, 3).then("Neg").then("Neg").then("Neg").then("Relu").build()
    Name()(model)
    assert names(model) == ["Neg", "Neg_2", "Neg_3", "output"]


def test_a_module_has_its_name_before_any_other_value():
    model = Chain(1, 2, 3, 3).then("Neg").then("Abs").then("Relu").build()
    roles.add_output_of(value(model, "v1"), "Neg")
    Name()(model)
    assert names(model) == ["Neg_2", "Neg", "output"]


def test_modules_called_input_and_output_leave_the_network_s_own_names_alone():
    model = three_steps()
    roles.add_output_of(value(model, "v0"), "input")
    roles.add_output_of(value(model, "v1"), "output")
    apply(Name(), model, exact=True)
    assert names(model) == ["body.0/Neg", "body.0/Abs", "output"]


def test_a_value_that_two_modules_return_takes_the_name_that_is_free():
    model = three_steps()
    roles.add_output_of(value(model, "v0"), "output")
    roles.add_output_of(value(model, "v0"), "body.0.neg")
    Name()(model)
    assert names(model)[0] == "body.0.neg"


def test_two_values_never_share_a_name():
    model = three_steps()
    for name in ("v0", "v1"):
        roles.add_output_of(value(model, name), "block")
    apply(Name(), model, exact=True)
    assert names(model) == ["block", "body.0/Abs", "output"]


def test_several_outputs_are_numbered():
    model = Chain(1, 2, 3, 3).then("Split", np.array([1, 1]), axis=1, outputs=2).then("Relu").build("v1")
    Name()(model)
    assert [v.name for v in model.graph.outputs] == ["output", "output_1"]


def test_constants_keep_their_stem():
    model = Chain(1, 2, 3, 3).then("Conv", normal(2, 2, 1, 1)).then("Conv", normal(2, 2, 1, 1)).build()
    first, second = (node.inputs[1] for node in model.graph)
    model.graph.initializers.pop(first.name), model.graph.initializers.pop(second.name)
    for weight, name in ((first, "body.0/weight_7"), (second, "body.0/weight_9")):
        weight.name = name
        model.graph.register_initializer(weight)
    apply(Name(), model, exact=True)
    assert [first.name, second.name] == ["body.0/weight", "body.0/weight_2"]


def test_naming_twice_changes_nothing():
    model = three_steps()
    Name()(model)
    before = names(model)
    assert not Name()(model).modified
    assert names(model) == before
