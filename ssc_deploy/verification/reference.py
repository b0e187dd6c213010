"""What a file is compared with: its network in float64. The network in float32 measures the usual error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.orders import Order

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

#: Name of the only output of a network that gives it none, in a reference's blocks as in an exported file.
OUTPUT = "output"

#: Name of the network's input.
INPUT = "input"


class Reference(Protocol):
    """The network that a file must agree with."""

    @property
    def title(self) -> str:
        """The program that computes it in float64, e.g. ``"PyTorch"``."""
        ...

    @property
    def float32_title(self) -> str:
        """The program that computes it in float32."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Of its outputs."""
        ...

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """Runs the network in float64; returns each of its outputs, [N, ...] for N examples."""
        ...

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """Runs the network in float32; the distance of these from `outputs` is what float32 costs."""
        ...

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """Runs one and the same instance of the network in float64 on one input after the other, each in one run.

        Its state is not restored between them, so that a network that keeps state is found.
        """
        ...

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """Names of all blocks that run on one example, without the outputs; see `float32_blocks`."""
        ...

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """What blocks return for ``x`` in float32, in the order in which their calls end, the innermost first.

        A block is one call of one module. Its name is the module's path; calls after the first are ``path@1``,
        ``path@2`` ...; the outputs of the root have `names`. Blocks that return something else than one tensor are left
        out.

        Args:
            x: few examples, that one run takes: the values of all blocks are in memory at once.
            names: of the blocks to keep; others may be among them.
        """
        ...

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """Hands what the same blocks return in float64 to ``visit(name, value)``, in the same order, one by one.

        They are not kept, since all together would take more memory than all else in verification.
        """
        ...

    def other_orders(self, x: Examples) -> dict[Order, Reference]:
        """The same network with float32 that adds in other orders; only those that make a difference, see `orders`.

        Args:
            x: all examples that the file is compared on; the first ones run.
        """
        ...


class Remembered:
    """A reference that runs its network once on the same inputs, for any number of files."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        # By the object itself: a copy is not worth the comparison of all its values.
        self._exact: list[tuple[Examples, tuple[Float64, ...]]] = []
        self._float32: list[tuple[Examples, tuple[Float32, ...]]] = []
        self._blocks: tuple[str, ...] | None = None
        self._orders: tuple[Examples, dict[Order, Reference]] | None = None
        self.title, self.float32_title = reference.title, reference.float32_title

    @property
    def names(self) -> tuple[str, ...]:
        """See `Reference.names`."""
        return self._reference.names

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """See `Reference.outputs`."""
        for given, output in self._exact:
            if given is x:
                return output
        self._exact.append((x, self._reference.outputs(x)))
        return self._exact[-1][1]

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """See `Reference.float32_outputs`."""
        for given, output in self._float32:
            if given is x:
                return output
        self._float32.append((x, self._reference.float32_outputs(x)))
        return self._float32[-1][1]

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """See `Reference.in_turn`; not cached, since the repeated runs matter."""
        return self._reference.in_turn(inputs)

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """See `Reference.block_names`; they do not depend on the values of ``x``."""
        if self._blocks is None:
            self._blocks = self._reference.block_names(x)
        return self._blocks

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """See `Reference.float32_blocks`; not cached, since all blocks together are large."""
        return self._reference.float32_blocks(x, names)

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """See `Reference.visit_blocks`."""
        self._reference.visit_blocks(x, names, visit)

    def other_orders(self, x: Examples) -> dict[Order, Reference]:
        """See `Reference.other_orders`; they remember, too, for the next file that is wrong."""
        if self._orders is None or self._orders[0] is not x:
            found = self._reference.other_orders(x)
            self._orders = x, {order: Remembered(other) for order, other in found.items()}
        return self._orders[1]
