"""What a graph says of its values and nodes: constants, shapes, attributes, uses; and new constants.

`known` asks the same where the answer is certain; `builder` builds nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


#: Operators that write what they read in other places; views (Reshape ...) write nothing.
COPIES = frozenset(
    {
        *(
            "Concat",
            "DepthToSpace",
            "Expand",
            "Gather",
            "GatherElements",
            "GatherND",
            "Pad",
            "ScatterElements",
            "ScatterND",
        ),
        *("Slice", "SpaceToDepth", "Split", "Tile", "Transpose"),
    }
)

#: Activations of each number alone, without a parameter of its own for each channel.
ACTIVATIONS = frozenset({"Relu", "Clip", "Sigmoid", "HardSwish", "HardSigmoid", "LeakyRelu", "Tanh"})


def constant(value: ir.Value | None) -> npt.NDArray[Any] | None:
    """The array that the value always holds, or None."""
    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def is_constant(value: ir.Value | None) -> bool:
    """Whether the value is an initializer or the output of a ``Constant`` node, or absent."""
    if value is None or value.is_initializer():
        return True
    producer = value.producer()
    return producer is not None and producer.op_type == "Constant"


def shape_of(value: ir.Value | None) -> tuple[int, ...] | None:
    """The value's static shape, or None where any of it is unknown."""
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return tuple(int(d) for d in value.shape)  # type: ignore[arg-type]  # is_static: no symbolic dimension


def ints(node: ir.Node, name: str, default: Sequence[int]) -> tuple[int, ...]:
    """An attribute that is a list of integers."""
    attribute = node.attributes.get(name)
    return tuple(default) if attribute is None else tuple(attribute.as_ints())


def integer(node: ir.Node, name: str, default: int) -> int:
    """An attribute that is one integer."""
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_int()


def attributes(node: ir.Node) -> dict[str, Any]:
    """All attributes as plain Python values."""
    return {name: attribute.value for name, attribute in node.attributes.items()}


def used_once(value: ir.Value) -> bool:
    """Whether exactly one input of one node reads the value, and the graph's outputs do not."""
    return len(value.uses()) == 1 and not value.is_graph_output()


def initializer(graph: ir.Graph, name: str, array: npt.NDArray[Any]) -> ir.Value:
    """Registers a constant; a name that is taken gets a number behind it."""
    unique = name if name not in graph.initializers else _numbered(graph, name)
    value = ir.val(unique, const_value=ir.tensor(np.asarray(array, order="C"), name=unique))
    graph.register_initializer(value)
    return value


def _numbered(graph: ir.Graph, name: str) -> str:
    """The name with the first free number behind it; where the last search ended, the next one begins."""
    used: dict[str, int] = graph.meta.setdefault("ssc_deploy.initializers", {})
    n = used.get(name, 0) + 1
    while f"{name}_{n}" in graph.initializers:
        n += 1
    used[name] = n
    return f"{name}_{n}"
