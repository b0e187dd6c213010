"""Movements that are no shift and no shuffle: what they become, and that they stay what they were, bit for bit."""

import numpy as np
import pytest
import spellings
import torch
from graphs import Chain, apply, normal, one_hot, operators, run
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import numbered, run_litert
from torch import nn

from ssc_deploy import lower
from ssc_deploy.capture import capture
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import rearrangement_plan, rewrite
from ssc_deploy.rewrite import rearrangement_steps as steps
from ssc_deploy.rewrite.rearrange import Rearrange, rearrangements
from ssc_deploy.signature import of_image

CHANNELS = 18

#: Steps of a slice of some channels that leaves out every other row and column.
TWICE = np.array([1, 2, 2])

#: Operators that TFLite has not, or that take their data out of the delegate.
HARD = {"Expand", "GatherElements", "GatherND", "ScatterElements", "ScatterND", "Tile"}


class Spelled(nn.Module):
    """Every spelling that the size allows, each of a sum of its own; whole numbers stay exact through it."""

    def __init__(self, height, width):
        super().__init__()
        self.used = {
            name: (function, channels, block)
            for name, (function, channels, block) in spellings.REARRANGEMENTS.items()
            if height >= block and width >= block
        }

    def outputs(self, x):
        h, w = x.shape[2:]
        return {
            name: function(x[:, :channels, : h // block * block, : w // block * block] + float(i)) + 1.0
            for i, (name, (function, channels, block)) in enumerate(self.used.items())
        }

    def forward(self, x):
        return torch.cat([output.flatten(1) for output in self.outputs(x).values()], 1)[:, :, None, None]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(4, 6), (5, 3), (1, 1), (1, 7)], ids=str)
def test_every_spelling_is_exact_on_both_runtimes(size):
    shape = (1, CHANNELS, *size)
    module = Spelled(*size).eval()
    captured = capture(module, of_image(shape))
    rewrite(captured.model, check=True)
    assert HARD.isdisjoint(operators(captured.model))
    x = numbered(*shape)
    outputs = module.outputs(torch.from_numpy(x.copy()))
    results = [run(captured.model, x), run_litert(lower.lower(captured.model, lower.Target.LITERT).model, x)]
    for result in results:
        pieces = np.split(result.reshape(-1), np.cumsum([output.numel() for output in outputs.values()])[:-1])
        for (name, output), piece in zip(outputs.items(), pieces, strict=True):
            np.testing.assert_array_equal(piece, output.flatten().numpy(), err_msg=name)


def rearranged(chain):
    """The operators after the rule, which keeps every bit, and the graph."""
    model = chain.build()
    return apply(Rearrange(), model, exact=True), model


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)))
def test_any_lines_of_any_channels_have_a_plan(data, shape):
    channels, height, width = shape
    kinds = [
        tuple(data.draw(st.lists(st.integers(-1, size - 1), min_size=n, max_size=n)) for size, n in sizes)
        for sizes in [((height, 5), (width, 4))] * 2
    ]
    planes = []
    for source in data.draw(st.lists(st.integers(-1, channels - 1), min_size=1, max_size=6)):
        rows, columns = (np.array(lines) for lines in kinds[data.draw(st.integers(0, 1))])
        inside = (rows >= 0)[:, None] & (columns >= 0)[None, :] & (source >= 0)
        planes.append(np.where(inside, (source * height + rows[:, None]) * width + columns[None, :], -1))
    indices = np.stack(planes)
    plan = rearrangement_plan.plan(indices, shape)
    image = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(steps.run(plan, image), indices)


@settings(max_examples=40, deadline=None)
@given(
    offsets=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=2, max_size=6),
    size=st.tuples(st.integers(5, 8), st.integers(5, 8)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    order=st.randoms(),
)
def test_a_shift_with_a_stride_is_one_convolution(offsets, size, strides, order):
    sources = list(range(len(offsets)))
    order.shuffle(sources)
    movement = mv.Movement(tuple(sources), tuple(offsets), len(sources))
    numbers = np.arange(1, len(sources) * np.prod(size) + 1).reshape(1, len(sources), *size)
    indices = movement(numbers)[0, :, :: strides[0], :: strides[1]] - 1
    plan = rearrangement_plan.plan(indices, (len(sources), *size))
    found = [step for step in steps.all_of(plan) if isinstance(step, steps.Strided)]
    regular = strides != (1, 1) and len(set(offsets)) > 1
    assert [step.strides for step in found] == [strides] * regular
    assert len(steps.all_of(plan)) <= 2 or not regular
    np.testing.assert_array_equal(steps.run(plan, np.arange(numbers.size).reshape(numbers.shape[1:])), indices)


def test_slices_with_a_stride_and_a_convolution_with_one_are_shifts():
    chain = Chain(1, 4, 7, 6).then("Conv", normal(4, 4, 1, 1)).then("Pad", np.array([0, 0, 1, 1] * 2))
    padded = chain.last
    pieces = [
        chain.aside("Slice", padded, np.array([c, y, x]), np.array([c + 1, y + 7, x + 6]), np.array([1, 2, 3]), TWICE)
        for c, (y, x) in enumerate([(0, 1), (1, 0), (2, 2), (1, 1)])
    ]
    chain.back_to(pieces[0]).then("Concat", *pieces[1:], axis=1).then("Neg")
    kernel = one_hot([(0, 1), (1, 0), (-1, -1), (0, 0)])
    model = chain.then("Conv", kernel, group=4, pads=[1] * 4, strides=[2, 2]).then("Neg").build()
    x = numbered(1, 4, 7, 6)
    expected = run(model, x)
    assert rewrite(model).shifts == 2
    assert operators(model) == ["Conv", "Conv", "Neg", "Conv", "Neg"]
    np.testing.assert_array_equal(run(model, x), expected)
    lowered = lower.lower(model, lower.Target.LITERT).model
    np.testing.assert_allclose(run_litert(lowered, x), expected, rtol=1e-5)


def test_pixels_without_any_order_have_no_plan():
    order = np.random.default_rng(0).permutation(6 * 7)
    assert rearrangement_plan.plan(order.reshape(1, 6, 7), (1, 6, 7)) is None


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_pixel_shuffle_of_either_order_is_one_operator_and_at_most_a_shuffle(mode):
    left, _ = rearranged(Chain(1, 8, 3, 2).then("Neg").then("DepthToSpace", blocksize=2, mode=mode).then("Neg"))
    assert left == ["Neg", *["Gather"] * (mode == "CRD"), "DepthToSpace", "Neg"]


def test_a_shift_as_wide_as_the_image_leaves_no_wide_kernel():
    kernel = np.zeros((4, 1, 7, 7), np.float32)
    kernel[range(4), 0, [3, 3, 3, 2], [3, 6, 2, 3]] = 1
    chain = Chain(1, 4, 5, 3).then("Neg").then("Conv", kernel, group=4, pads=[3] * 4).then("Neg")
    model = chain.build()
    roles.set_role(model.graph[1], roles.Role.SHIFT)
    left = apply(Rearrange(), model, exact=True)
    (shift,) = [node for node in model.graph if node.op_type == "Conv"]
    assert shift.inputs[1].const_value.shape[2:] == (3, 3)
    assert "Pad" in left


def test_where_nothing_of_the_image_is_left_zeros_are():
    chain = Chain(1, 2, 3, 3).then("Neg").then("Pad", np.array([0, 0, 3, 0, 0, 0, -3, 0])).then("Neg")
    assert rearranged(chain)[0] == ["Neg", "Slice", "Clip", "Pad", "Neg"]


def test_a_cut_and_a_view_stay_as_they_are():
    cut = [np.array(n) for n in ([0, 1], [9, 9], [2, 3], [2, 2])]
    assert rearranged(Chain(1, 2, 4, 6).then("Neg").then("Slice", *cut).then("Neg"))[0] == ["Neg", "Slice", "Neg"]
    view = Chain(1, 2, 4, 6).then("Neg").then("Reshape", np.array([1, 2, 1, 24])).then("Neg")
    assert rearranged(view)[0] == ["Neg", "Reshape", "Neg"]


def test_what_computes_is_no_rearrangement():
    mask = np.full((1, 2, 4, 6), 0.5, np.float32)
    chain = Chain(1, 2, 4, 6).then("Neg").then("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 0]), mode="edge")
    assert rearranged(chain.then("Mul", np.pad(mask, ((0, 0), (0, 0), (1, 0), (0, 0)))))[0][-1] == "Mul"


def test_behind_a_step_that_has_no_plan_the_others_are_rearranged():
    order = np.random.default_rng(0).permutation(5 * 6)
    chain = Chain(1, 2, 4, 6).then("Neg").then("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 0]), mode="edge")
    chain.then("Reshape", np.array([1, 2, 30])).then("Gather", order, axis=2).then("Reshape", np.array([1, 2, 5, 6]))
    assert rearranged(chain.then("Neg"))[0] == ["Neg", "Slice", "Concat", "Reshape", "Gather", "Reshape", "Neg"]


def test_every_rearrangement_of_a_graph_is_told_with_both_its_ends():
    chain = Chain(1, 2, 4, 6).then("Neg").then("Pad", np.array([0, 0, 1, 0, 0, 0, 0, 0]), mode="edge").then("Neg")
    _, model = rearranged(chain)
    ((target, (source, read)),) = rearrangements(model).items()
    assert str(rewrite(model)).startswith("0 shifts, 0 shuffles, 1 other movement, ")
    assert (source.producer().op_type, target.producer().op_type) == ("Neg", "Concat")
    x = numbered(1, 2, 4, 6)
    np.testing.assert_array_equal(read(x), np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)), mode="edge"))
    assert read.origin(1, 1, 2) == "channel 1 at row 0, column 2"
