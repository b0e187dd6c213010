"""Small things that every rule needs: constants, attributes, and putting a node in another's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt


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
    value = ir.val(unique, const_value=ir.tensor(np.ascontiguousarray(array), name=unique))
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


def node_like(
    template: ir.Node,
    op_type: str,
    inputs: Sequence[ir.Value | None],
    attributes: Mapping[str, Any] | None = None,
    *,
    shape: Sequence[int],
    role: roles.Role | None = None,
) -> ir.Node:
    """A node with one output of ``shape``, of the type and of the block of ``template``'s.

    The graph names the output when the node is put into it; `naming` gives readable names in the end.
    """
    output = ir.val(None, dtype=template.outputs[0].dtype, shape=shape)
    node = ir.node(op_type, inputs, attributes=dict(attributes or {}), outputs=[output])
    node.metadata_props.update(template.metadata_props)
    node.metadata_props.pop(roles.KEY, None)
    if role is not None:
        roles.set_role(node, role)
    return node


def conv(
    template: ir.Node,
    data: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None = None,
    *,
    group: int,
    pads: int = 0,
    role: roles.Role | None = None,
) -> ir.Node:
    """A Conv of stride 1 that keeps the picture's size, in the block of ``template``."""
    n, _, h, w = _static(data)
    kernel = _static(weight)[2:]
    return node_like(
        template,
        "Conv",
        [data, weight] if bias is None else [data, weight, bias],
        {"group": group, "kernel_shape": kernel, "pads": (pads,) * 4, "strides": (1, 1), "dilations": (1, 1)},
        shape=(n, _static(weight)[0], h, w),
        role=role,
    )


def channel_indices(template: ir.Node, order: Sequence[int]) -> ir.Value:
    """A constant for `shuffle`, named after the block of ``template``."""
    assert template.graph is not None  # every rule hands in nodes of the graph that it walks
    return initializer(template.graph, f"{roles.block(template)}/channels", np.array(order, np.int64))


def shuffle(template: ir.Node, data: ir.Value, indices: ir.Value) -> ir.Node:
    """A Gather of the channels ``indices`` (constant, int64), in the block of ``template``."""
    order = constant(indices)
    assert order is not None  # rules look before they build
    n, _, *size = _static(data)
    return node_like(
        template, "Gather", [data, indices], {"axis": 1}, shape=(n, len(order), *size), role=roles.Role.SHUFFLE
    )


def put(before: ir.Node, *nodes: ir.Node) -> None:
    """Inserts nodes into the graph before a node of it."""
    graph = before.graph
    assert graph is not None  # every rule hands in nodes of the graph that it walks
    graph.insert_before(before, nodes)


def take_over(old: ir.Value, new: ir.Value) -> ir.Value:
    """Lets ``new`` stand for ``old``, which holds the same: for its users, in the graph's outputs, as a block's output.

    Where ``old`` is returned and ``new`` is the graph's input or returned already, an Identity stands between them.

    Returns:
        the value that stands for ``old`` now.
    """
    if old.is_graph_output() and (new.is_graph_input() or new.is_graph_output()):
        producer = old.producer()
        assert producer is not None  # an input that is returned has no producer, and nothing replaces it
        identity = node_like(producer, "Identity", [new], shape=_static(new))
        put(producer, identity)
        new = identity.outputs[0]
    roles.move_outputs_of(old, new)
    old.replace_all_uses_with(new, replace_graph_outputs=True)
    return new


def _static(value: ir.Value) -> tuple[int, ...]:
    shape = shape_of(value)
    assert shape is not None  # rules look at shapes before they build
    return shape
