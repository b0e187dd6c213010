"""The confusion matrix as an image, drawn with Pillow, which the package needs anyway.

Rows are true classes, columns predicted ones. A cell is the darker the larger its share of the row; up to 20 classes
are named and counted, more are a map of pixels alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ssc_deploy.evaluation.scores import Scores

#: Up to as many classes names and counts are written.
NAMED = 20

_CELL, _MARGIN, _FONT = 44, 12, 13
_WHITE, _BLACK, _GREY = (255, 255, 255), (20, 20, 20), (200, 200, 200)
#: Of a share of 1 where the prediction is right, and where it is wrong.
_RIGHT, _WRONG = (20, 100, 60), (170, 40, 30)


def draw(scores: Scores, title: str) -> bytes:
    """A PNG file.

    Args:
        scores: whose confusion matrix it is.
        title: stands above it.
    """
    from PIL import Image, ImageDraw, ImageFont

    count = len(scores.classes)
    named = count <= NAMED
    cell = _CELL if named else max(1, 900 // count)
    font = ImageFont.load_default(_FONT)
    names = max((int(font.getlength(name)) for name in scores.classes), default=0) + _MARGIN if named else 0
    left, top = names + _MARGIN, 2 * _MARGIN + 2 * _FONT + (names if named else 0)
    side = cell * count
    width = max(left + side, left + int(font.getlength(title))) + _MARGIN
    image = Image.new("RGB", (width, top + side + _MARGIN), _WHITE)
    pen = ImageDraw.Draw(image)
    pen.text((left, _MARGIN), title, _BLACK, font)
    pen.text((left, _MARGIN + _FONT + 4), "rows: true class, columns: predicted", _BLACK, font)
    cells = Image.fromarray(_colours(scores)).resize((side, side), Image.Resampling.NEAREST)
    image.paste(cells, (left, top))
    pen.rectangle((left - 1, top - 1, left + side, top + side), outline=_GREY)
    if named:
        shares = _shares(scores)
        for i, name in enumerate(scores.classes):
            pen.text((left - _MARGIN // 2, top + cell * i + cell // 2), name, _BLACK, font, anchor="rm")
            _vertical(image, name, (left + cell * i + cell // 2, top - 4), names)
            for j in range(count):
                middle = (left + cell * j + cell // 2, top + cell * i + cell // 2)
                ink = _WHITE if shares[i, j] > 0.5 else _BLACK
                if scores.confusion[i, j]:
                    pen.text(middle, str(scores.confusion[i, j]), ink, font, anchor="mm")
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _vertical(image: object, name: str, bottom: tuple[int, int], length: int) -> None:
    """Writes a name upwards, ending at ``bottom``."""
    from PIL import Image, ImageDraw, ImageFont

    assert isinstance(image, Image.Image)
    strip = Image.new("RGB", (length, _FONT + 6), _WHITE)
    ImageDraw.Draw(strip).text((0, strip.height // 2), name, _BLACK, ImageFont.load_default(_FONT), anchor="lm")
    turned = strip.rotate(90, expand=True)
    image.paste(turned, (bottom[0] - turned.width // 2, bottom[1] - turned.height))


def _shares(scores: Scores) -> npt.NDArray[np.float64]:
    """Cells as shares of their row; 0 where a row is empty."""
    rows = scores.confusion.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = scores.confusion / np.maximum(rows, 1)
    return shares


def _colours(scores: Scores) -> npt.NDArray[np.uint8]:
    shares = _shares(scores)[..., None]
    full = np.where(np.eye(len(scores.classes), dtype=bool)[..., None], _RIGHT, _WRONG)
    # The root lets rare confusions show.
    colours: npt.NDArray[np.uint8] = (255 + np.sqrt(shares) * (full - 255)).round().astype(np.uint8)
    return colours
