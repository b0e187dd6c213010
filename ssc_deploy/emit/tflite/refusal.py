"""Refuses operators that TFLite emission cannot write; see `lower.refusal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.lower.refusal import RefusedError, of_all, where

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["RefusedError", "of_all", "refuse"]


def refuse(node: ir.Node, reason: str) -> RefusedError:
    """The error to raise for ``node``; ``reason`` completes "... cannot write X: "."""
    return RefusedError(node, reason, "TFLite emission", f"TFLite emission cannot write {where(node)}: {reason}.")
