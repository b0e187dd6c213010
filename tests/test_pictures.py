import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from ssc_deploy import pictures
from ssc_deploy.errors import PictureError
from ssc_deploy.metadata import Preprocessing

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
SIZE = (6, 8)
GREY = np.asarray(Image.fromarray(RGB).convert("L"))


def saved(tmp_path, image, name="picture.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_a_file_comes_back_pixel_by_pixel(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB))
    for picture in (path, str(path)):
        pixels = pictures.read(picture, "RGB", SIZE)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, RGB)


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm", "a.tif"])
def test_other_lossless_formats_give_the_same(tmp_path, name):
    assert np.array_equal(pictures.read(saved(tmp_path, Image.fromarray(RGB), name), "RGB", SIZE), RGB)


def test_channels_come_in_the_order_of_the_network():
    assert np.array_equal(pictures.read(RGB, "BGR", SIZE), RGB[..., ::-1])
    assert np.array_equal(pictures.read(RGB, "L", SIZE), GREY[..., None])


def test_arrays_images_and_files_are_equal(tmp_path):
    image = Image.fromarray(RGB)
    for picture in (RGB, image, saved(tmp_path, image)):
        assert np.array_equal(pictures.read(picture, "RGB", SIZE), RGB)


@pytest.mark.parametrize("grey", [GREY, GREY[..., None]])
def test_grey_becomes_three_equal_channels(grey):
    assert np.array_equal(pictures.read(grey, "RGB", SIZE), np.repeat(GREY[..., None], 3, 2))
    assert np.array_equal(pictures.read(grey, "L", SIZE), GREY[..., None])


def test_transparency_is_dropped_not_composited(tmp_path):
    alpha = np.arange(48, dtype=np.uint8).reshape(6, 8, 1) * 5
    path = saved(tmp_path, Image.fromarray(np.concatenate([RGB, alpha], 2)))
    assert np.array_equal(pictures.read(path, "RGB", SIZE), RGB)
    assert np.array_equal(pictures.read(np.concatenate([RGB, alpha], 2), "RGB", SIZE), RGB)


def test_a_palette_becomes_its_colours(tmp_path):
    image = Image.new("P", (8, 6))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([i % 2 for i in range(48)])
    pixels = pictures.read(saved(tmp_path, image), "RGB", SIZE)
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[0, 1].tolist() == [200, 100, 50]


def test_black_and_white_becomes_0_and_255(tmp_path):
    image = Image.fromarray(GREY > 127)
    assert np.array_equal(pictures.read(saved(tmp_path, image), "L", SIZE)[..., 0], np.where(GREY > 127, 255, 0))


def test_16_bits_are_rounded_to_8(tmp_path):
    wide = np.array([[0, 128, 129, 65535], [257, 385, 386, 32768]], np.uint16)
    path = saved(tmp_path, Image.fromarray(wide))
    assert pictures.read(path, "L", (2, 4))[..., 0].tolist() == [[0, 0, 1, 255], [1, 1, 2, 128]]
    big_endian = saved(tmp_path, Image.frombytes("I;16B", (4, 2), wide.astype(">u2").tobytes()), "wide.tif")
    assert pictures.read(big_endian, "L", (2, 4))[..., 0].tolist() == [[0, 0, 1, 255], [1, 1, 2, 128]]


def test_pixels_of_an_unknown_range_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB[..., 0].astype(np.float32)), "float.tif")
    with pytest.raises(PictureError, match=r"float\.tif holds floating-point"):
        pictures.read(path, "L", SIZE)
    path = saved(tmp_path, Image.fromarray(RGB[..., 0].astype(np.int32) * 1000), "wide.tif")
    with pytest.raises(PictureError, match=r"wide\.tif holds more than 16 bits"):
        pictures.read(path, "L", SIZE)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_exif_orientation_is_applied(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    path = saved(tmp_path, Image.fromarray(RGB), name, exif=exif)
    assert np.array_equal(pictures.read(path, "RGB", (8, 6)), np.rot90(RGB, -1))
    assert np.array_equal(pictures.read(Image.open(path), "RGB", (8, 6)), np.rot90(RGB, -1))


def with_chunk(image, kind, data):
    """The image as PNG, with a further chunk before its pixels."""
    file = io.BytesIO()
    image.save(file, "PNG")
    whole = file.getvalue()
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    at = whole.index(b"IDAT") - 4
    return whole[:at] + chunk + whole[at:]


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


#: One entry, an orientation of 6; of it, or beside it, something is broken.
ENTRY = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
HEAD = b"MM\x00*\x00\x00\x00\x08"


@pytest.mark.parametrize(
    "block",
    [
        b"no tiff here",
        b"",
        b"M",
        b"MM",
        HEAD,
        b"MM\x00*\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00" + b"\xff" * 7,
        HEAD + b"\x00\x01" + ENTRY[:6],
        HEAD + b"\x00\x01" + ENTRY.replace(b"\x00\x06", b"\x00\x09"),
        HEAD + b"\x00\x01" + ENTRY.replace(b"\x00\x03", b"\x00\x0b", 1),
        b"\x00" * 100,
    ],
)
def test_a_broken_exif_block_beside_whole_pixels_turns_nothing(tmp_path, block):
    image = Image.fromarray(RGB)
    files = {"a.png": with_chunk(image, b"eXIf", block)}
    files["a.webp"] = encoded(image, "WEBP", lossless=True, exif=b"Exif\x00\x00" + block)
    files["a.jpg"] = encoded(image, "JPEG", exif=b"Exif\x00\x00" + block)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        assert np.array_equal(pictures.read(tmp_path / name, "RGB", SIZE), plain)
        assert np.array_equal(pictures.read(Image.open(tmp_path / name), "RGB", SIZE), plain)


def test_an_opened_image_that_is_cut_off_is_refused_by_name(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.repeat(RGB, 50, 0)), "cut.jpg")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(PictureError, match=r"cut\.jpg is damaged or cut off"):
        pictures.read(Image.open(path), "RGB", (300, 8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_applied_though_another_tag_is_malformed(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    whole = tmp_path / "whole.png"
    Image.fromarray(RGB).save(whole, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(whole)))
    entry = ENTRY.replace(b"\x00\x06", bytes([0, orientation]))
    wild = b"\x87\x69\x00\x04\x00\x00\x00\x01\x7f\xff\xff\xff" + b"\x9c\x9b\x00\x0a\x7f\xff\xff\xff\x00\x00\x00\x01"
    (tmp_path / "a.png").write_bytes(with_chunk(Image.fromarray(RGB), b"eXIf", HEAD + b"\x00\x03" + entry + wild))
    assert np.array_equal(pictures.read(tmp_path / "a.png", "RGB", upright.shape[:2]), upright)


def test_a_broken_colour_profile_is_left_aside(tmp_path):
    image = Image.fromarray(RGB)
    (tmp_path / "a.png").write_bytes(with_chunk(image, b"iCCP", b"junk\x00\x00not zlib"))
    (tmp_path / "b.png").write_bytes(with_chunk(image, b"iCCP", b"junk\x00\x00" + zlib.compress(b"no profile")))
    (tmp_path / "c.webp").write_bytes(encoded(image, "WEBP", lossless=True, icc_profile=b"junk"))
    for path in tmp_path.iterdir():
        assert np.array_equal(pictures.read(path, "RGB", SIZE), RGB)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "MPO", "TIFF"])
def test_of_several_frames_the_first_counts(tmp_path, form):
    first, second = Image.new("RGB", (8, 6), "red"), Image.new("RGB", (8, 6), "blue")
    (tmp_path / "a").write_bytes(encoded(first, form, save_all=True, append_images=[second]))
    assert np.abs(pictures.read(tmp_path / "a", "RGB", SIZE)[0, 0].astype(int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("mode", ["LA", "RGBA", "CMYK", "P", "1", "YCbCr", "HSV", "LAB"])
def test_every_kind_of_pixels_becomes_what_pillow_makes_of_it(tmp_path, mode):
    image = Image.fromarray(RGB).convert(mode)
    assert np.array_equal(pictures.read(image, "RGB", SIZE), np.asarray(image.convert("RGB")))
    if mode == "CMYK":
        (tmp_path / "a.jpg").write_bytes(encoded(image, "JPEG"))
        plain = np.asarray(Image.open(tmp_path / "a.jpg").convert("RGB"))
        assert np.array_equal(pictures.read(tmp_path / "a.jpg", "RGB", SIZE), plain)
    if mode in {"LA", "P"}:
        options = {"transparency": 3} if mode == "P" else {}
        (tmp_path / "a.png").write_bytes(encoded(image, "PNG", **options))
        plain = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
        assert np.array_equal(pictures.read(tmp_path / "a.png", "RGB", SIZE), plain)


def test_of_an_animation_the_first_frame_counts(tmp_path):
    first, second = (Image.new("RGB", (8, 6), colour) for colour in ("red", "blue"))
    path = saved(tmp_path, first, "a.gif", save_all=True, append_images=[second])
    assert pictures.read(path, "RGB", SIZE)[0, 0].tolist() == [255, 0, 0]


def test_another_size_is_refused_with_both_sizes(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB))
    with pytest.raises(PictureError, match=r"picture\.png is 8x6 .* the network takes 32x16"):
        pictures.read(path, "RGB", (16, 32))


def test_resizing_covers_then_crops_around_the_centre():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    assert pictures.read(wide, "RGB", (10, 10), resize=True)[:, 1:-1].min() > 250
    assert pictures.read(wide.transpose(1, 0, 2), "RGB", (10, 10), resize=True)[1:-1].min() > 250
    halves = pictures.read(wide, "RGB", (10, 20), resize=True)
    assert halves[:, 7:13].min() > 250
    assert halves[:, [0, -1]].max() < 5


@pytest.mark.parametrize("source", [(1, 1), (3, 500), (500, 3), (33, 32), (31, 47)])
@pytest.mark.parametrize("target", [(32, 32), (7, 31), (1, 1)])
def test_resizing_gives_the_asked_size_whatever_comes_in(source, target):
    pixels = pictures.read(np.full((*source, 3), 9, np.uint8), "RGB", target, resize=True)
    assert pixels.shape == (*target, 3)
    assert (pixels == 9).all()


def test_resizing_averages_and_leaves_a_fitting_picture_alone():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.abs(pictures.read(stripes, "RGB", (8, 8), resize=True).astype(int) - 100)[1:-1, 1:-1].max() <= 2
    assert np.array_equal(pictures.read(RGB, "RGB", SIZE, resize=True), RGB)


def test_a_line_that_would_grow_beyond_memory_is_refused():
    with pytest.raises(PictureError, match=r"is 1000000x1 \(width x height\), too long and narrow"):
        pictures.read(np.zeros((1, 1_000_000, 3), np.uint8), "RGB", (224, 224), resize=True)


def png_header(width, height):
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 12_000, 50_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with pytest.raises(PictureError, match=r"bomb\.png is too large"):
        pictures.read(path, "RGB", (32, 32), resize=True)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.webp", "a.tif", "a.ppm"])
def test_a_file_cut_off_anywhere_is_refused_by_name(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(RGB), name)
    data = path.read_bytes()
    refused = 0
    for length in range(0, len(data), max(1, len(data) // 40)):
        path.write_bytes(data[:length])
        try:
            pictures.read(path, "RGB", SIZE)
        except PictureError as error:
            assert name in str(error)  # noqa: PT017  # the last bytes of some formats may be missing without harm
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "cat.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=r"cat\.png is not an image"):
        pictures.read(path, "RGB", SIZE)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(PictureError, match=r"cat\.png is not there"):
        pictures.read(tmp_path / "cat.png", "RGB", SIZE)
    with pytest.raises(PictureError, match="is a folder"):
        pictures.read(tmp_path, "RGB", SIZE)


@pytest.mark.parametrize("array", [RGB / 255, RGB[None], RGB[..., :2], RGB[:0], RGB.astype(np.int64)])
def test_arrays_that_are_no_pictures_are_refused(array):
    with pytest.raises(PictureError, match="uint8"):
        pictures.read(array, "RGB", SIZE)


def test_an_unknown_colour_order_is_refused():
    with pytest.raises(PictureError, match="'GBR' is not known"):
        pictures.read(RGB, "GBR", SIZE)


def test_preprocessing_is_the_equation_in_float32_step_by_step():
    preprocessing = Preprocessing((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    x = pictures.preprocess([RGB, RGB[::-1]], preprocessing, "NCHW")
    assert x.dtype == np.float32
    assert x.shape == (2, 3, 6, 8)
    assert x.flags.c_contiguous
    for c in range(3):
        mean, std = np.float32(preprocessing.mean[c]), np.float32(preprocessing.std[c])
        assert np.array_equal(x[0, c], (RGB[..., c].astype(np.float32) / np.float32(255) - mean) / std)
    assert np.array_equal(x[1], x[0, :, ::-1])
    nhwc = pictures.preprocess([RGB, RGB[::-1]], preprocessing, "NHWC")
    assert np.array_equal(nhwc.transpose(0, 3, 1, 2), x)
    assert nhwc.flags.c_contiguous


def test_preprocessing_for_another_number_of_channels_is_refused():
    with pytest.raises(PictureError, match="1 means and 1 standard deviations for 3 channels"):
        pictures.preprocess([RGB], Preprocessing((0.5,), (0.5,), "L"), "NCHW")
