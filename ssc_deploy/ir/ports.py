"""What the inputs and the outputs of a graph are called in files; the capture notes it on the graph."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

_KEY = "ssc_deploy.ports"


def note(model: ir.Model, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Notes the names, in the order of the graph's inputs and outputs."""
    model.metadata_props[_KEY] = json.dumps([list(inputs), list(outputs)])


def names(model: ir.Model) -> tuple[list[str], list[str]]:
    """What was noted; ``input``, ``input_1`` ... and ``output``, ``output_1`` ... where nothing was."""
    noted = model.metadata_props.get(_KEY)
    if noted is not None:
        inputs, outputs = json.loads(noted)
        return inputs, outputs
    return _numbered("input", len(model.graph.inputs)), _numbered("output", len(model.graph.outputs))


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}_{i}" for i in range(1, count))]
