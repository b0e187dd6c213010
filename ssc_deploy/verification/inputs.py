"""What a file is verified on: real pictures where there are some, else seeded noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import pictures
from ssc_deploy.errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.verification.reference import Float32


def golden(paths: Sequence[Path], preprocessing: Preprocessing, input_shape: tuple[int, int, int, int]) -> Float32:
    """The pictures of a card, as the network takes them.

    Args:
        paths: picture files, at least one.
        preprocessing: of the card.
        input_shape: [N, C, H, W]; N is not looked at.

    Returns:
        [len(paths), C, H, W].

    Raises:
        PictureError: none are given, one cannot be read, or has another size.
    """
    if not paths:
        raise PictureError(
            "there are no golden pictures to verify on; put some there, or leave the folder out of the card"
        )
    size = (input_shape[2], input_shape[3])
    return pictures.preprocess([pictures.read(p, preprocessing.colour, size) for p in paths], preprocessing, "NCHW")


def noise(input_shape: tuple[int, int, int, int], count: int = 16, *, seed: int = 0) -> Float32:
    """Independent standard normal values, as normalised pictures have mean 0 and variance 1.

    Args:
        input_shape: [N, C, H, W]; N is not looked at.
        count: pictures.
        seed: the same seed gives the same pictures, on any machine.

    Returns:
        [count, C, H, W].
    """
    return np.random.default_rng(seed).standard_normal((count, *input_shape[1:]), np.float32)
