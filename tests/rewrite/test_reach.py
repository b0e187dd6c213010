import numpy as np
from graphs import Chain, value

from ssc_deploy.rewrite.reach import Reach


def reached(chain, *further):
    model = chain.build(*further)
    reach = Reach(model.graph.inputs[0])
    for node in model.graph:
        if node.op_type in {"Neg", "Concat", "Split"}:
            reach.add(node, heavy=node.op_type == "Split")
    return model, reach


def test_ends_are_what_something_else_reads_or_the_graph_returns_last_first():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Neg").then("Relu").back_to("v0").then("Neg")
    _, reach = reached(chain, "v2")
    assert [end.name for end in reach.ends()] == ["v3", "v1"]


def test_branches_serve_the_value_in_which_they_meet_alone():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Neg").back_to("v0").then("Neg").then("Concat", "v1", axis=1)
    model, reach = reached(chain.then("Relu"))
    v0, v1, v3 = (value(model, name) for name in ("v0", "v1", "v3"))
    assert reach.before(v3) is v0
    assert reach.is_alone(v3)
    assert not reach.is_alone(v1)
    assert reach.ends_in(v0, v3)
    assert not reach.ends_in(v0, v1)


def test_a_step_that_is_read_outside_serves_nothing_alone():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Neg").then("Relu").then("Add", "v0")
    model, reach = reached(chain)
    assert not reach.is_alone(value(model, "v1"))
    assert reach.is_alone(value(model, "v0"))


def test_heavy_steps_may_serve_a_value_alone_though_the_first_ones_do_not():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Split", np.array([1, 1]), axis=1, outputs=2)
    chain.back_to("v1").then("Concat", "v2", axis=1).then("Relu").then("Add", "v0")
    model, reach = reached(chain)
    joined = value(model, "v3")
    assert reach.is_alone(joined, heavy=True)
    assert not reach.is_alone(joined)
