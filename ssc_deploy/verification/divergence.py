"""Where a file leaves the network: the first block whose values are further off than float32 explains.

A tensor of a file that is named after a block must hold what the block returns. Comparing these finds faults that
hardly show in the output, and says of a visible one where it arises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.verification import intermediate
from ssc_deploy.verification.reference import OUTPUT
from ssc_deploy.verification.tolerance import Error, Own, Tolerance, error_of, own_error

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.verification.reference import Float32, Float64, Reference


@dataclass(frozen=True)
class BlockError:
    """One block of the file against the same of the network.

    Attributes:
        name: path of the module; ``output`` is the whole network.
        error: of the file's values.
        own: the network's own float32 error in this block.
    """

    name: str
    error: Error
    own: Own

    @property
    def tolerance(self) -> Tolerance | None:
        """What ``error`` must stay within; None where none follows from the network, and so nothing passes."""
        return self.own.tolerance

    @property
    def ok(self) -> bool:
        """Whether the block's values are within the tolerance."""
        return self.tolerance is not None and self.tolerance.allows(self.error)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        tolerance = self.tolerance and self.tolerance.to_dict()
        return {"name": self.name, "error": self.error.to_dict(), "tolerance": tolerance}


@dataclass(frozen=True)
class Divergence:
    """The first block that is wrong, in order of execution.

    Attributes:
        block: it.
        last_good: the last block before it that is right; None where it is the first that the file names.
    """

    block: BlockError
    last_good: BlockError | None

    def __str__(self) -> str:
        """A sentence."""
        block, before, bound = self.block, self.last_good, self.block.tolerance
        if bound is None:
            return f"the network itself {block.own.objection(f'block {block.name}')}"
        good = f"{before.name} before it is right ({before.error.max:.2e})" if before else "none before it is right"
        return (
            f"the file leaves the network first in {block.name}: max {block.error.max:.2e} "
            f"(allowed {bound.max:.2e}), rms {block.error.rms:.2e} "
            f"(allowed {bound.rms:.2e}); {good}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"block": self.block.to_dict(), "last_good": self.last_good and self.last_good.to_dict()}


def first(path: Path, reference: Reference, x: Float32, batch: int | None = None) -> Divergence | None:
    """Compares the blocks that both the file and the reference name, and whose shapes agree.

    Args:
        path: the file.
        reference: the network.
        x: [N, C, H, W], few pictures: the values of all blocks are in memory at once.
        batch: pictures at once, where the file takes any number.

    Returns:
        the first block that is wrong; None where each is right, at least as long as somebody looks at it: a runtime
        optimises less where intermediate values are asked for.
    """
    last_good = None
    for block in compare(path, reference, x, batch):
        if not block.ok:
            return Divergence(block, last_good)
        last_good = block
    return None


def compare(path: Path, reference: Reference, x: Float32, batch: int | None = None) -> list[BlockError]:
    """All blocks that both name, in the order in which the reference completes them (see `first`)."""
    there = intermediate.names(path)
    float32 = reference.float32_blocks(x, there | {OUTPUT})
    values = intermediate.values(path, there & float32.keys(), x, batch)
    # The file's first output is the network's, whatever its name.
    values.setdefault(OUTPUT, next(iter(values.values())))
    compared: list[BlockError] = []

    def visit(name: str, exact: Float64) -> None:
        # Each block is dropped when it has been compared.
        own, value = float32.pop(name, None), values.pop(name, None)
        if own is not None and value is not None and own.shape == value.shape == exact.shape:
            compared.append(BlockError(name, error_of(value, exact), own_error(own, exact)))

    reference.visit_blocks(x, frozenset(values), visit)
    return compared
