"""Names an operator that cannot be written, where it comes from, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.capture.user_line import line_of
from ssc_deploy.errors import UnsupportedOperatorError
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    import onnx_ir as ir


def refuse(node: ir.Node, reason: str) -> UnsupportedOperatorError:
    """The error to raise for ``node``; ``reason`` completes "... cannot write X: "."""
    return UnsupportedOperatorError(f"TFLite emission cannot write {roles.where(node)}{line_of(node)}: {reason}.")
