import numpy as np
from graphs import Chain, apply
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import roles
from ssc_deploy.rewrite.compose_permutations import ComposePermutations

ORDER = np.array([2, 0, 1, 5, 3, 4])
ACROSS = np.array([5, 0, 4, 1, 3, 2])


def compose(chain, *further):
    model = chain.build(*further)
    for node in model.graph:
        if node.op_type == "Gather":
            roles.set_role(node, roles.Role.SHUFFLE)
    return model


@settings(max_examples=20, deadline=None)
@given(orders=st.lists(st.permutations(range(6)), min_size=2, max_size=4))
def test_permutations_in_a_row_are_one(orders):
    chain = Chain(1, 6, 3, 4).then("Neg")
    for order in orders:
        chain.then("Gather", np.array(order), axis=1)
    model = compose(chain)
    whole = np.arange(6)
    for order in orders:
        whole = whole[list(order)]
    expected = ["Neg"] if (whole == np.arange(6)).all() else ["Neg", "Gather"]
    assert apply(ComposePermutations(), model, exact=True) == expected


def test_a_selection_of_a_permutation_is_a_selection():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", np.array([3, 3, 0]), axis=1))
    assert apply(ComposePermutations(), model, exact=True) == ["Gather"]
    assert model.graph[0].inputs[1].const_value.numpy().tolist() == [1, 1, 5]


def test_a_permutation_that_is_read_elsewhere_stays_beside_the_composed_one():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", ORDER, axis=1), "v0")
    assert apply(ComposePermutations(), model, exact=True) == ["Gather", "Gather"]
    assert all(node.inputs[0].is_graph_input() for node in model.graph)


def test_a_network_that_returns_its_input_returns_it():
    model = compose(Chain(1, 6, 3, 3).then("Gather", ACROSS, axis=1).then("Gather", np.argsort(ACROSS), axis=1))
    assert apply(ComposePermutations(), model, exact=True) == ["Identity"]
