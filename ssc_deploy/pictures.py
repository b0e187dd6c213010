"""Image files and arrays become a network's input, the same way on every machine.

    input[n, c, y, x] = (pixel[n, y, x, c] / 255 - mean[c]) / std[c]

in float32, in this order: divide by 255, subtract, divide by std; so every step rounds once, as in torchvision's
``ToTensor`` and ``Normalize``.

What decoding leaves open is settled as torchvision's own loader does (``Image.convert``), since networks are trained
through it: transparency is dropped, not composited; a palette becomes its colours; grey becomes equal channels; colour
becomes grey by ITU-R 601. Beyond that, 16-bit grey becomes 8-bit by rounding ``v / 257``, EXIF orientation is applied
where the EXIF block can be read, colour profiles are not, and of an animation the first frame counts.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import PictureError
from ssc_deploy.metadata import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from ssc_deploy.metadata import Preprocessing

Pixels = npt.NDArray[np.uint8]

#: A file, pixels uint8 [H, W, 3] (red first), [H, W, 4], [H, W, 1] or [H, W], or a `PIL.Image.Image`.
Picture: TypeAlias = "str | Path | npt.NDArray[Any] | Image.Image"

#: Formats that are decoded in this process, by no outside program (EPS would start Ghostscript).
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")

#: Images with more pixels are refused before they are decoded.
MAX_PIXELS = 64_000_000

#: What Pillow's decoders raise on damaged files.
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)


def read(
    picture: Picture,
    colour: str,
    size: tuple[int | None, int | None],
    *,
    resize: bool = False,
    name: str | None = None,
    advice: str = "scale it, or ask for resizing",
) -> Pixels:
    """Reads one image.

    Args:
        picture: a file, an array or a Pillow image.
        colour: order of the channels that come back, ``"RGB"``, ``"BGR"`` or ``"L"``.
        size: (H, W) of the network's input; None where it may be any, and that of the image stays.
        resize: bring another size to ``size`` as torchvision's ``Resize`` and ``CenterCrop`` do: scaled (bilinear with
            antialiasing) until it just covers it, then cropped around the centre. Otherwise another size is an error,
            since how one scales changes the result.
        name: of the image in errors, where it has a better one than `name_of` knows.
        advice: for the error about another size.

    Returns:
        uint8 [H, W, C].

    Raises:
        PictureError: with the image's name: it cannot be read, is too large, or has another size.
    """
    name = name or name_of(picture)
    if colour not in CHANNELS:
        raise PictureError(f"the colour order {colour!r} is not known; it is one of {', '.join(CHANNELS)}")
    image = _converted(_opened(picture, name), "L" if colour == "L" else "RGB", name)
    height, width = size[0] or image.height, size[1] or image.width
    if image.size != (width, height):
        if not resize:
            raise PictureError(
                f"{name} is {image.width}x{image.height} (width x height), the network takes {width}x{height}; {advice}"
            )
        image = _covered(image, width, height, name)
    pixels = np.asarray(image, np.uint8).reshape(height, width, CHANNELS[colour])
    return np.ascontiguousarray(pixels[..., ::-1] if colour == "BGR" else pixels)


def preprocess(pixels: Sequence[Pixels], preprocessing: Preprocessing, layout: str) -> npt.NDArray[np.float32]:
    """The network's input, by the equation at the top of this module.

    Args:
        pixels: at least one, uint8 [H, W, C] of one size, in the order ``preprocessing.colour``.
        preprocessing: its mean and std hold C values each.
        layout: ``"NCHW"`` or ``"NHWC"``.

    Returns:
        float32 [N, C, H, W] or [N, H, W, C].

    Raises:
        PictureError: mean and std do not fit the images.
    """
    values = np.stack(pixels).astype(np.float32)
    mean, std = (np.asarray(v, np.float32) for v in (preprocessing.mean, preprocessing.std))
    if mean.shape != values.shape[-1:] or std.shape != values.shape[-1:]:
        raise PictureError(
            f"preprocessing has {mean.size} means and {std.size} standard deviations for {values.shape[-1]} channels"
        )
    values /= np.float32(255)
    values -= mean
    values /= std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2) if layout == "NCHW" else values)


def name_of(picture: Picture) -> str:
    """What messages and results call the image: its file's path, else what it is."""
    if isinstance(picture, str | Path):
        return str(picture)
    if isinstance(picture, np.ndarray):
        return f"array {picture.dtype}{list(picture.shape)}"
    return str(getattr(picture, "filename", "") or f"image {picture.mode} {picture.width}x{picture.height}")


def _opened(picture: Picture, name: str) -> Image.Image:
    """The image decoded and upright."""
    if isinstance(picture, np.ndarray):
        return _from_array(picture, name)
    if not isinstance(picture, str | Path):
        try:
            picture.load()  # TIFF's turns the image itself, so orientation is looked at afterwards
        except _DECODING_ERRORS as error:
            raise PictureError(f"{name} is damaged or cut off: {error}") from error
        return _upright(picture)
    path = Path(picture)
    if not path.is_file():
        raise PictureError(f"{name} is {'a folder' if path.is_dir() else 'not there'}; give an image file")
    return decoded(path, name)


def decoded(file: Path | IO[bytes], name: str) -> Image.Image:
    """Decodes an image file, wherever it lies, and turns it upright.

    Args:
        file: its path, or the open file.
        name: of the image in errors.

    Raises:
        PictureError: it cannot be read, or is too large.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        # Pillow warns of large images, where MAX_PIXELS is stricter, and of damage, which decoding then fails at.
        warnings.simplefilter("ignore")
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large(name)
                image.load()
                return _upright(image)
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except UnidentifiedImageError as error:
            raise PictureError(f"{name} is not an image that can be read ({', '.join(FORMATS)})") from error
        except _DECODING_ERRORS as error:
            raise PictureError(f"{name} is damaged or cut off: {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    """A decoded image turned as its EXIF block asks.

    A broken block turns nothing: the pixels are whole, and Pillow, browsers and the demo app show them, too. Pillow's
    own ``exif_transpose`` writes the block again, and fails where any other tag of it is malformed.
    """
    from PIL import ExifTags, Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            orientation = image.getexif().get(ExifTags.Base.Orientation)
        except (*_DECODING_ERRORS, OverflowError, AttributeError):
            orientation = None
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return image.copy() if turn is None else image.transpose(turn)


def _too_large(name: str) -> PictureError:
    return PictureError(
        f"{name} is too large to be decoded safely; scale it to at most {MAX_PIXELS // 1_000_000} megapixels"
    )


def _from_array(array: npt.NDArray[Any], name: str) -> Image.Image:
    from PIL import Image

    grey = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    fits = grey.ndim == 2 or (grey.ndim == 3 and grey.shape[2] in {3, 4})
    if array.dtype != np.uint8 or not fits or not array.size:
        raise PictureError(f"{name} is not an image; give uint8 [height, width, 3], red first, or [height, width]")
    return Image.fromarray(np.ascontiguousarray(grey))


def _converted(image: Image.Image, mode: str, name: str) -> Image.Image:
    """The image in ``mode``, RGB or L."""
    from PIL import Image

    if image.mode == "F":
        raise PictureError(
            f"{name} holds floating-point pixels, whose range is not known; save it with 8 bits a channel"
        )
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise PictureError(f"{name} holds more than 16 bits a pixel; save it with 8 bits a channel")
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    try:
        return image if image.mode == mode else image.convert(mode)
    except ValueError as error:
        raise PictureError(f"{name} has pixels of kind {image.mode}, which cannot become {mode}") from error


def _covered(image: Image.Image, width: int, height: int, name: str) -> Image.Image:
    """Resizes and crops as torchvision's ``Resize`` and ``CenterCrop`` do, until the image just covers the size.

    For a square of side s that is ``Resize(s)``, where the short side becomes s and the long one becomes
    int(s * long / short), and ``CenterCrop(s)``, which begins at round((n - s) / 2), halves to the even number.
    """
    # The side that fits exactly decides; the other one is cut off to a whole number, and is not below the network's.
    wide = image.width * height >= image.height * width
    scaled = (height * image.width // image.height, height) if wide else (width, width * image.height // image.width)
    if scaled[0] * scaled[1] > MAX_PIXELS:
        raise PictureError(
            f"{name} is {image.width}x{image.height} (width x height), too long and narrow to be scaled; crop it first"
        )
    image = _scaled(image, *scaled)
    left, top = round((scaled[0] - width) / 2), round((scaled[1] - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    """Bilinear with antialiasing, in the order of Pillow 13: rows first, columns first where many more rows go.

    The order changes what is rounded in between, and older versions of Pillow always do rows first. One axis at a time
    gives the same bits with every version, and with the demo app's ``BilinearResize``.
    """
    from PIL import Image

    gone = image.height - height
    columns_first = gone > max(0, 2 * (image.width - width))
    middle = (image.width, height) if columns_first else (width, image.height)
    return image.resize(middle, Image.Resampling.BILINEAR).resize((width, height), Image.Resampling.BILINEAR)
