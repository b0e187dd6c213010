"""The work of the rewrite grows with the graph, and no faster: calls are counted, so that no clock decides."""

import sys

import numpy as np
import pytest
from graphs import Chain, normal, one_hot

from ssc_deploy.ir import movement as mv
from ssc_deploy.rewrite import pixels, recognise_pointwise, rewrite


def joined(chain, ends, axis):
    return chain.back_to(ends[0]).then("Concat", *ends[1:], axis=axis)


def slices_assigned_in_place(n):
    """Each slice is assigned from the product itself, which others read."""
    chain = Chain(1, 4, 5, 6).then("Conv", normal(4, 4, 1, 1)).then("Transpose", perm=[0, 2, 3, 1])
    chain.then("MatMul", normal(4, 12)).then("Add", normal(12))
    product = chain.last
    for c in range(n):
        row = [chain.last, np.array([0, c % 4]), np.array([4, c % 4 + 1]), np.array([1, 3])]
        moved = chain.aside("Slice", *row)
        places = np.stack(np.meshgrid([0], range(1, 5), range(6), [c % 4], indexing="ij"), -1)
        chain.then("ScatterND", places, moved)
    return joined(chain, [chain.last, product], 3).then("ReduceMean", np.array([1, 2]), keepdims=0)


def slices_beside_a_convolution(n):
    chain = Chain(1, n, 3, 3).then("Relu")
    whole = chain.last
    ends = [chain.aside("Conv", whole, normal(4, n, 1, 1))]
    for c in range(n):
        piece = chain.aside("Slice", whole, np.array([c]), np.array([c + 1]), np.array([1]))
        ends.append(chain.aside("Sigmoid", piece))
    return joined(chain, ends, 1)


def shifts_in_a_row(n):
    """Any two of them blank an edge, so that none is joined with the next."""
    chain = Chain(1, 2, 5, 5).then("Neg")
    for i in range(n):
        step = (-1) ** i
        pads, at = np.array([0, 0, 1, 1, 0, 0, 1, 1]), [1 + step, 1]
        chain.then("Pad", pads).then("Slice", np.array(at), np.array([at[0] + 5, 6]), np.array([2, 3]))
    return chain.then("Neg")


def rolls_in_a_row(n):
    """So few that the image never comes round to where it was."""
    chain = Chain(1, 2, 3, 300).then("Neg")
    for _ in range(n):
        pieces = [
            chain.aside("Slice", chain.last, np.array([start]), np.array([end]), np.array([3]))
            for start, end in ((-1, 999), (0, -1))
        ]
        joined(chain, pieces, 3)
    return chain.then("Neg")


def shifts_between_frames(n):
    """In two directions, with an activation between one and the next."""
    chain = Chain(3, 2, 2, 2).then("Neg")
    for _ in range(n):
        pieces = []
        for c, pads in ((0, [1, 0, 0, 0, 0, 0, 0, 0]), (1, [0, 0, 0, 0, 1, 0, 0, 0])):
            part = chain.aside("Slice", chain.last, np.array([c]), np.array([c + 1]), np.array([1]))
            padded = chain.aside("Pad", part, np.array(pads))
            pieces.append(chain.aside("Slice", padded, np.array([c]), np.array([c + 3]), np.array([0])))
        joined(chain, pieces, 1).then("Neg")
    return chain


def shuffles_with_activations_between(n):
    chain = Chain(1, 6, 3, 3).then("Neg")
    for i in range(n):
        chain.then("Gather", np.roll(np.arange(6), i % 5 + 1), axis=1).then("Relu" if i % 2 else "Neg")
    return chain


def activations_behind_shifts(n):
    chain = Chain(1, 2, 5, 5).then("Conv", normal(2, 2, 1, 1))
    for i in range(n):
        chain.then("Conv", one_hot([((-1) ** i, 0), (0, (-1) ** i)]), group=2, pads=[1] * 4).then("Relu")
    return chain


def products_channels_last(n):
    chain = Chain(1, 4, 3, 4).then("Neg")
    for _ in range(n):
        chain.then("Transpose", perm=[0, 2, 3, 1]).then("MatMul", normal(4, 4)).then("Add", normal(4))
        chain.then("Transpose", perm=[0, 3, 1, 2]).then("Softplus")
    return chain


def joins_that_are_refused(n):
    """Kernels of two sizes side by side, one pair behind the other."""
    chain = Chain(1, 4, 5, 5).then("Relu")
    for i in range(n):
        source = chain.last
        ends = [
            chain.aside("Conv", source, normal(2, 4, k, k, seed=i), pads=[k // 2] * 4, kernel_shape=[k, k])
            for k in (1, 3)
        ]
        joined(chain, ends, 1).then("Relu")
    return chain


def constants_split_again_and_again(n):
    chain = Chain(1, 2, 3, 3)
    piece = chain.constant(normal(n + 1))
    for size in range(n + 1, 1, -1):
        first = chain.aside("Split", piece, np.array([size - 1, 1]), axis=0, outputs=2)
        piece = chain.aside("Neg", first)
    return chain.then("Mul", piece)


GRAPHS = [
    slices_assigned_in_place,
    slices_beside_a_convolution,
    shifts_in_a_row,
    rolls_in_a_row,
    shifts_between_frames,
    shuffles_with_activations_between,
    activations_behind_shifts,
    products_channels_last,
    joins_that_are_refused,
    constants_split_again_and_again,
]


#: What looks at a step, at an image, and at a product.
READS = {pixels.move.__code__, mv.of_numbers.__code__, recognise_pointwise._read.__code__}


def work(model):
    """Calls of any function, Python's or C's, until the graph is rewritten, and reads among them."""
    calls = reads = 0

    def count(frame, event, _argument):
        nonlocal calls, reads
        calls += event in {"call", "c_call"}
        reads += event == "call" and frame.f_code in READS

    sys.setprofile(count)
    try:
        rewrite(model)
    finally:
        sys.setprofile(None)
    return np.array([calls, reads])


@pytest.mark.slow
@pytest.mark.parametrize("grow", GRAPHS, ids=lambda grow: grow.__name__)
def test_twice_the_graph_is_twice_the_work(grow):
    work(grow(8).build())  # what is done once only
    # Slices that repeat the edge are followed for some forty steps: until the image is all edge, and a window further.
    least = 40 if grow is slices_assigned_in_place else 12
    small, medium, large = (work(grow(n).build()) for n in (least, 2 * least, 4 * least))
    # Two for what is linear, a little more for a logarithm; four would be the square.
    assert (large - medium <= 2.6 * (medium - small)).all()
