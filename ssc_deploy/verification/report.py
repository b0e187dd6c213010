"""What verification found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from ssc_deploy.verification.divergence import BlockCounts, Divergence
    from ssc_deploy.verification.movement import MovementReport
    from ssc_deploy.verification.tolerance import Error, Tolerance


@dataclass(frozen=True)
class Count:
    """A number of images out of a total.

    Attributes:
        hits: images that are right.
        total: all images.
    """

    hits: int
    total: int

    def __str__(self) -> str:
        return f"{self.hits}/{self.total}"

    def to_dict(self) -> dict[str, int]:
        """The same as JSON."""
        return {"hits": self.hits, "total": self.total}


@dataclass(frozen=True)
class OutputReport:
    """One output of a file against the network's.

    Attributes:
        name: as the network has it.
        float32: the network's own float32 error against itself in float64.
        error: of the file, at the worst of the batch sizes; None if the two cannot be compared.
        tolerance: the bounds of ``error``; None if ``atol`` and ``rtol`` decided instead, or if none follow from the
            network.
    """

    name: str
    float32: Error
    error: Error | None = None
    tolerance: Tolerance | None = None

    @property
    def use(self) -> float:
        """How much of its tolerance the error uses; where there is none, the error itself."""
        if self.error is None:
            return 0.0
        return self.tolerance.use(self.error) if self.tolerance else self.error.max

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "name": self.name,
            **{
                name: None if value is None else value.to_dict()
                for name, value in (("error", self.error), ("float32", self.float32), ("tolerance", self.tolerance))
            },
        }


@dataclass(frozen=True)
class VerifyReport:
    """The comparison of a file with the network it was made from.

    Attributes:
        file: its name.
        runtime: that ran it, e.g. ``"LiteRT"``.
        runtime_version: of that runtime.
        inputs: number of inputs it was run on.
        batches: batch sizes it was run at.
        weights: which weights of a checkpoint the network was loaded with; None if it holds no others, or if it is not
            known.
        outputs: one for each output of the network; none if the two cannot be compared.
        reference: what computed the network in float64, e.g. ``"PyTorch"``.
        float32_reference: what computed it in float32.
        atol: as given; None if not given.
        rtol: as given; None if not given.
        top1: images whose best class is the float64 network's; None if the inputs are not images. It does not
            decide: where the errors are within tolerance, only a tie within that tolerance can turn.
        accuracy: images whose best class is the true one; None if that is not known.
        movements: bit-exactness of shifts and shuffles; None if none were given.
        scales: inputs of other scales on which the file agrees, out of those for which the network has finite values;
            None if the file did not run on any.
        blocks: how many blocks were compared; None if only the output decided.
        first_divergence: the first wrong block, if the file fails and the block could be found.
        failures: a sentence for each reason why the file is wrong; empty if it is right.
    """

    file: str
    runtime: str
    runtime_version: str
    inputs: int
    batches: tuple[int, ...]
    reference: str = "PyTorch"
    float32_reference: str = "PyTorch"
    weights: str | None = None
    outputs: tuple[OutputReport, ...] = ()
    atol: float | None = None
    rtol: float | None = None
    top1: Count | None = None
    accuracy: Count | None = None
    movements: MovementReport | None = None
    scales: Count | None = None
    blocks: BlockCounts | None = None
    first_divergence: Divergence | None = None
    failures: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the file computes what the network computes."""
        return not self.failures and bool(self.outputs) and all(output.error is not None for output in self.outputs)

    @property
    def worst(self) -> OutputReport | None:
        """The output that is worst beside what is allowed; None if nothing could be compared."""
        return max(self.outputs, key=lambda output: output.use, default=None)

    @property
    def error(self) -> Error | None:
        """Of the worst output."""
        return self.worst.error if self.worst else None

    @property
    def float32(self) -> Error | None:
        """Of the worst output; see `OutputReport`."""
        return self.worst.float32 if self.worst else None

    @property
    def tolerance(self) -> Tolerance | None:
        """Of the worst output; see `OutputReport`."""
        return self.worst.tolerance if self.worst else None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        plain = (
            "file",
            "runtime",
            "runtime_version",
            "inputs",
            "reference",
            "float32_reference",
            "weights",
            "atol",
            "rtol",
        )
        nested = (
            "error",
            "float32",
            "tolerance",
            "top1",
            "accuracy",
            "movements",
            "scales",
            "blocks",
            "first_divergence",
        )
        return {
            "schema_version": SCHEMA_VERSION,
            "ok": self.ok,
            **{name: getattr(self, name) for name in (*plain, "atol", "rtol")},
            "batches": list(self.batches),
            **{name: value.to_dict() if (value := getattr(self, name)) is not None else None for name in nested},
            "outputs": [output.to_dict() for output in self.outputs],
            "failures": list(self.failures),
        }

    def __str__(self) -> str:
        """One line for people, and one more for each failure."""
        parts = []
        if self.error is not None and self.float32 is not None:
            own = f"({self.float32_reference} float32's own: {self.float32.max:.1e})"
            several = f" of {self.worst.name}" if self.worst and len(self.outputs) > 1 else ""
            parts.append(f"max error{several} {self.error.max:.1e} {own}")
            if several:
                parts.append(f"{len(self.outputs)} outputs")
        if self.top1 is not None:
            parts.append(f"top-1 agrees on {self.top1} images")
        if self.movements is not None and self.movements.total:
            parts.append(str(self.movements))
        if self.blocks is not None:
            parts.append(str(self.blocks))
        parts.append("OK" if self.ok else "FAILED")
        of = f", {self.weights}" if self.weights else ""
        line = f"{self.runtime} {self.runtime_version} vs {self.reference} float64{of}: {' · '.join(parts)}"
        return "\n".join((line, *self.failures))
