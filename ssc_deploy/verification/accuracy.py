"""What a change of a network costs in accuracy: both are asked about the same images of known classes.

With n images, of which the first network alone is right on b and the second alone on c, the change is (c - b) / n, and
its standard error is that of a paired difference:

    sqrt(b + c - (b - c)^2 / n) / n

Whether b and c differ by more than chance is McNemar's exact test: both are drawn from a binomial distribution of b + c
trials and probability 1/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Standard errors of a 95 % interval.
_Z = 1.959964


@dataclass(frozen=True)
class Accuracy:
    """Two networks on the same images.

    Attributes:
        images: of known classes.
        before: of these, those that the first network has right.
        after: those that the second has right.
        lost: those that the first alone has right.
        won: those that the second alone has right.
    """

    images: int
    before: int
    after: int
    lost: int
    won: int

    @property
    def drop(self) -> float:
        """Points of top-1 accuracy, in percent, that the second has less."""
        return 100 * (self.before - self.after) / self.images

    @property
    def interval(self) -> float:
        """Half of the 95 % interval of `drop`, in points."""
        differing = self.lost + self.won
        return 100 * _Z * math.sqrt(max(differing - (self.lost - self.won) ** 2 / self.images, 0.0)) / self.images

    @property
    def chance(self) -> float:
        """Probability of a difference as large or larger, if both were equally good (McNemar, exact, two-sided)."""
        differing, fewer = self.lost + self.won, min(self.lost, self.won)
        below = sum(math.comb(differing, i) for i in range(fewer + 1))
        return float(min(1.0, 2 * below / 2**differing))

    def __str__(self) -> str:
        one, other = (100 * hits / self.images for hits in (self.after, self.before))
        change = f"{-self.drop:+.1f} ± {self.interval:.1f}"
        return f"top-1 {one:.1f} % against {other:.1f} % of float32 on {self.images:,} images ({change})"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            **{name: getattr(self, name) for name in ("images", "before", "after", "lost", "won")},
            **{name: getattr(self, name) for name in ("drop", "interval", "chance")},
        }


def compared(
    before: npt.NDArray[np.floating[Any]], after: npt.NDArray[np.floating[Any]], classes: npt.NDArray[np.int64]
) -> Accuracy:
    """Compares the outputs [N, classes] of two networks on N images of known classes."""
    one, other = before.argmax(1) == classes, after.argmax(1) == classes
    return Accuracy(
        len(classes), int(one.sum()), int(other.sum()), int((one & ~other).sum()), int((other & ~one).sum())
    )
