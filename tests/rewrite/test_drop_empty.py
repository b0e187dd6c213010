import numpy as np
from graphs import Chain, apply

from ssc_deploy.rewrite.drop_empty import DropEmpty


def cut(chain, axis):
    """A piece of the chain's last value without a single line."""
    return chain.aside("Slice", chain.last, np.array([0]), np.array([0]), np.array([axis]))


def test_an_empty_piece_of_a_concat_goes():
    chain = Chain(1, 2, 3, 4).then("Neg")
    chain.then("Concat", cut(chain, 2), axis=2).then("Neg")
    assert apply(DropEmpty(), chain.build(), exact=True) == ["Neg", "Concat", "Neg"]


def test_a_scatter_that_writes_nothing_goes():
    chain = Chain(3, 2).then("Neg")
    chain.then("ScatterND", np.zeros((0, 1), np.int64), cut(chain, 0)).then("Neg")
    assert apply(DropEmpty(), chain.build(), exact=True) == ["Neg", "Neg"]


def test_where_nothing_is_written_into_zeros_they_are_read_themselves():
    chain = Chain(3, 2).then("Neg")
    zeros = chain.aside("ScatterND", np.zeros((3, 2), np.float32), np.zeros((0, 1), np.int64), cut(chain, 0))
    chain.then("Concat", zeros, axis=1).then("Neg")
    assert apply(DropEmpty(), chain.build(), exact=True) == ["Neg", "Concat", "Neg"]


def test_padding_around_nothing_is_zeros():
    chain = Chain(1, 2, 1, 4).then("Neg")
    zeros = chain.aside("Pad", cut(chain, 2), np.array([0, 0, 1, 0, 0, 0, 0, 0]))
    chain.then("Concat", zeros, axis=1).then("Neg")
    assert apply(DropEmpty(), chain.build(), exact=True) == ["Neg", "Concat", "Neg"]


def test_padding_with_ones_and_what_computes_stay():
    chain = Chain(1, 2, 1, 4).then("Neg")
    ones = chain.aside("Pad", cut(chain, 2), np.array([0, 0, 1, 0, 0, 0, 0, 0]), np.array(1, np.float32))
    chain.then("Concat", ones, axis=1).then("Neg")
    assert "Pad" in apply(DropEmpty(), chain.build(), exact=True)
