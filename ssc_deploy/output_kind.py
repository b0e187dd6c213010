"""What the numbers mean that a network gives for an image: class scores, probabilities, one value, a map.

The end of the graph tells (`ssc_deploy.output_of_graph`). An exported file says it in its metadata, and whoever shows
outputs to people (`run`, the demo app) makes probabilities of them accordingly:

    scores                       softmax(x); that they are of classes cannot be seen, for an embedding looks the same
    probabilities                x
    log-probabilities            exp(x)
    independent-probabilities    x, each for itself (several labels may be true)
    logit                        sigmoid(x) of the one value; a plain regression looks the same
    probability                  x, the one value
    values, map                  none: x is not a list of classes
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ssc_deploy.storage.records import Matching, Positive

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class OutputKind(enum.StrEnum):
    """See the module."""

    SCORES = "scores"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "log-probabilities"
    INDEPENDENT = "independent-probabilities"
    LOGIT = "logit"
    PROBABILITY = "probability"
    VALUES = "values"
    MAP = "map"


@dataclass(frozen=True)
class Output:
    """The output of a file.

    Attributes:
        kind: a value of `OutputKind`.
        shape: for one image, in the network's own order of axes; empty for one number.
    """

    kind: Annotated[str, Matching("|".join(OutputKind), "kind of output")]
    shape: tuple[Positive, ...]

    @property
    def count(self) -> int:
        """Numbers for one image."""
        return math.prod(self.shape)


def is_list(shape: tuple[int, ...]) -> bool:
    """Whether the output for one image is a list of numbers: at most one axis is longer than 1."""
    return sum(size > 1 for size in shape) <= 1


def probabilities(kind: str, outputs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64] | None:
    """Probabilities of what a network gives.

    Args:
        kind: of `OutputKind`.
        outputs: [N, C].

    Returns:
        [N, C]; None if the outputs are of no classes.
    """
    import numpy as np

    values = outputs.astype(np.float64)
    if kind == OutputKind.SCORES:
        return softmax(values)
    if kind == OutputKind.LOG_PROBABILITIES:
        return np.exp(values)
    if kind == OutputKind.LOGIT:
        small = np.exp(-np.abs(values))  # overflows nowhere
        shares: npt.NDArray[np.float64] = np.where(values < 0, small, 1) / (1 + small)
        return shares
    return None if kind in {OutputKind.VALUES, OutputKind.MAP} else values


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities [N, classes] of ``logits`` [N, classes], in float64."""
    import numpy as np

    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares
