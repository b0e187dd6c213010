"""Names of classes: how they are read from a text file, and whether they are of the network's outputs.

One rule for all places that labels come from: a file given by hand, a card, a checkpoint, an exported file, a caller.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ssc_deploy.errors import LabelsError, shown
from ssc_deploy.output_kind import is_list

if TYPE_CHECKING:
    from collections.abc import Sequence

_BYTE_ORDER_MARK = "\ufeff"

#: What a terminal obeys instead of showing it.
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")


def parse(text: str, name: str) -> tuple[str, ...]:
    """Class names, one for each line, in the order of the outputs.

    A byte order mark at the start, which Windows writes, is not a part of the first name; line ends are those of any
    system; space around a name and blank lines at the end count for nothing. A blank line before a name is refused:
    whether it stands for a class without a name, or for nothing, changes all names after it.

    Args:
        text: of the file.
        name: of the file, for errors.

    Raises:
        LabelsError: there is no name, a line before the last name is blank, or a name holds control characters.
    """
    lines = text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    names = [line.strip(" \t") for line in lines]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise LabelsError(f"{name} holds no labels; write the name of one class on each line")
    for number, label in enumerate(names, 1):
        if not label:
            raise LabelsError(
                f"line {number} of {name} is blank, and there are names below it; remove the line, or name the class"
            )
        if _CONTROL.search(label):
            raise LabelsError(f"line {number} of {name} holds control characters; give a name of printable ones")
    return tuple(names)


def checked(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels that a caller gives.

    Raises:
        LabelsError: they are not a list of texts.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise LabelsError("labels must be a list of names, one for each output in their order")
    return tuple(labels)


def outputs_of(shape: tuple[int, ...]) -> int:
    """How many labels an output of that shape for one image has: of a map [C, H, W], one for each channel."""
    return math.prod(shape) if is_list(shape) else shape[0]


def check(labels: Sequence[str], outputs: int, where: str) -> None:
    """Refuses labels of another number than the outputs, for which each name would be printed for another class.

    Names may be alike, as two of ImageNet's are.

    Args:
        labels: none at all are right for any network.
        outputs: of the network.
        where: the labels come from, e.g. the file that lists them; errors begin with it.

    Raises:
        LabelsError: there are too many or too few, or one is blank or holds control characters.
    """
    for index, label in enumerate(labels):
        if not label.strip() or _CONTROL.search(label):
            what = "holds control characters" if label.strip() else "is blank"
            raise LabelsError(f"label {index} of {where}, {shown(label)!r}, {what}; give a name of printable ones")
    if labels and len(labels) != outputs:
        raise LabelsError(
            f"{where} lists {_counted(len(labels), 'label')}, the network has {_counted(outputs, 'output')}; give one "
            "label for each output, in their order"
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
