"""Which tensors hold the values of a plan, while a file is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.emit.tflite.order import FLOAT, Stored
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize import places

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.quantize.grid import Grid
    from ssc_deploy.quantize.plan import Plan


class Planned:
    """Notes the grid of each tensor that is written.

    Args:
        plan: of the file; None for a file of float32, in which no tensor has a grid.
        names: of the graph's values.
    """

    def __init__(self, plan: Plan | None, names: frozenset[str]) -> None:
        self._plan, self._names = plan, names
        self._of: dict[int, tuple[Grid | None, ir.Value]] = {}

    @property
    def grids(self) -> dict[int, Grid]:
        """By tensor index, the grids of those that have one."""
        return {tensor: grid for tensor, (grid, _) in self._of.items() if grid is not None}

    def has_grid(self, value: ir.Value) -> bool:
        """Whether the plan has a grid for the value."""
        return self._grid(value) is not None

    def has_integer_kernel(self, node: ir.Node) -> bool:
        """Whether the plan says so of the node."""
        return self._plan is not None and (
            node.op_type in places.WEIGHTED and places.written(node).name in self._plan.kernels
        )

    def needs_a_copy(self, value: ir.Value, stored: Stored) -> bool:
        """Whether its tensor holds another value as well, from which other numbers may be read."""
        if not self._concerns(value, stored):
            return False
        grid = self._grid(value)
        before, holder = self._of.get(stored.tensor, (grid, value))
        return grid is not None and before != grid and (before is not None or not g.used_once(holder))

    def note(self, value: ir.Value, stored: Stored) -> None:
        """Notes that a tensor holds a value."""
        grid = self._grid(value)
        if self._concerns(value, stored) and (grid is not None or self._of.get(stored.tensor, (None,))[0] is None):
            self._of[stored.tensor] = grid, value

    def _concerns(self, value: ir.Value, stored: Stored) -> bool:
        return self._plan is not None and stored.dtype == FLOAT and value.name in self._names

    def _grid(self, value: ir.Value) -> Grid | None:
        return None if self._plan is None else self._plan.grids.get(value.name or "")
