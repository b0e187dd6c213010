import re

import numpy as np
import pytest
import spellings
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import movement as mv


def eager(function):
    return lambda image: function(torch.from_numpy(image.copy())).numpy()


offsets = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=12)


@given(
    offsets=offsets, height=st.integers(3, 7), width=st.integers(3, 7), spelling=st.sampled_from([*spellings.SHIFTS])
)
@settings(deadline=None, max_examples=60)
def test_a_shift_is_read_off_however_it_is_written(offsets, height, width, spelling):
    found = mv.read(eager(lambda x: spellings.SHIFTS[spelling](x, offsets)), (len(offsets), height, width))
    assert found == mv.shift(tuple(offsets))


@given(offsets=offsets, seed=st.integers(0, 9), data=st.data())
@settings(deadline=None, max_examples=40)
def test_movement_computes_its_equation(offsets, seed, data):
    channels = data.draw(st.integers(1, 5))
    source = tuple(data.draw(st.integers(0, channels - 1)) for _ in offsets)
    movement = mv.Movement(source, tuple(offsets), channels)
    x = np.random.default_rng(seed).standard_normal((2, channels, 4, 3), np.float32)
    out = movement(x)
    for (n, c, y, xx), value in np.ndenumerate(out):
        row, column = y + offsets[c][0], xx + offsets[c][1]
        inside = 0 <= row < 4 and 0 <= column < 3
        assert value == (x[n, source[c], row, column] if inside else 0)


def test_a_shuffle_behind_a_shift_is_read_as_one_movement():
    offsets = spellings.raster(18)
    found = mv.read(eager(lambda x: spellings.shuffle(spellings.pad_slice_stack(x, offsets), 2)), (18, 6, 6))
    order = [c // 2 + c % 2 * 9 for c in range(18)]
    assert found == mv.Movement(tuple(order), tuple(offsets[c] for c in order), 18)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (
            lambda x: torch.cat([torch.roll(x[:, :2], 1, 2), x[:, 2:]], 1).tril(),
            "not every edge is zero|in some places",
        ),
        (
            lambda x: torch.cat([torch.roll(x[:, :2], 1, 2), torch.nn.functional.pad(x, (0, 0, 1, 0))[:, 2:, :-1]], 1),
            r"displaced by \(-1, 0\), but not every edge is zero, wraps around or repeats",
        ),
        (torch.relu, "some numbers only"),
        (lambda x: 2 * x, "computes new values|in some places"),
        (lambda x: x + 1, "computes new values|in some places"),
        (lambda x: x.flip(2), "displaced by"),
        (
            lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1), "reflect")[:, :, :-2, 1:-1],
            "not every edge|in some places",
        ),
        (lambda x: torch.nn.functional.interpolate(x, scale_factor=2), r"turns a feature map of \[4, 6, 5\] into"),
        (lambda x: x * 0, "zero everywhere"),
        (lambda x: x.transpose(2, 3), "turns a feature map"),
        (lambda x: torch.nn.functional.avg_pool2d(x, 3, 1, 1), "computes new values|in some places"),
        (lambda x: x.mean(1, keepdim=True).expand(-1, 4, -1, -1), "computes new values|in some places"),
    ],
)
def test_anything_but_a_movement_is_refused_with_the_reason(function, reason):
    found = mv.read(eager(function), (4, 6, 5))
    assert isinstance(found, str)
    assert re.search(reason, found)


@given(
    offsets=offsets,
    size=st.tuples(st.integers(5, 7), st.integers(5, 7)),
    spelled=st.sampled_from(spellings.EDGED_SHIFTS),
)
@settings(deadline=None, max_examples=60)
def test_an_edge_is_read_off_however_it_is_written(offsets, size, spelled):
    name, edge = spelled
    function, _ = spellings.EDGES[name]
    found = mv.read(eager(lambda x: function(x, offsets, edge)), (len(offsets), *size))
    assert found == mv.shift(tuple(offsets), mv.Edge(edge) if any(map(any, offsets)) else mv.Edge.ZERO)


@settings(max_examples=50, deadline=None)
@given(
    edge=st.sampled_from(mv.Edge),
    offsets=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=4),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_a_movement_reads_what_its_edge_says(edge, offsets, size):
    x = np.arange(1.0, 2 * len(offsets) * np.prod(size) + 1).reshape(2, len(offsets), *size)
    padded = np.pad(x, ((0, 0), (0, 0), (9, 9), (9, 9)), mode=edge.value)
    h, w = size
    moved = [padded[:, c, 9 + dy : 9 + dy + h, 9 + dx : 9 + dx + w] for c, (dy, dx) in enumerate(offsets)]
    np.testing.assert_array_equal(mv.shift(tuple(offsets), edge)(x), np.stack(moved, 1))


@pytest.mark.slow
def test_numbers_stay_exact_on_large_feature_maps():
    # Numbered in one plane, 48 * 600 * 600 pixels would not fit into float32's 24 bits.
    offsets = [(0, 1)] * 47 + [(1, 0)]
    found = mv.read(eager(lambda x: spellings.pad_slice_cat(x, offsets)), (48, 600, 600))
    assert found == mv.shift(tuple(offsets))
