import re

import numpy as np
import pytest
import spellings
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.ir import movement as mv


def eager(function):
    return lambda picture: function(torch.from_numpy(picture.copy())).numpy()


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
        (lambda x: torch.roll(x, 1, 2), r"displaced by \(-1, 0\), but wraps around"),
        (torch.relu, "some numbers only"),
        (lambda x: 2 * x, "computes new values|in some places"),
        (lambda x: x + 1, "computes new values|in some places"),
        (lambda x: x.flip(2), "displaced by"),
        (lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1), "replicate")[:, :, :-2, 1:-1], "repeats the edge"),
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


@pytest.mark.slow
def test_numbers_stay_exact_on_large_pictures():
    # Numbered in one plane, 48 * 600 * 600 pixels would not fit into float32's 24 bits.
    offsets = [(0, 1)] * 47 + [(1, 0)]
    found = mv.read(eager(lambda x: spellings.pad_slice_cat(x, offsets)), (48, 600, 600))
    assert found == mv.shift(tuple(offsets))
