"""The form of the numbers in an ONNX model: the floating-point type, which can be changed, and sparse tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx.checker
from onnx import numpy_helper

if TYPE_CHECKING:
    from collections.abc import Collection

#: Attributes that name the type of what a node returns.
_TYPES = frozenset({"to", "dtype", "output_dtype", "output_datatype"})


def replace(model: onnx.ModelProto, old: Collection[int], new: int) -> None:
    """Replaces one type by another in the model, in place.

    This changes constants, casts and declared types, also in subgraphs and functions.

    Args:
        model: any.
        old: of `onnx.TensorProto.DataType`, floating-point.
        new: likewise.
    """
    _replace_in_graph(model.graph, old, new)
    for function in model.functions:
        _replace_in_nodes(function.node, old, new)


def densify(graph: onnx.GraphProto) -> None:
    """Replaces sparse constants by dense ones with the same names, also in subgraphs, in place.

    Raises:
        ValueError: one would be larger than an ONNX file may be.
    """
    graph.initializer.extend(_dense(sparse) for sparse in graph.sparse_initializer)
    del graph.sparse_initializer[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                densify(attribute.g)
            elif node.op_type == "Constant" and attribute.type == onnx.AttributeProto.SPARSE_TENSOR:
                attribute.CopyFrom(onnx.helper.make_attribute("value", _dense(attribute.sparse_tensor)))


def _dense(sparse: onnx.SparseTensorProto) -> onnx.TensorProto:
    """Indices are [NNZ] into the memory, or [NNZ, rank]; ONNX's checker has looked that they are inside."""
    values, indices = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    if math.prod(sparse.dims) * values.dtype.itemsize >= onnx.checker.MAXIMUM_PROTOBUF:
        raise ValueError(f"the sparse tensor {sparse.values.name} of {list(sparse.dims)} is larger than 2 GB")
    array = np.zeros(tuple(sparse.dims), values.dtype)
    array[np.unravel_index(indices, array.shape) if indices.ndim == 1 else tuple(indices.T)] = values
    return numpy_helper.from_array(array, sparse.values.name)


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
