import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.errors import NetworkError
from ssc_deploy.ir import movement as mv
from ssc_deploy.nets.movement import ChannelOrder, ScanOrder, Shift, Shuffle, window_offsets


def read(module, channels):
    return mv.read(lambda x: module(torch.from_numpy(x)).numpy(), (channels, 7, 9))


def test_offsets_are_those_of_the_paper():
    k = 3
    expected = tuple((c % 9 // k - k // 2, c % 9 % k - k // 2) for c in range(27))
    assert window_offsets(27, k) == expected


def test_channels_beyond_the_last_whole_window_stay():
    offsets = window_offsets(20, 3)
    assert offsets[18:] == ((0, 0), (0, 0))
    assert (0, 0) not in offsets[:4]


def test_orders_of_p_k_and_d():
    contiguous = window_offsets(18, 3, order=ChannelOrder.CONTIGUOUS)
    assert contiguous[:3] == ((-1, -1), (-1, -1), (-1, 0))
    assert window_offsets(9, 3, scan=ScanOrder.COLUMNS)[1] == (0, -1)
    assert window_offsets(9, 3, reverse=True)[0] == (1, 1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=12).map(tuple))
def test_shift_moves_each_channel_by_its_offset(offsets):
    assert read(Shift(offsets), len(offsets)) == mv.shift(offsets)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shift_is_bit_exact_and_follows_the_dtype(dtype):
    offsets = window_offsets(27, 5)
    x = torch.randn(2, 27, 8, 8, dtype=dtype)
    moved = Shift(offsets).to(dtype)(x)
    assert moved.dtype == dtype
    assert np.array_equal(moved.numpy(), mv.shift(offsets)(x.numpy()))


def test_shift_adds_nothing_to_the_state_dict():
    assert not Shift(window_offsets(9, 3)).state_dict()


def test_shuffle_moves_channel_g_c_to_c_g():
    groups, channels = 4, 12
    source = tuple(np.arange(channels).reshape(groups, -1).T.ravel().tolist())
    assert read(Shuffle(groups), channels) == mv.permutation(source)


def test_shuffle_refuses_no_groups():
    with pytest.raises(NetworkError, match="at least one group, not 0"):
        Shuffle(0)
