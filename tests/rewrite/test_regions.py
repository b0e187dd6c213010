import numpy as np
from graphs import Chain, normal, run, value

from ssc_deploy.rewrite import regions


def is_step(node):
    return node.op_type in {"Neg", "Slice", "Concat", "Mul"}


def region_of(model, name):
    found = regions.origins(model.graph, is_step)
    return regions.region(value(model, name), found)


def test_a_region_reaches_from_its_end_to_where_the_steps_begin():
    model = Chain(1, 2, 3, 3).then("Relu").then("Neg").then("Neg").then("Relu").build()
    region = region_of(model, "v2")
    assert region.source.name == "v0"
    assert [node.op_type for node in region.nodes] == ["Neg", "Neg"]


def test_branches_that_meet_again_are_one_region_and_two_sources_are_none():
    chain = Chain(1, 2, 3, 3).then("Relu").then("Neg").back_to("v0").then("Neg").then("Concat", "v1", axis=1)
    model = chain.build()
    assert {node.op_type for node in region_of(model, "v3").nodes} == {"Neg", "Concat"}
    model = Chain(1, 2, 3, 3).then("Relu").then("Concat", "input", axis=1).build()
    found = regions.origins(model.graph, is_step)
    assert found[value(model, "v1")] is value(model, "v1")


def test_regions_end_where_something_else_reads_them_and_at_outputs():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Neg").then("Relu").back_to("v0").then("Neg")
    model = chain.build("v2")
    found = regions.origins(model.graph, is_step)
    assert [v.name for v in regions.ends(model.graph, found)] == ["v3", "v1"]


def test_a_region_runs_alone_as_it_does_in_the_graph():
    chain = Chain(1, 4, 3, 3).then("Mul", normal(4, 1, 1)).then("Slice", np.array([1]), np.array([3]), np.array([1]))
    model = chain.then("Neg").build()
    picture = normal(1, 4, 3, 3)
    region = region_of(model, "v2")
    np.testing.assert_array_equal(regions.load(region.to_proto())(picture), run(model, picture))
    assert region.steps == 3


def test_nodes_that_make_constants_belong_to_a_region_and_are_no_steps():
    chain = Chain(1, 4, 3, 3)
    scale = chain.aside("Constant", value_floats=[3.0])
    model = chain.then("Mul", scale).then("Neg").build()
    region = region_of(model, "v2")
    assert [node.op_type for node in region.nodes] == ["Constant", "Mul", "Neg"]
    assert region.steps == 2
    assert (regions.load(region.to_proto())(np.ones((1, 4, 3, 3), np.float32)) == -3).all()
