"""Verifies a quantised file: its integers against the plan, and what the plan costs against the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from ssc_deploy.verification.accuracy import Accuracy
    from ssc_deploy.verification.integers import IntegersReport
    from ssc_deploy.verification.report import Count, VerifyReport
    from ssc_deploy.verification.tolerance import Error


@dataclass(frozen=True)
class Noise:
    """Signal to noise of one value, see `noise`.

    Attributes:
        name: of the value.
        decibels: infinite where nothing differs.
    """

    name: str
    decibels: float

    def __str__(self) -> str:
        return f"{self.name} (SQNR {self.decibels:.1f} dB)"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON, which has no infinity."""
        return {"name": self.name, "decibels": self.decibels if math.isfinite(self.decibels) else None}


@dataclass(frozen=True)
class QuantizedReport:
    """The proof of a quantised file.

    Attributes:
        file: its name.
        runtime: that ran it.
        runtime_version: of that runtime.
        images: that its integers were compared on.
        integers: of a file with a plan: each against the plan.
        rounded: of a file that computes in float32: its comparison with the network whose weights are rounded.
        output: noise of the network's output, the worst of several.
        worst: the value with the least signal to noise; None where weights alone are rounded.
        top1: images whose best class is that of the float network; None if the inputs are not images.
        accuracy: on images of known classes; None if there are none.
        errors: of each output, the distance from what the plan gives.
        max_drop: points that may be lost; None for any.
        least: decibels that the output must have: of a file with a plan where no accuracy is measured, of one without
            in any case; None for any.
        plan: whether the file's plan is known; otherwise it is compared with the network alone.
        note: about this host, for people.
    """

    file: str
    runtime: str
    runtime_version: str
    images: int
    integers: IntegersReport | None = None
    rounded: VerifyReport | None = None
    output: Noise | None = None
    worst: Noise | None = None
    top1: Count | None = None
    accuracy: Accuracy | None = None
    errors: tuple[Error, ...] = ()
    max_drop: float | None = None
    least: float | None = None
    plan: bool = True
    note: str = ""

    @property
    def loses_too_much(self) -> bool:
        """Whether more accuracy is lost than is allowed."""
        return self.accuracy is not None and self.max_drop is not None and self.accuracy.drop > self.max_drop

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence for each reason why the file is not written; empty if it is right."""
        found = [*(self.integers.failures if self.integers else ()), *(self.rounded.failures if self.rounded else ())]
        if self.integers is not None and not self.integers.values:
            found.append("the file holds no integers of the plan")
        if self.accuracy is not None and self.loses_too_much:
            found.append(
                f"it loses {self.accuracy.drop:.1f} points of top-1 accuracy, and {self.max_drop or 0:g} are allowed "
                "(`max_drop`); leave blocks in float32 with `exclude`, or give more images to calibrate on"
            )
        asked = self.accuracy is None or not self.plan
        if self.least is not None and asked and self._noise_is_too_large(self.least):
            given = "nothing that can be compared" if self.output is None else f"{self.output.decibels:.1f} dB"
            if not self.plan and self.accuracy is None:
                reason = (
                    f"{self.least:g} dB are asked where no accuracy is measured; give images of known classes with "
                    "`accuracy`"
                )
            elif not self.plan:
                reason = f"{self.least:g} dB are asked; another network of the same accuracy has hardly more than 10"
            else:
                reason = (
                    f"{self.least:g} dB are asked where no accuracy is measured; images of another kind than the "
                    "network's give wrong ranges"
                )
            found.append(f"its output has a signal to noise of {given}, and {reason}")
        return tuple(found)

    def _noise_is_too_large(self, least: float) -> bool:
        # Written so that NaN is too large as well.
        return self.output is None or not self.output.decibels >= least

    @property
    def ok(self) -> bool:
        """Whether the file computes its plan, and the plan costs no more than is allowed."""
        checked = self.integers is not None or self.least is not None or (self.rounded is not None and self.rounded.ok)
        return checked and not self.failures

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        plain = ("file", "runtime", "runtime_version", "images", "max_drop", "least", "plan", "note")
        nested = ("integers", "rounded", "output", "worst", "top1", "accuracy")
        return {
            "schema_version": SCHEMA_VERSION,
            "ok": self.ok,
            **{name: getattr(self, name) for name in plain},
            **{name: value.to_dict() if (value := getattr(self, name)) is not None else None for name in nested},
            "errors": [error.to_dict() for error in self.errors],
            "failures": list(self.failures),
        }

    def __str__(self) -> str:
        """One line for people, and one more for each failure."""
        parts = []
        if self.integers is not None:
            parts.append(f"{self.integers} on {self.images} inputs")
        if self.rounded is not None and self.rounded.error is not None:
            parts.append(f"max error {self.rounded.error.max:.1e} from the network with rounded weights")
        if self.accuracy is not None:
            parts.append(str(self.accuracy))
        elif self.top1 is not None:
            parts.append(f"top-1 as in float32 on {self.top1} images")
        if self.output is not None:
            parts.append(f"output SQNR {self.output.decibels:.1f} dB")
        if self.worst is not None:
            parts.append(f"worst {self.worst}")
        if self.least is not None and not self.plan:
            parts.append(f"quantised: at least {self.least:g} dB are asked")
        elif self.accuracy is None:
            parts.append("accuracy not measured (no images of known classes)")
        parts.append("OK" if self.ok else "FAILED")
        against = "the plan in float64" if self.integers is not None else "the network in float64"
        line = f"{self.runtime} {self.runtime_version} vs {against}: {' · '.join(parts)}"
        return "\n".join((line, *([self.note] if self.note else []), *self.failures))
