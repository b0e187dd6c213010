"""A lowered graph becomes a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower.native import operators  # noqa: F401 - fills the table
from ssc_deploy.lower.native.planner import Planner

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.refusal import RefusedError
    from ssc_deploy.native.plan import Plan


def plan(model: ir.Model) -> Plan:
    """What the engine runs for a graph.

    Args:
        model: a lowered graph of static shapes; it is left as it is.

    Raises:
        UnsupportedOperatorError: operators that have no kernel; the sentence names all, with block and source line.
        EmitError: an input or an output of another type than float32, or a network too large for a plan.
    """
    return Planner(model).plan()


def refused(model: ir.Model) -> list[RefusedError]:
    """The operators of a lowered graph that have no kernel, all of them, in its order.

    Raises:
        EmitError: an input of another type than float32.
    """
    return Planner(model).refused()
