"""Pictures from inputs: exactly, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy import pictures
from ssc_deploy.bundling.pixels import recovered
from ssc_deploy.metadata import Preprocessing

IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
GREY = Preprocessing((0.1307,), (0.3081,), "L")


def noise(channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (3, 17, 16, channels), np.uint8)


@pytest.mark.parametrize("preprocessing", [IMAGENET, GREY, Preprocessing((0.0,) * 3, (1.0,) * 3, "BGR")])
def test_every_picture_comes_back(preprocessing):
    pixels = noise(len(preprocessing.mean))
    assert np.array_equal(recovered(pictures.preprocess(list(pixels), preprocessing, "NCHW"), preprocessing), pixels)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(1e-3, 10)), min_size=3, max_size=3))
def test_the_inputs_come_again_from_what_comes_back_whatever_the_normalisation(normalisation):
    mean, std = zip(*normalisation, strict=True)
    preprocessing = Preprocessing(mean, std)
    inputs = pictures.preprocess(list(noise(3)), preprocessing, "NCHW")
    found = recovered(inputs, preprocessing)
    assert pictures.preprocess(list(found), preprocessing, "NCHW").tobytes() == inputs.tobytes()


def test_what_is_off_in_the_last_bit_comes_from_no_picture():
    inputs = pictures.preprocess(list(noise(3)), IMAGENET, "NCHW")
    inputs[1, 2, 3, 4] = np.nextafter(inputs[1, 2, 3, 4], np.float32(9))
    assert recovered(inputs, IMAGENET) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 100.0])
def test_what_no_pixel_gives_comes_from_no_picture(value):
    inputs = pictures.preprocess(list(noise(3)), IMAGENET, "NCHW")
    inputs[0, 0, 0, 0] = value
    assert recovered(inputs, IMAGENET) is None


def test_noise_comes_from_no_picture():
    assert recovered(np.random.default_rng(0).standard_normal((2, 3, 8, 8), np.float32), IMAGENET) is None
