import numpy as np
import pytest
import spellings
import torch
from graphs import Chain, apply, run
from torch import nn

from ssc_deploy import roles
from ssc_deploy.capture import capture
from ssc_deploy.rewrite import canonical, rewrite
from ssc_deploy.rewrite.recognise_movement import RecogniseMovement


class InForward(nn.Module):
    """Movement written in the forward of a module with weights, where probing modules cannot see it."""

    def __init__(self, channels, move):
        super().__init__()
        self.first, self.last, self.move = nn.Conv2d(3, channels, 1), nn.Conv2d(channels, 4, 1, groups=2), move

    def forward(self, x):
        return self.last(torch.relu(self.move(torch.relu(self.first(x)))))


def rewritten(module, shape=(1, 3, 8, 7)):
    captured = capture(module.eval(), shape)
    assert not captured.probed
    report = rewrite(captured.model, check=True)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        np.testing.assert_allclose(run(captured.model, x.numpy()), module(x).numpy(), rtol=0, atol=2e-6)
    return captured.model, report


@pytest.mark.parametrize("spelling", spellings.REGULAR_SHIFTS)
@pytest.mark.parametrize("k", [3, 5])
def test_every_spelling_of_a_shift_in_a_graph_is_found(spelling, k):
    offsets = spellings.raster(2 * k * k, k)
    model, report = rewritten(InForward(len(offsets), lambda x: spellings.REGULAR_SHIFTS[spelling](x, offsets)))
    assert (report.shifts, report.shuffles, report.refusals) == (1, 0, ())
    (shift,) = [node for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    assert canonical.shift_of(shift).offsets == tuple(offsets)
    assert [node.op_type for node in model.graph] == ["Conv", "Relu", "Conv", "Relu", "Conv"]


def test_arbitrary_offsets_and_an_unshifted_rest_are_found():
    offsets = [*spellings.raster(9), (0, 0), (0, 0), (-3, 2)]
    _, report = rewritten(InForward(12, lambda x: spellings.slice_assignment(x, offsets)))
    assert (report.shifts, report.shuffles) == (1, 0)


def test_a_shift_after_a_shuffle_is_one_movement():
    offsets = spellings.raster(18)
    _, report = rewritten(
        InForward(18, lambda x: torch.relu(spellings.shuffle(spellings.pad_slice_cat(x, offsets), 2)))
    )
    assert (report.shifts, report.shuffles) == (1, 1)


def test_a_roll_that_wraps_around_is_left_with_the_reason():
    _, report = rewritten(InForward(4, lambda x: torch.roll(x, (1, 1), (2, 3))))
    assert report.shifts == 0
    (refusal, *_) = report.refusals
    assert "displaced by (-1, -1), but wraps around" in refusal.reason


def test_a_resize_is_no_movement_and_a_subsampling_is_left_with_the_reason():
    model, report = rewritten(InForward(4, lambda x: x[:, :, ::2, ::2]))
    assert "turns a picture of [4, 8, 7] into [4, 4, 4]" in report.refusals[0].reason
    assert "Slice" in [node.op_type for node in model.graph]


def test_shapes_decide_nothing_where_values_change():
    # The same nodes as a masked shift, with a mask that is not of zeros and ones.
    mask = np.full((1, 4, 5, 5), 0.5, np.float32)
    model = Chain(1, 4, 5, 5).then("Mul", mask).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Mul"]


def test_identity_regions_vanish():
    shape = np.array([1, 2, 2, 25], np.int64)
    model = Chain(1, 4, 5, 5).then("Relu").then("Reshape", shape).then("Reshape", np.array([1, 4, 5, 5])).then("Relu")
    model = model.build()
    RecogniseMovement()(model)
    assert model.graph.outputs[0].producer().inputs[0] is model.graph[0].outputs[0]


def test_neighbouring_channels_stay_a_slice():
    starts, ends, axes = np.array([1]), np.array([3]), np.array([1])
    model = Chain(1, 4, 5, 5).then("Slice", starts, ends, axes).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Slice"]


def test_a_one_hot_depthwise_convolution_is_marked_where_it_stands():
    kernel = np.zeros((4, 1, 3, 3), np.float32)
    kernel[:, 0, 0, 2] = 1
    model = Chain(1, 4, 5, 5).then("Conv", kernel, np.zeros(4, np.float32), group=4, pads=[1] * 4).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Conv"]
    assert roles.role(model.graph[0]) is roles.Role.SHIFT
    assert len(model.graph[0].inputs) == 2
