"""Pad, crop and flip a whole batch at once, by three index arrays instead of a loop over images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ssc_deploy.data.dataset import Pixels
    from ssc_deploy.training.recipe import Recipe


def augmented(pixels: Pixels, recipe: Recipe, rng: np.random.Generator, part: slice = slice(None)) -> Pixels:
    """Moves each image by up to ``recipe.pad`` pixels, with black borders, and mirrors some.

    Args:
        pixels: uint8 [N, H, W, C].
        recipe: how to augment.
        rng: draws for all N images, so that the result for an image does not depend on the process that computes it.
        part: of the batch that is returned.

    Returns:
        uint8 [n, H, W, C].
    """
    count, height, width, _ = pixels.shape
    top = rng.integers(0, 2 * recipe.pad + 1, (count,))[part]
    left = rng.integers(0, 2 * recipe.pad + 1, (count,))[part]
    mirrored = rng.integers(0, 2, (count,))[part].astype(bool) & recipe.flip
    own = pixels[part]
    padded = np.pad(own, ((0, 0), (recipe.pad, recipe.pad), (recipe.pad, recipe.pad), (0, 0)))
    rows = top[:, None] + np.arange(height)
    across = np.where(mirrored[:, None], np.arange(width)[::-1], np.arange(width))
    columns = left[:, None] + across
    which = np.arange(len(own))
    cropped: Pixels = padded[which[:, None, None], rows[:, :, None], columns[:, None, :]]
    return cropped
