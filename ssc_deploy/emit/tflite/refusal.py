"""Names an operator that cannot be written, where it comes from, and what is wrong with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ssc_deploy import roles
from ssc_deploy.errors import UnsupportedOperatorError

if TYPE_CHECKING:
    import onnx_ir as ir

#: Where torch's exporter puts the Python frames that made a node.
_STACK_TRACE = "pkg.torch.onnx.stack_trace"
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_TORCH = re.compile(r"[\\/]site-packages[\\/]torch[\\/]")


def refuse(node: ir.Node, reason: str) -> UnsupportedOperatorError:
    """The error to raise for ``node``; ``reason`` completes "... cannot write X: "."""
    line = source_line(node)
    place = f" ({line})" if line else ""
    return UnsupportedOperatorError(f"TFLite emission cannot write {roles.where(node)}{place}: {reason}.")


def source_line(node: ir.Node) -> str | None:
    """``file:line`` of the innermost frame outside torch that made the node, None where the graph does not say."""
    frames = _FRAME.findall(node.metadata_props.get(_STACK_TRACE, ""))
    own = [f"{file}:{line}" for file, line in frames if not _TORCH.search(file)]
    return own[-1] if own else None
