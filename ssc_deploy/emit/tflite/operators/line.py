"""Windows that slide along a line, [N, C, L]: the same on an image of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssc_deploy.emit.tflite.formula import Formula, integers

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

#: What an attribute says of the axis that is added: once, or before and after.
_ADDED = {"dilations": 1, "kernel_shape": 1, "output_padding": 0, "output_shape": 1, "pads": 0, "strides": 1}


def of_rank_3(graph: Graph, node: ir.Node) -> None:
    """Writes a convolution or a pool of rank 3 as one of rank 4."""
    f = Formula(graph, node)
    inputs = [f.op("Unsqueeze", f.input(0), integers(2))]
    if f.has_input(1):
        inputs.append(f.op("Unsqueeze", f.input(1), integers(2)))
    if f.has_input(2):
        inputs.append(f.input(2))
    attributes: dict[str, Any] = {name: attribute.value for name, attribute in node.attributes.items()}
    for name, added in _ADDED.items():
        if name in attributes:
            given = list(attributes[name])
            attributes[name] = [part for one in given for part in (added, one)]
    f.give(f.op("Squeeze", f.op(node.op_type, *inputs, **attributes), integers(2)))
