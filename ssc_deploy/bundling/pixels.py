"""From a network's input back to the image it was made of, exactly or not at all.

A channel of an 8-bit image has 256 values, and `ssc_deploy.pictures.preprocess` makes one float32 of each. Where
every value of an input is one of those, the image is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy import pictures

if TYPE_CHECKING:
    from ssc_deploy.metadata import Preprocessing


def recovered(inputs: npt.NDArray[np.float32], preprocessing: Preprocessing) -> npt.NDArray[np.uint8] | None:
    """The images that preprocessing turns into these inputs, bit for bit.

    Args:
        inputs: [N, C, H, W].
        preprocessing: with C means and standard deviations.

    Returns:
        [N, H, W, C]; None if they come from no 8-bit images.
    """
    channels = inputs.shape[1]
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 1, channels))
    values = pictures.preprocess([ramp], preprocessing, "NHWC")[0, :, 0, :]  # [256, C], rising in each channel
    pixels = np.empty(inputs.transpose(0, 2, 3, 1).shape, np.uint8)
    for channel in range(channels):
        wanted = inputs[:, channel]
        # In float32 two pixels may give one value; any of them gives the input again.
        places = np.searchsorted(values[:, channel], wanted).clip(max=255)
        if not np.array_equal(values[places, channel], wanted):
            return None
        pixels[..., channel] = places
    return pixels
