"""The first block where a file differs from the network by more than float32 explains.

A tensor of a file that has the name of a block must hold what the block returns. Comparing these values finds errors
that are hardly visible in the output. For a visible error it shows where it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.verification import intermediate, ranges
from ssc_deploy.verification.tolerance import Error, Own, Tolerance, error_of, own_error, pooled, pooled_own

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.ranges import Slices
    from ssc_deploy.verification.reference import Float32, Float64, Reference

#: Input values for which the values of all blocks are in memory at once: two images of 32 x 32.
_VALUES_AT_ONCE = 2 * 3 * 32 * 32


@dataclass(frozen=True)
class BlockError:
    """One block of the file, compared with the same block of the network.

    Attributes:
        name: path of the module; ``output`` is the whole network.
        error: of the file's values.
        own: the network's own float32 error in this block. The errors of its slices are left out if the block is right
            whatever they are (`ranges.always_within`).
    """

    name: str
    error: Error
    own: Own

    @property
    def tolerance(self) -> Tolerance | None:
        """The tolerance of ``error``; None if none follows from the network. Then no file passes."""
        return self.own.tolerance

    @property
    def ok(self) -> bool:
        """Whether the block's values are within the tolerance."""
        return self.tolerance is not None and self.tolerance.allows(self.error)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        tolerance = self.tolerance and self.tolerance.to_dict()
        return {"name": self.name, "error": self.error.to_dict(), "tolerance": tolerance}


@dataclass(frozen=True)
class Divergence:
    """The first block that is wrong, in order of execution.

    Attributes:
        block: the first wrong block.
        last_good: the last block before it that is right; None if it is the first block that the file names.
    """

    block: BlockError
    last_good: BlockError | None

    def __str__(self) -> str:
        """A sentence."""
        block, before, bound = self.block, self.last_good, self.block.tolerance
        if bound is None:
            return f"the network itself {block.own.objection(f'block {block.name}')}"
        good = f"{before.name} before it is right ({before.error.max:.2e})" if before else "none before it is right"
        return f"the file leaves the network first in {block.name}: {bound.compared(block.error)}; {good}"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"block": self.block.to_dict(), "last_good": self.last_good and self.last_good.to_dict()}


@dataclass(frozen=True)
class Comparison:
    """The blocks of a file, compared with those of the network.

    Attributes:
        blocks: those that both have, with equal shapes, in the order in which the network completes them; its outputs
            are the last.
        total: number of blocks of the network, its outputs apart.
        outputs: names of these.
    """

    blocks: tuple[BlockError, ...]
    total: int
    outputs: tuple[str, ...]

    @property
    def first(self) -> Divergence | None:
        """The first block that is wrong; None if all are right.

        A runtime optimises less when intermediate values are read, so a block may be wrong only when it is not read.
        """
        for i, block in enumerate(self.blocks):
            if not block.ok:
                return Divergence(block, self.blocks[i - 1] if i else None)
        return None

    @property
    def counts(self) -> BlockCounts:
        """How many were compared."""
        inner = [block for block in self.blocks if block.name not in self.outputs]
        return BlockCounts(self.total, len(inner), sum(block.ok for block in inner))


@dataclass(frozen=True)
class BlockCounts:
    """How many blocks of the network were found in the file.

    Attributes:
        total: blocks of the network, without its output. A file has no values of its own for many of them: containers
            of other blocks, folded BN, dropout.
        compared: blocks that the file names.
        agree: compared blocks that are right.
    """

    total: int
    compared: int
    agree: int

    def to_dict(self) -> dict[str, int]:
        """The same as JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        """In short: ``58 blocks agree``."""
        if not self.compared:
            return f"none of {self.total} blocks compared: the file does not name them"
        blocks = f"{self.compared} block{'s' * (self.compared != 1)}"
        return f"{blocks} agree" if self.agree == self.compared else f"{self.agree} of {blocks} agree"


def compare(file: intermediate.Inside, reference: Reference, x: Examples, batch: int | None = None) -> Comparison:
    """Compares the blocks that both the file and the reference have, with equal shapes.

    Args:
        file: the file.
        reference: the network.
        x: the values of all blocks of a few of them are in memory at once, not of all.
        batch: examples at once, where the file takes any number.
    """
    names = reference.block_names(x[:1])
    wanted = file.names & {*names}
    opened = intermediate.Opened(file, wanted, batch)
    # The file's outputs are the network's in their order, whatever their names.
    holders = dict(zip(reference.names, opened.outputs, strict=True))
    given = file.between_zero_and_one
    unit = (given - {*holders}) | {name for name, holder in holders.items() if holder in given}
    at_once = max(batch or 1, _VALUES_AT_ONCE // x.size, 1) if x.rows else 1
    parts = [x[start : start + at_once] for start in range(0, len(x), at_once)]
    found = _compare(opened, reference, parts, {*wanted, *holders}, unit, slices=False)
    # The bounds of slices take as long as everything else, and nearly every file is right without them.
    unclear = {name for name, compared in found.items() if not compared.is_right}
    if unclear:
        found |= _compare(opened, reference, parts, unclear, unit, slices=True)
    return Comparison(
        tuple(found[name].block for name in (*names, *holders) if name in found), len(names), reference.names
    )


@dataclass(frozen=True)
class _Compared:
    """A block, and the largest absolute value of each of its slices, along axis 1, 2 ..."""

    block: BlockError
    scales: tuple[Slices, ...]

    @property
    def is_right(self) -> bool:
        """Whether the block is within its bounds, whatever the bounds of its slices are."""
        error, own = self.block.error, self.block.own
        scale = max(own.scale, own.range)
        return self.block.ok and ranges.always_within(error.axes, own.error.axes, self.scales, scale)


def _compare(
    opened: intermediate.Opened,
    reference: Reference,
    parts: Sequence[Examples],
    names: Collection[str],
    unit: Collection[str],
    *,
    slices: bool,
) -> dict[str, _Compared]:
    """Compares blocks, a few images at a time.

    Args:
        opened: the file.
        reference: the network.
        parts: what one run takes, each.
        names: of the blocks.
        unit: names of blocks whose output is that of a sigmoid or a softmax.
        slices: whether the bounds of slices are computed.
    """
    seen: dict[str, list[tuple[Error, Own, tuple[Slices, ...], int]]] = {}
    for x in parts:
        values = opened.values(x)
        outputs = {name: values[holder] for name, holder in zip(reference.names, opened.outputs, strict=True)}
        values = {**values, **outputs}
        values = {name: value for name, value in values.items() if name in names}
        float32 = reference.float32_blocks(x, values.keys())

        def visit(
            name: str, exact: Float64, values: dict[str, Float32] = values, float32: dict[str, Float32] = float32
        ) -> None:
            # Each block is removed from memory when it has been compared.
            own, value = float32.pop(name, None), values.pop(name, None)
            value = None if value is None else intermediate.as_picture(value, exact.shape)
            if value is not None and value.dtype.kind != "f":
                return  # whole numbers are right or wrong as an output; see `whole_numbers`
            if own is None or value is None or not own.shape == value.shape == exact.shape:
                return
            # Values agree if all three are the same infinity. Masks and margins before a maximum hold infinity.
            same = np.isinf(exact) & (own == exact) & (value == exact)
            if same.any():
                exact, own, value = (np.where(same, 0, array) for array in (exact, own, value))
            measured = own_error(own, exact, unit=name in unit, slices=slices)
            scales = ranges.along_axes(np.abs(exact)) if exact.size else ()
            seen.setdefault(name, []).append((error_of(value, exact), measured, scales, exact.size))

        reference.visit_blocks(x, frozenset(values), visit)
    return {name: _joined(name, found) for name, found in seen.items()}


def _joined(name: str, parts: Sequence[tuple[Error, Own, tuple[Slices, ...], int]]) -> _Compared:
    errors, owns, scales, sizes = zip(*parts, strict=True)
    block = BlockError(name, pooled(errors, sizes), pooled_own(owns, sizes))
    return _Compared(block, tuple(np.maximum.reduce(along) for along in zip(*scales, strict=True)))
