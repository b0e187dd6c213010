"""The result of an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.emit.onnx_simplify import SimplifyReport
    from ssc_deploy.exporting.excluding import Excluded
    from ssc_deploy.exporting.formats import Format
    from ssc_deploy.lower.report import LowerReport
    from ssc_deploy.rewrite import RewriteReport
    from ssc_deploy.verification import VerifyReport
    from ssc_deploy.verification.quantized import QuantizedReport


@dataclass(frozen=True)
class ExportedFile:
    """One file that was written, and the report that it is right.

    Attributes:
        path: of the file.
        format: of the file.
        size: in bytes.
        operators: number of operators in the file.
        lowering: what carries out each shift, shuffle and dense product.
        verification: comparison of the file, as its runtime runs it, with the network in float64.
        simplification: what onnxsim could still simplify; None for TFLite.
    """

    path: Path
    format: Format
    size: int
    operators: int
    lowering: LowerReport
    verification: VerifyReport | QuantizedReport
    simplification: SimplifyReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "path": str(self.path),
            "format": self.format.value,
            "size": self.size,
            "operators": self.operators,
            "lowering": self.lowering.to_dict(),
            "verification": self.verification.to_dict(),
            "simplification": self.simplification.to_dict() if self.simplification else None,
        }


@dataclass(frozen=True)
class FailedFormat:
    """A format that was not written, where the others are kept.

    Attributes:
        format: that was asked for.
        reason: a sentence.
        exit_code: of the command line, for this alone.
    """

    format: Format
    reason: str
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"format": self.format.value, "reason": self.reason}


@dataclass(frozen=True)
class ExportResult:
    """What `export` did.

    Attributes:
        network: display name.
        source_sha256: of the checkpoint.
        captured_nodes: nodes of the graph as captured.
        rewrite: what was recognised, and what was left as it was.
        files: the files, in the order of the formats that were given.
        golden: path of the golden set, inputs with the network's outputs; see `ssc_deploy.golden`.
        golden_pictures: number of its inputs.
        failed: the formats that were not written, where ``keep_going`` kept the others.
        excluded: blocks of a quantised export that stay in float32 so that not too much accuracy is lost; None if it
            was not necessary.
    """

    network: str
    source_sha256: str
    captured_nodes: int
    rewrite: RewriteReport
    files: tuple[ExportedFile, ...]
    golden: Path
    golden_pictures: int
    failed: tuple[FailedFormat, ...] = ()
    excluded: Excluded | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "network": self.network,
            "source_sha256": self.source_sha256,
            "captured_nodes": self.captured_nodes,
            "rewrite": self.rewrite.to_dict(),
            "files": [file.to_dict() for file in self.files],
            "golden": {"path": str(self.golden), "pictures": self.golden_pictures},
            "failed": [failed.to_dict() for failed in self.failed],
            "excluded": self.excluded.to_dict() if self.excluded else None,
        }
