"""How a network is trained: SGD with Nesterov momentum on cross-entropy, and the schedule of the learning rate.

    steps:      rate = lr / 10^(number of drops passed);     a drop is a share of all epochs
    one-cycle:  rate = lr * t / 0.3  while t < 0.3,  lr * (1 + cos(pi * (t - 0.3) / 0.7)) / 2  after that

with t the share of all steps that is done. The rate follows from the step alone, so that a resumed run has no schedule
to restore.
"""

from __future__ import annotations

import enum
import math
from dataclasses import asdict, dataclass
from typing import Any

from ssc_deploy.errors import TrainingError

_WARM = 0.3


class Schedule(enum.StrEnum):
    """The schedule of the learning rate."""

    STEPS = "steps"
    ONE_CYCLE = "one-cycle"


class Precision(enum.StrEnum):
    """Numbers that convolutions compute with; weights, BatchNorm's statistics and the loss stay float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class Recipe:
    """All that, with the data and the network, determines the result of a training.

    Attributes:
        epochs: passes over the data.
        lr: highest learning rate.
        weight_decay: of all parameters.
        schedule: of the learning rate.
        drops: where it is divided by 10, as shares of the epochs, for `Schedule.STEPS`.
        batch: images in each step, over all processes.
        momentum: Nesterov's.
        pad: black pixels around an image, out of which a part of its own size is cropped.
        flip: whether half of the images are mirrored.
        seed: of all random numbers.
        precision: of the convolutions.
    """

    epochs: int
    lr: float
    weight_decay: float
    schedule: Schedule = Schedule.STEPS
    drops: tuple[float, ...] = ()
    batch: int = 128
    momentum: float = 0.9
    pad: int = 4
    flip: bool = True
    seed: int = 0
    precision: Precision = Precision.FLOAT32

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("pad", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise TrainingError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if not 0 < self.lr < math.inf:
            raise TrainingError(f"the learning rate must be above 0, not {self.lr:g}.")

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step.

        Args:
            step: counted over all epochs, from 0.
            steps: of one epoch.
        """
        done = step / (steps * self.epochs)
        if self.schedule is Schedule.STEPS:
            # By whole epochs, as in the paper: the rate never drops within an epoch.
            passed = sum(step // steps >= round(drop * self.epochs) for drop in self.drops)
            return self.lr / 10.0**passed
        if done < _WARM:
            return self.lr * max(done, 1 / (steps * self.epochs)) / _WARM
        return self.lr * (1 + math.cos(math.pi * (done - _WARM) / (1 - _WARM))) / 2

    def to_dict(self) -> dict[str, Any]:
        """In plain values."""
        return asdict(self) | {
            "schedule": self.schedule.value,
            "precision": self.precision.value,
            "drops": list(self.drops),
        }


#: By name. The paper's for CIFAR, the paper's for ImageNet-32, and one for machines that are too slow for 160 epochs.
RECIPES = {
    "paper": Recipe(160, 0.1, 2e-4, drops=(0.5, 0.75)),
    "imagenet-32": Recipe(40, 0.01, 1e-4, drops=(0.25, 0.5, 0.75)),
    "one-cycle": Recipe(20, 0.2, 2e-4, Schedule.ONE_CYCLE),
}
