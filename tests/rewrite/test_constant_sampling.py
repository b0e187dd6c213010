"""Sampling at constant places: what it becomes, and that it stays what it was."""

import numpy as np
import onnx_ir as ir
import pytest
from graphs import Chain, normal, operators, run
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from ssc_deploy.ir import canonical, roles
from ssc_deploy.ir import movement as mv
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.constant_sampling import ConstantSampling


def applied(model):
    """The operators after the rule, which changes no result."""
    x = normal(*(int(d) for d in model.graph.inputs[0].shape), seed=5)
    (expected,) = ReferenceEvaluator(ir.to_proto(model)).run(None, {model.graph.inputs[0].name: x})
    ConstantSampling()(model)
    np.testing.assert_allclose(run(model, x), expected, rtol=0, atol=2e-5)
    return operators(model)


def grid_of(displaced, height, width, *, aligned):
    """The grid [N, H, W, 2], float32, of images that are displaced by (dy, dx) each."""
    grids = []
    for dy, dx in displaced:
        axes = []
        for length, by in ((height, dy), (width, dx)):
            place = np.arange(length) + by
            axes.append(2 * place / max(length - 1, 1) - 1 if aligned else (2 * place + 1) / length - 1)
        rows, columns = np.meshgrid(*axes, indexing="ij")
        grids.append(np.stack([columns, rows], -1))
    return np.array(grids, np.float32)


whole = st.tuples(st.integers(-2, 2), st.integers(-2, 2))
between = st.tuples(st.floats(-2, 2, width=16), st.floats(-2, 2, width=16))


@settings(max_examples=20, deadline=None)
@given(
    displaced=st.lists(st.one_of(whole, between), min_size=1, max_size=3),
    size=st.tuples(st.integers(3, 5), st.integers(3, 5)),
    aligned=st.booleans(),
    edge=st.sampled_from(["zeros", "border"]),
)
def test_one_displacement_for_each_image_is_a_depthwise_convolution(displaced, size, aligned, edge):
    chain = Chain(len(displaced), 2, *size).then("Neg")
    grid = grid_of(displaced, *size, aligned=aligned)
    model = chain.then("GridSample", grid, padding_mode=edge, align_corners=int(aligned)).build()
    assert "GridSample" not in applied(model)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize(("padding", "edge"), [("zeros", mv.Edge.ZERO), ("border", mv.Edge.REPEAT)])
def test_whole_displacements_of_channels_are_a_shift(padding, edge, mode):
    offsets = ((0, 1), (-1, 0), (1, -2), (0, 0))
    chain = Chain(1, 4, 5, 6).then("Conv", normal(4, 4, 1, 1)).then("Reshape", np.array([4, 1, 5, 6]))
    chain.then("GridSample", grid_of(offsets, 5, 6, aligned=False), padding_mode=padding, mode=mode)
    model = chain.then("Reshape", np.array([1, 4, 5, 6])).then("Neg").build()
    report = rewrite(model)
    assert report.shifts == 1
    (shift,) = [node for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    assert canonical.shift_of(shift) == mv.shift(offsets, edge)
    assert "Reshape" not in operators(model)


def test_a_grid_that_turns_or_reflects_stays():
    flipped = grid_of([(0, 0)], 4, 4, aligned=False)[:, ::-1]
    for chain in (
        Chain(1, 2, 4, 4).then("GridSample", np.ascontiguousarray(flipped)),
        Chain(1, 2, 4, 4).then("GridSample", grid_of([(1, 0)], 4, 4, aligned=False), padding_mode="reflection"),
        Chain(1, 2, 4, 4).then("GridSample", grid_of([(20, 0)], 4, 4, aligned=False)),
        Chain(1, 2, 4, 4).then("GridSample", grid_of([(0.5, 0)], 4, 4, aligned=False), mode="nearest"),
    ):
        assert applied(chain.build()) == ["GridSample"]


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    kernel=st.sampled_from([(1, 1), (3, 3), (1, 3)]),
    groups=st.sampled_from([(1, 1), (1, 4), (2, 2), (1, 2)]),
    stride=st.integers(1, 2),
    between_pixels_and_scaled=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 99),
)
def test_offsets_that_are_the_same_everywhere_are_a_convolution(
    kernel, groups, stride, between_pixels_and_scaled, seed
):
    (group, parts), (fractions, scaled) = groups, between_pixels_and_scaled
    pads = [k // 2 for k in kernel]
    size = [(length - 1) // stride + 1 for length in (3, 4)]
    generator = np.random.default_rng(seed)
    taps = kernel[0] * kernel[1]
    places = generator.integers(-2, 3, (1, parts * taps * 2, 1, 1)) + fractions * generator.random((1, 1, 1, 1))
    offset = np.broadcast_to(places.astype(np.float32), (1, parts * taps * 2, *size))
    mask = np.broadcast_to(generator.random((1, parts * taps, 1, 1), np.float32), (1, parts * taps, *size))
    operands = [normal(6, 4 // group, *kernel), np.ascontiguousarray(offset), normal(6)]
    operands += [np.ascontiguousarray(mask)] * scaled
    attributes = {"group": group, "offset_group": parts, "strides": [stride] * 2, "pads": pads * 2}
    model = Chain(1, 4, 3, 4).then("DeformConv", *operands, **attributes).build()
    assert applied(model) == ["Conv"]


def test_whole_offsets_of_channels_are_a_shift_and_a_pointwise_convolution():
    offsets = ((0, 1), (-1, 0), (1, -2), (0, 0))
    offset = np.broadcast_to(np.array(offsets, np.float32).reshape(1, 8, 1, 1), (1, 8, 5, 6)).copy()
    model = Chain(1, 4, 5, 6).then("Neg").then("DeformConv", normal(3, 4, 1, 1), offset, offset_group=4).build()
    assert rewrite(model).shifts == 1
    assert operators(model) == ["Neg", "Conv", "Conv"]
    assert canonical.shift_of(model.graph[1]) == mv.shift(offsets)


def test_offsets_that_differ_from_pixel_to_pixel_stay():
    offset = normal(1, 8, 5, 6)
    model = Chain(1, 4, 5, 6).then("DeformConv", normal(3, 4, 1, 1), offset, offset_group=4).build()
    ConstantSampling()(model)
    assert operators(model) == ["DeformConv"]
