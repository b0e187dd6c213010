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
    """So many of so many.

    Attributes:
        hits: pictures for which something holds.
        total: pictures.
    """

    hits: int
    total: int

    def __str__(self) -> str:
        return f"{self.hits}/{self.total}"

    def to_dict(self) -> dict[str, int]:
        """As JSON has it."""
        return {"hits": self.hits, "total": self.total}


@dataclass(frozen=True)
class OutputReport:
    """One output of a file against the network's.

    Attributes:
        name: as the network has it.
        float32: the network's own float32 error against itself in float64.
        error: of the file, at the worst of the batch sizes; None where the two cannot be compared.
        tolerance: what ``error`` must stay within; None where ``atol`` and ``rtol`` decided instead, or where none
            follows from the network.
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
        """As JSON has it."""
        return {
            "name": self.name,
            **{
                name: None if value is None else value.to_dict()
                for name, value in (("error", self.error), ("float32", self.float32), ("tolerance", self.tolerance))
            },
        }


@dataclass(frozen=True)
class VerifyReport:
    """A file against the network it was made from.

    Attributes:
        file: its name.
        runtime: that ran it, e.g. ``"LiteRT"``.
        runtime_version: of that runtime.
        inputs: number of inputs it was run on.
        batches: batch sizes it was run at.
        weights: which of a checkpoint's weights the network was loaded with; None where it holds no others, or where
            nobody asks.
        outputs: one for each output of the network; none where the two cannot be compared.
        reference: what computed the network in float64, e.g. ``"PyTorch"``.
        float32_reference: what computed it in float32.
        atol: as given, None where not.
        rtol: as given, None where not.
        top1: pictures whose best class is the float64 network's; None where the inputs are no pictures. It does not
            decide: where the errors are within tolerance, only a tie within that tolerance can turn.
        accuracy: pictures whose best class is the true one; None where that is not known.
        movements: bit-exactness of shifts and shuffles; None where none were given.
        scales: inputs of other scales on which the file agrees, of those on which the network computes something
            finite; None where the file was run on none.
        blocks: how many blocks were compared; None where the output alone decided.
        first_divergence: the first wrong block, where the file fails and it could be found.
        failures: a sentence for each reason why the file is wrong; empty where it is right.
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
        """The output that is worst beside what is allowed; None where nothing could be compared."""
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
        """As JSON has it."""
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
        """One line for people, and one more a failure."""
        parts = []
        if self.error is not None and self.float32 is not None:
            own = f"({self.float32_reference} float32's own: {self.float32.max:.1e})"
            several = f" of {self.worst.name}" if self.worst and len(self.outputs) > 1 else ""
            parts.append(f"max error{several} {self.error.max:.1e} {own}")
            if several:
                parts.append(f"{len(self.outputs)} outputs")
        if self.top1 is not None:
            parts.append(f"top-1 agrees on {self.top1} pictures")
        if self.movements is not None and self.movements.total:
            parts.append(str(self.movements))
        if self.blocks is not None:
            parts.append(str(self.blocks))
        parts.append("OK" if self.ok else "FAILED")
        of = f", {self.weights}" if self.weights else ""
        line = f"{self.runtime} {self.runtime_version} vs {self.reference} float64{of}: {' · '.join(parts)}"
        return "\n".join((line, *self.failures))
