"""What a check of a bundle found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.verification import Count, Error, Tolerance


@dataclass(frozen=True)
class ModelCheck:
    """One file of a bundle, as its runtime ran it on the golden images.

    Attributes:
        file: its path in the bundle.
        runtime: that ran it, with its version.
        error: of its outputs, all together.
        tolerance: what the error must stay within.
        top1: images of which the best class is the reference's.
    """

    file: str
    runtime: str
    error: Error
    tolerance: Tolerance
    top1: Count

    @property
    def ok(self) -> bool:
        """Whether the error stays within the tolerance."""
        return self.tolerance.allows(self.error)

    def __str__(self) -> str:
        """In a line: ``ONNX Runtime 1.32.0: max 6.00e-06 (allowed 9.10e-05), rms ...``."""
        return (
            f"{self.runtime}: {self.tolerance.compared(self.error)} · top-1 agrees on {self.top1} images · "
            f"{'OK' if self.ok else 'WRONG'}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "file": self.file,
            "runtime": self.runtime,
            "error": self.error.to_dict(),
            "tolerance": self.tolerance.to_dict(),
            "top1": vars(self.top1),
            "ok": self.ok,
        }


@dataclass(frozen=True)
class BlocksCheck:
    """The debug model's blocks against those of the network, on one image.

    Attributes:
        file: the debug model.
        blocks: how many were compared.
        agree: how many of them are within their bounds.
        diverging: the first that is not, in order of execution, as a sentence; None if all are.
    """

    file: str
    blocks: int
    agree: int
    diverging: str | None = None

    @property
    def ok(self) -> bool:
        """Whether all blocks agree."""
        return self.diverging is None

    def __str__(self) -> str:
        """In a line."""
        verdict = "OK" if self.diverging is None else f"{self.diverging} · WRONG"
        return f"{self.agree} of {self.blocks} blocks agree · {verdict}"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {**vars(self), "ok": self.ok}


@dataclass(frozen=True)
class BundleReport:
    """A bundle, replayed from nothing but itself.

    Attributes:
        path: of the bundle.
        name: of the network.
        size: of all files of the bundle together, in bytes.
        pictures: golden images.
        misfits: images that preprocessing does not turn into the golden inputs, bit for bit, each in a sentence.
        models: one for each file of the network.
        blocks: None if the bundle was made without ``debug``.
    """

    path: Path
    name: str
    size: int
    pictures: int
    misfits: tuple[str, ...]
    models: tuple[ModelCheck, ...]
    blocks: BlocksCheck | None = None

    @property
    def ok(self) -> bool:
        """Whether everything is right."""
        right = all(model.ok for model in self.models) and (self.blocks is None or self.blocks.ok)
        return right and bool(self.models) and not self.misfits

    @property
    def failures(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        wrong = [f"{model.file} leaves its tolerance on {model}" for model in self.models if not model.ok]
        if self.blocks is not None and not self.blocks.ok:
            wrong.append(f"{self.blocks.file}: {self.blocks.diverging}")
        return (*self.misfits, *wrong)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "path": str(self.path),
            "name": self.name,
            "size": self.size,
            "pictures": self.pictures,
            "misfits": list(self.misfits),
            "models": [model.to_dict() for model in self.models],
            "blocks": self.blocks and self.blocks.to_dict(),
            "ok": self.ok,
        }
