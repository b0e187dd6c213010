"""The table of ONNX operators that can be planned, and the decorator that fills it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ssc_deploy.lower.refusal import RefusedError, where

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.native.planner import Planner

#: Plans one node.
Planned = Callable[["Planner", "ir.Node"], None]

OPERATORS: dict[str, Planned] = {}


def operator(*op_types: str) -> Callable[[Planned], Planned]:
    """Decorates the function that plans the operators ``op_types``."""

    def add(function: Planned) -> Planned:
        for op_type in op_types:
            if op_type in OPERATORS:
                raise KeyError(f"operator {op_type} is registered twice")
            OPERATORS[op_type] = function
        return function

    return add


def refuse(node: ir.Node, reason: str) -> RefusedError:
    """The error to raise for ``node``; ``reason`` completes "... cannot write X: "."""
    return RefusedError(node, reason, "the C engine", f"the C engine cannot write {where(node)}: {reason}.")
