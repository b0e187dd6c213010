"""What a file is verified on: real pictures where there are some, else seeded noise; and a few of other scales."""

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
    from ssc_deploy.verification.scales import Probes


#: Above 50 e^x leaves float32 soon; 1e4 is more than any input that is not normalised.
_FACTORS = (50, 10_000)


def golden(
    paths: Sequence[Path], preprocessing: Preprocessing, input_shape: tuple[int, int, int, int], *, resize: bool = False
) -> Float32:
    """The pictures of a card, as the network takes them.

    Args:
        paths: picture files, at least one.
        preprocessing: of the card.
        input_shape: [N, C, H, W]; N is not looked at.
        resize: scale pictures of another size, as `pictures.read` does; otherwise such a picture is an error.

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
    advice = "scale it to that, or leave it out of the card's golden images"
    read = [pictures.read(path, preprocessing.colour, size, resize=resize, advice=advice) for path in paths]
    return pictures.preprocess(read, preprocessing, "NCHW")


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


def probes(input_shape: tuple[int, int, int, int], preprocessing: Preprocessing | None = None) -> Probes:
    """Inputs of other scales than `noise`: larger noise, constants, and a ramp from one constant to the other.

    The constants are a black and a white picture: what the preprocessing makes of 0 and 255, or these numbers
    themselves where none is declared.

    Args:
        input_shape: [N, C, H, W]; N is not looked at.
        preprocessing: of the source, of C channels.
    """
    from ssc_deploy.verification.scales import Probes

    shape = (1, *input_shape[1:])
    low, high = np.zeros((1, shape[1], 1, 1)), np.full((1, shape[1], 1, 1), 255.0)
    if preprocessing is not None and len(preprocessing.mean) == shape[1]:
        mean, std = (np.reshape(numbers, (1, -1, 1, 1)) for numbers in (preprocessing.mean, preprocessing.std))
        low, high = (low / 255 - mean) / std, (high / 255 - mean) / std
    # Both rise along the columns and the rows, so that no row and no column is constant.
    share = np.add.outer(np.linspace(0, 0.5, shape[2]), np.linspace(0, 0.5, shape[3]))
    constants = {
        "a black picture": low,
        "a white picture": high,
        "a ramp from black to white": low + share * (high - low),
    }
    found = {
        **{f"noise of {factor} times the usual scale": noise(shape, 1, seed=2) * factor for factor in _FACTORS},
        **constants,
    }
    x = np.concatenate([np.broadcast_to(x, shape).astype(np.float32) for x in found.values()])
    return Probes(tuple(found), x, smooth=frozenset(constants))
