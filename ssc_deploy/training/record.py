"""The result of each epoch: lines of JSON, and the curves as an image."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import ImageDraw

_WIDTH, _HEIGHT, _MARGIN, _FONT = 900, 300, 46, 13
_BLACK, _GREY, _BLUE, _RED = (20, 20, 20), (215, 215, 215), (30, 90, 180), (190, 60, 30)


@dataclass(frozen=True)
class Record:
    """One epoch.

    Attributes:
        epoch: from 1.
        rate: learning rate of its last step.
        loss: mean over the training images during the epoch.
        accuracy: on the same images, 0..1.
        test_accuracy: after the epoch; None without test images.
        seconds: that it took, without the test.
    """

    epoch: int
    rate: float
    loss: float
    accuracy: float
    test_accuracy: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


def lines(records: Sequence[Record]) -> bytes:
    """One JSON object on each line."""
    return "".join(json.dumps(record.to_dict()) + "\n" for record in records).encode()


def curve(records: Sequence[Record], title: str) -> bytes:
    """Accuracy and loss over the epochs, as a PNG file; at least one record."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (_WIDTH, 2 * _HEIGHT), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    tested = [record for record in records if record.test_accuracy is not None]
    top = max(record.loss for record in records) or 1.0
    last = records[-1].epoch
    _panel(pen, 0, f"{title}: accuracy (training blue, test red)", 1.0, last)
    _line(pen, 0, records, lambda record: record.accuracy, colour=_BLUE, highest=1.0)
    _line(pen, 0, tested, lambda record: record.test_accuracy or 0.0, colour=_RED, highest=1.0)
    _panel(pen, _HEIGHT, "loss (training)", top, last)
    _line(pen, _HEIGHT, records, lambda record: record.loss, colour=_BLUE, highest=top)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _panel(pen: ImageDraw.ImageDraw, top: int, title: str, highest: float, last: int) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(_FONT)
    pen.text((_MARGIN, top + 10), title, _BLACK, font)
    for part in range(5):
        y = top + _HEIGHT - _MARGIN - part * (_HEIGHT - 2 * _MARGIN) // 4
        pen.line((_MARGIN, y, _WIDTH - _MARGIN, y), _GREY)
        pen.text((_MARGIN - 6, y), f"{highest * part / 4:.2f}", _BLACK, font, anchor="rm")
    pen.text((_MARGIN, top + _HEIGHT - _MARGIN + 6), "1", _BLACK, font)
    pen.text((_WIDTH - _MARGIN, top + _HEIGHT - _MARGIN + 6), f"epoch {last}", _BLACK, font, anchor="ra")


def _line(
    pen: ImageDraw.ImageDraw,
    top: int,
    records: Sequence[Record],
    value: Callable[[Record], float],
    *,
    colour: tuple[int, int, int],
    highest: float,
) -> None:
    last = records[-1].epoch if records else 1
    points = [
        (
            _MARGIN + (record.epoch - 1) * (_WIDTH - 2 * _MARGIN) / max(last - 1, 1),
            top + _HEIGHT - _MARGIN - value(record) / highest * (_HEIGHT - 2 * _MARGIN),
        )
        for record in records
    ]
    for x, y in points:
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    if len(points) > 1:
        pen.line(points, colour, 2)
