import numpy as np
import pytest
from PIL import Image

from ssc_deploy.errors import PictureError
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.signature import of_image
from ssc_deploy.verification import inputs

PREPROCESSING = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def test_golden_pictures_come_in_the_order_given_as_the_network_takes_them(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    paths = [tmp_path / "b.png", tmp_path / "a.png"]
    for path, picture in zip(paths, pixels, strict=True):
        Image.fromarray(picture).save(path)
    (x,) = inputs.golden(paths, PREPROCESSING, (3, 4, 6)).arrays
    assert x.shape == (2, 3, 4, 6)
    expected = (pixels / 255 - PREPROCESSING.mean) / PREPROCESSING.std
    np.testing.assert_allclose(x, expected.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-6)


def test_golden_pictures_are_neither_resized_nor_none_at_all(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match=r"a\.png is 8x8 .* takes 6x4; scale it to that, or leave it out"):
        inputs.golden([tmp_path / "a.png"], PREPROCESSING, (3, 4, 6))
    with pytest.raises(PictureError, match="no golden images"):
        inputs.golden([], PREPROCESSING, (3, 4, 6))


def test_noise_is_standard_normal_and_the_same_every_time():
    (x,) = inputs.noise(of_image((4, 3, 32, 32)), 8).arrays
    assert x.shape == (8, 3, 32, 32)
    assert x.dtype == np.float32
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    assert np.array_equal(x, inputs.noise(of_image((1, 3, 32, 32)), 8).arrays[0])
    assert not np.array_equal(x, inputs.noise(of_image((1, 3, 32, 32)), 8, seed=1).arrays[0])
