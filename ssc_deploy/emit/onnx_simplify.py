"""Asks onnxsim whether it finds anything left to simplify in a file. A check, never a step of the export."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

from ssc_deploy.emit import onnxsim_process

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SimplifyReport:
    """What onnxsim made of a file.

    Attributes:
        before: how often each operator that depends on an input occurs in the file, by name.
        after: likewise in what onnxsim made of it; None if it made nothing.
        warning: why it made nothing, as a sentence; None if it worked.
    """

    before: Mapping[str, int]
    after: Mapping[str, int] | None
    warning: str | None

    @property
    def left(self) -> dict[str, int]:
        """Operators whose number changed, with the difference (after - before); empty: nothing left to simplify."""
        if self.after is None:
            return {}
        names = sorted({*self.before, *self.after})
        changes = {name: self.after.get(name, 0) - self.before.get(name, 0) for name in names}
        return {name: change for name, change in changes.items() if change}

    @property
    def is_simple(self) -> bool:
        """Whether onnxsim ran and found nothing to simplify."""
        return self.warning is None and not self.left

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "left": self.left, "is_simple": self.is_simple}


def simplifies(model: Path | bytes, *, timeout: float = 120.0) -> SimplifyReport:
    """Runs onnxsim on the file, in a process of its own: it is native code, and has crashed before.

    A crash, a time-out, or its absence gives a report with a warning; nothing is raised for them.

    Args:
        model: an ``.onnx`` file that is known to load, or its content.
        timeout: in seconds.
    """
    content = model if isinstance(model, bytes) else model.read_bytes()
    before = _operators(content)
    with tempfile.TemporaryDirectory(prefix="onnxsim-") as folder:
        source, result = Path(folder) / "model.onnx", Path(folder) / "simplified.onnx"
        source.write_bytes(content)
        warning = onnxsim_process.simplify(source, result, timeout)
        if warning is not None:
            return SimplifyReport(before, None, warning)
        try:
            after = _operators(result.read_bytes())
        except (OSError, DecodeError) as error:
            return SimplifyReport(before, None, f"onnxsim ended well but left no model: {error}")
    return SimplifyReport(before, after, None)


def _operators(content: bytes) -> dict[str, int]:
    """How often each operator occurs, except for those that a runtime runs once, when it loads the file.

    They compute constants of constants that are much smaller; onnxsim would store the large ones.
    """
    graph = onnx.load_from_string(content).graph
    constant = {tensor.name for tensor in graph.initializer}
    found: Counter[str] = Counter()
    for node in graph.node:
        if node.input and constant.issuperset(node.input):
            constant.update(node.output)
        else:
            found[node.op_type] += 1
    return dict(sorted(found.items()))
