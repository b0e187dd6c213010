"""Pictures of another size, held against torchvision itself, by which networks are trained."""

import numpy as np
import pytest
from PIL import Image

from ssc_deploy import pictures

#: (H, W): landscapes, portraits, sizes whose scaled side or half is no whole number, and the limits of Pillow's orders.
SIZES = [
    *[(375, 500), (500, 375), (33, 47), (47, 33), (35, 32), (32, 35), (301, 17), (17, 301), (65, 130), (130, 65)],
    *[(131, 65), (5, 3), (1, 40), (40, 1), (2, 2), (64, 64), (100, 37), (111, 64)],
]


@pytest.fixture(scope="module")
def transforms():
    """Those of torchvision, which takes a second to import: only the worker that runs this file does so."""
    from torchvision import transforms

    return transforms


def noise(height, width):
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.quick(24)
@pytest.mark.parametrize("side", [1, 7, 32, 33])
@pytest.mark.parametrize("size", SIZES)
def test_resizing_is_torchvisions_resize_and_center_crop_bit_by_bit(size, side, transforms):
    wanted = transforms.Compose([transforms.Resize(side), transforms.CenterCrop(side)])
    for pixels, colour in ((noise(*size), "RGB"), (noise(*size)[..., 0], "L")):
        read = pictures.read(pixels, colour, (side, side), resize=True)
        assert np.array_equal(read, np.asarray(wanted(Image.fromarray(pixels))).reshape(read.shape))


@pytest.mark.parametrize(("size", "begin"), [(33, 0), (34, 1), (35, 2), (37, 2), (39, 4), (41, 4)])
def test_the_crop_begins_at_the_even_pixel_where_the_middle_lies_between_two(size, begin):
    columns = np.broadcast_to(np.arange(size, dtype=np.uint8)[None, :, None], (32, size, 3))
    assert pictures.read(columns, "RGB", (32, 32), resize=True)[0, 0, 0] == begin
    assert pictures.read(columns.transpose(1, 0, 2), "RGB", (32, 32), resize=True)[0, 0, 0] == begin


@pytest.mark.parametrize(
    ("size", "target", "scaled"),
    [
        ((240, 320), (24, 64), (48, 64)),
        ((320, 240), (24, 64), (85, 64)),
        ((301, 17), (64, 24), (424, 24)),
        ((17, 301), (64, 24), (64, 1133)),
        ((20, 20), (7, 5), (7, 7)),
        ((320, 240), (7, 5), (7, 5)),
    ],
)
def test_an_oblong_input_is_just_covered_and_cropped_the_same_way(size, target, scaled, transforms):
    functional = transforms.functional
    expected = functional.center_crop(functional.resize(Image.fromarray(noise(*size)), list(scaled)), list(target))
    assert np.array_equal(pictures.read(noise(*size), "RGB", target, resize=True), np.asarray(expected))
