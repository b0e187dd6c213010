"""Weights in the order in which the kernels read them; ``native/kernels.h`` describes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def rows(weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Weights [groups, m, k] and bias [groups, m], packed as ``ssc_rows_pack`` does it."""
    parts = []
    for group, offsets in zip(weights, bias, strict=True):
        first = 0
        while first < len(group):
            left = len(group) - first
            height = 6 if left >= 6 else 3 if left >= 3 else 1
            parts += [offsets[first : first + height], group[first : first + height].T.ravel()]
            first += height
    return np.concatenate(parts).astype(np.float32)
