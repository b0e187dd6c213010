"""Shifts between the frames of clips: what they become, and that they stay what they were, bit for bit."""

import numpy as np
import pytest
import spellings
import torch
from graphs import Chain, apply, operators, run
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import numbered, run_litert
from torch import nn

from ssc_deploy import lower
from ssc_deploy.capture import capture
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.frames import ShiftFrames, shifts
from ssc_deploy.signature import Signature, Tensor


class Clip(nn.Module):
    """All spellings, a sum of its own before each; whole numbers stay exact through it."""

    def __init__(self, frames):
        super().__init__()
        self.frames = frames

    def forward(self, x):
        for shift in spellings.FRAMES:
            x = shift(x + 1.0, self.frames, 2)
        return x + 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("clips", "frames"), [(1, 4), (2, 3)])
def test_every_spelling_is_a_few_slices_and_exact_on_both_runtimes(clips, frames):
    shape = (clips * frames, 6, 2, 3)
    module = Clip(frames).eval()
    model = capture(module, Signature((Tensor("input", shape),), (Tensor("output", shape),), rows=False)).model
    report = rewrite(model, check=True)
    assert (report.shifts, report.refusals) == (len(spellings.FRAMES), ())
    assert set(operators(model)) == {"Add", "Slice", "Pad", "Concat"}
    assert clips > 1 or operators(model).count("Slice") == 3 * len(spellings.FRAMES)
    x = numbered(*shape)
    expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(run(model, x), expected)
    lowered = lower.lower(model, lower.Target.LITERT, lower.LoweringOptions(batch=shape[0]))
    np.testing.assert_array_equal(run_litert(lowered.model, x), expected)


@settings(max_examples=25, deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 2)), min_size=1, max_size=4),
    frames=st.integers(3, 5),
    clip=st.booleans(),
)
def test_any_channels_by_any_number_of_frames_are_found(runs, frames, clip):
    channels = sum(count for _, count in runs)
    chain = Chain(frames, channels, 2, 3).then("Neg")
    start, whole, pieces = 0, chain.last, []
    if clip:
        whole = chain.aside("Reshape", whole, np.array([1, frames, channels, 2, 3]))
    axis = int(clip)
    for by, count in runs:
        part = chain.aside("Slice", whole, np.array([start]), np.array([start + count]), np.array([axis + 1]))
        pads = np.array([0] * axis + [max(0, -by), 0, 0, 0] + [0] * axis + [max(0, by), 0, 0, 0])
        padded = chain.aside("Pad", part, pads)
        first = max(0, by)
        pieces.append(chain.aside("Slice", padded, np.array([first]), np.array([first + frames]), np.array([axis])))
        start += count
    chain.back_to(pieces[0]).then("Concat", *pieces[1:], axis=axis + 1)
    if clip:
        chain.then("Reshape", np.array([frames, channels, 2, 3]))
    model = chain.then("Relu").build()
    apply(ShiftFrames(), model, exact=True)
    moved = any(by for by, _ in runs)
    assert shifts(model.graph) == int(moved)
    assert {roles.role(node) for node in model.graph if node.op_type == "Pad"} <= (
        {roles.Role.FRAMES} if moved else {None}
    )


def test_frames_that_come_round_again_are_joined_in_another_order():
    pieces = [[3, 9], [0, 3]]
    chain = Chain(4, 6, 2, 3).then("Neg")
    whole = chain.last
    cut = [chain.aside("Slice", whole, np.array([a]), np.array([b]), np.array([0])) for a, b in pieces]
    model = chain.back_to(cut[0]).then("Concat", cut[1], axis=0).then("Relu").build()
    assert apply(ShiftFrames(), model, exact=True) == ["Neg", "Slice", "Slice", "Concat", "Relu"]
    assert shifts(model.graph) == 1


def test_what_moves_pixels_within_a_frame_is_no_shift_between_frames():
    chain = Chain(3, 2, 4, 5).then("Neg").then("Pad", np.array([1, 0, 1, 0, 0, 0, 0, 0]))
    chain.then("Slice", np.array([0, 0]), np.array([3, 4]), np.array([0, 2]))
    model = chain.then("Relu").build()
    assert apply(ShiftFrames(), model, exact=True) == ["Neg", "Pad", "Slice", "Relu"]
    assert shifts(model.graph) == 0


def test_channels_that_change_places_in_every_frame_are_no_shift_between_frames():
    model = Chain(3, 4, 4, 5).then("Neg").then("Gather", np.array([2, 3, 0, 1]), axis=1).then("Relu").build()
    assert apply(ShiftFrames(), model, exact=True) == ["Neg", "Gather", "Relu"]
