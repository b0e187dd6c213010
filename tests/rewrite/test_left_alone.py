"""What no rule has recognised is counted, with its share of the bytes, the reason, and the user's line."""

import numpy as np
import pytest
import torch
from graphs import Chain
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.rewrite import rewrite
from ssc_deploy.signature import of_image

ORDER = np.random.default_rng(0).permutation(30)


def pixels_without_order(chain):
    return (
        chain.then("Reshape", np.array([1, 4, 30]))
        .then("Gather", ORDER, axis=2)
        .then("Reshape", np.array([1, 4, 5, 6]))
    )


def test_a_movement_that_nothing_knows_is_counted_with_its_bytes():
    chain = pixels_without_order(Chain(1, 4, 5, 6).then("Neg")).then("Relu").then("Pad", np.array([0, 0, 1, 0] * 2))
    chain.then("Slice", np.array([2]), np.array([7]), np.array([2])).then("Relu")
    report = rewrite(chain.build())
    assert (report.shifts, len(report.refusals)) == (1, 1)
    assert (report.bytes_left, report.bytes_moved) == (480, 960)
    assert str(report).endswith("1 movement left alone (50 % of the bytes moved)")


def test_every_source_counts_once():
    chain = pixels_without_order(Chain(1, 4, 5, 6).then("Neg"))
    chain = pixels_without_order(chain.then("Relu"))
    report = rewrite(chain.then("Relu").build())
    assert len(report.refusals) == 2
    assert "2 movements left alone (100 % of the bytes moved)" in str(report)


@pytest.mark.parametrize(
    "chain",
    [
        Chain(1, 2, 3, 4).then("Neg").then("Transpose", perm=[0, 2, 3, 1]).then("Relu"),
        Chain(1, 2, 3, 4).then("Neg").then("Slice", np.array([0]), np.array([2]), np.array([3])).then("Relu"),
        Chain(1, 2, 3, 4).then("Relu").then("Concat", "input", axis=1),
        Chain(1, 2, 3, 4).then("Conv", np.ones((3, 2, 1, 1), np.float32)).then("Gather", np.array([2, 0]), axis=1),
    ],
    ids=["order of axes", "cut", "join", "shuffle"],
)
def test_what_is_known_or_only_looked_at_otherwise_is_not_counted(chain):
    report = rewrite(chain.build())
    assert report.refusals == ()
    assert str(report).endswith("0 movements left alone")


def test_places_that_are_computed_are_the_reason():
    chain = Chain(1, 2, 3, 4)
    places = chain.aside("ArgMax", chain.aside("Reshape", "input", np.array([6, 4])), axis=1, keepdims=0)
    chain.then("Neg").then("Gather", chain.aside("Clip", places, np.int64(0), np.int64(3)), axis=3).then("Relu")
    (refusal,) = rewrite(chain.build()).refusals
    assert "where it moves numbers is computed from the image" in refusal.reason


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        x = self.first(x).flatten(2)
        return self.last(x[:, :, torch.from_numpy(ORDER)].view(1, 4, 5, 6))


def test_the_user_s_line_is_said():
    (refusal,) = rewrite(capture(Mixed().eval(), of_image((1, 3, 5, 6))).model).refusals
    assert "test_left_alone.py, line " in refusal.reason
    assert refusal.reason.endswith(", in forward)")
