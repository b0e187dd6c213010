"""The floating-point type that an ONNX model computes in, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    from collections.abc import Collection

#: Attributes that name the type of what a node returns.
_TYPES = frozenset({"to", "dtype", "output_dtype", "output_datatype"})


def replace(model: onnx.ModelProto, old: Collection[int], new: int) -> None:
    """Lets the model compute in one type wherever it computes in others, in place.

    That is constants, casts and declared types, in subgraphs and functions as well.

    Args:
        model: any.
        old: of `onnx.TensorProto.DataType`, floating-point.
        new: likewise.
    """
    _replace_in_graph(model.graph, old, new)
    for function in model.functions:
        _replace_in_nodes(function.node, old, new)


def is_cut_off(tensor: onnx.TensorProto) -> bool:
    """Whether a tensor holds fewer or more bytes than its shape says."""
    if not tensor.HasField("raw_data"):
        return False
    try:
        numpy_helper.to_array(tensor)
    except ValueError:
        return True
    return False


def _replace_in_graph(graph: onnx.GraphProto, old: Collection[int], new: int) -> None:
    for tensor in graph.initializer:
        _replace_in_tensor(tensor, old, new)
    for sparse in graph.sparse_initializer:
        _replace_in_tensor(sparse.values, old, new)
    for value in (*graph.input, *graph.output, *graph.value_info):
        _replace_in_type(value.type, old, new)
    _replace_in_nodes(graph.node, old, new)


def _replace_in_type(kind: onnx.TypeProto, old: Collection[int], new: int) -> None:
    match kind.WhichOneof("value"):
        case "tensor_type" if kind.tensor_type.elem_type in old:
            kind.tensor_type.elem_type = new
        case "sequence_type":
            _replace_in_type(kind.sequence_type.elem_type, old, new)
        case "optional_type":
            _replace_in_type(kind.optional_type.elem_type, old, new)


def _replace_in_nodes(nodes: Any, old: Collection[int], new: int) -> None:
    for node in nodes:
        if node.op_type == "ConstantOfShape" and not node.attribute and onnx.TensorProto.FLOAT in old:
            # Its value is a float32 zero where the node gives none.
            zero = numpy_helper.from_array(np.zeros(1, _dtype(new)))
            node.attribute.append(onnx.helper.make_attribute("value", zero))
        for attribute in node.attribute:
            _replace_in_attribute(node, attribute, old, new)


def _replace_in_attribute(node: onnx.NodeProto, attribute: onnx.AttributeProto, old: Collection[int], new: int) -> None:
    if attribute.type == onnx.AttributeProto.TENSOR:
        _replace_in_tensor(attribute.t, old, new)
    elif attribute.type == onnx.AttributeProto.SPARSE_TENSOR:
        _replace_in_tensor(attribute.sparse_tensor.values, old, new)
    elif attribute.type == onnx.AttributeProto.GRAPH:
        _replace_in_graph(attribute.g, old, new)
    elif attribute.type == onnx.AttributeProto.TYPE_PROTO:
        _replace_in_type(attribute.tp, old, new)
    elif attribute.name in _TYPES and attribute.i in old:
        attribute.i = new
    elif _is_plain_constant(node, attribute) and onnx.TensorProto.FLOAT in old:
        single = attribute.name == "value_float"
        values = np.asarray(attribute.f if single else attribute.floats, _dtype(new))
        attribute.CopyFrom(onnx.helper.make_attribute("value", numpy_helper.from_array(values)))


def _is_plain_constant(node: onnx.NodeProto, attribute: onnx.AttributeProto) -> bool:
    """Whether the attribute holds the value of a ``Constant`` as plain float32 numbers."""
    return node.op_type == "Constant" and attribute.name in {"value_float", "value_floats"}


def _replace_in_tensor(tensor: onnx.TensorProto, old: Collection[int], new: int) -> None:
    if tensor.data_type in old:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(_dtype(new)), tensor.name))


def _dtype(kind: int) -> np.dtype[Any]:
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
