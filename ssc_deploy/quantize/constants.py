"""Changes constants of a graph, without a change of its other nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known

if TYPE_CHECKING:
    import numpy.typing as npt


def give(node: ir.Node, index: int, numbers: npt.NDArray[Any]) -> None:
    """Changes a constant of one node; other nodes that read it keep what they have."""
    value = known.operand(node, index)
    if value.is_initializer() and g.used_once(value):
        value.const_value = ir.tensor(numbers, name=value.name)
    else:
        name = f"{node.outputs[0].name}/{('', 'weight', 'bias')[index]}"
        node.replace_input_with(index, g.initializer(known.graph(node), name, numbers))
