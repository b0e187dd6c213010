"""TFLite's schema classes as LiteRT ships them, and the way between a file's bytes and their object form.

Exports write files through here, and what runs them reads them: this module imports neither onnx nor torch.
"""

from __future__ import annotations

import struct
from typing import Any

from ai_edge_litert import schema_py_generated
from flatbuffers.builder import Builder

#: The generated module is untyped; through this name its classes are ``Any`` for mypy.
schema: Any = schema_py_generated
_builder: Any = Builder

IDENTIFIER = b"TFL3"

#: The runtimes map a file and read constants in place, with vector loads: the schema asks for this alignment.
_ALIGNMENT = 16

#: numpy's names of the tensor types.
DTYPES: dict[int, str] = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}

_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


class AlignedBuffer:
    """Takes the place of ``BufferT``, which does not align its data."""

    def __init__(self, data: bytes = b"") -> None:
        self.content = data

    def Pack(self, builder: Any) -> Any:  # noqa: N802  # the name that the generated classes call
        """Writes the buffer; called by ``ModelT.Pack``."""
        offset = None
        if self.content:
            builder.Prep(_ALIGNMENT, len(self.content))
            offset = builder.CreateByteVector(self.content)
        schema.BufferStart(builder)
        if offset is not None:
            schema.BufferAddData(builder, offset)
        return schema.BufferEnd(builder)


def pack(model: Any) -> bytes:
    """Writes a ``ModelT`` as a file.

    Args:
        model: its buffers are `AlignedBuffer`.

    Returns:
        the file's bytes, the same for the same model.
    """
    size = sum(len(buffer.content) for buffer in model.buffers)
    builder = _builder(size + 4096)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def unpack(data: bytes) -> Any:
    """Reads a file into a ``ModelT`` with `AlignedBuffer` buffers; every offset and index is checked on the way.

    Raises:
        ValueError: the bytes are not a whole TFLite file; the message completes "it cannot be loaded: ".
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise ValueError("it does not carry TFLite's identifier TFL3")
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        model.buffers = [AlignedBuffer(_content(buffer, data)) for buffer in model.buffers]
        whole = _indices_hold(model)
        for subgraph in model.subgraphs:
            for tensor in subgraph.tensors:
                name_of(tensor)
    # What Python's flatbuffers raises where an offset leads outside the bytes, or to a thing of another type.
    except (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise ValueError("it is damaged or cut off") from error
    if not whole:
        raise ValueError("it refers to a tensor, buffer or operator that it does not have")
    return model


def _content(buffer: Any, data: bytes) -> bytes:
    """What a ``BufferT`` holds: in the model itself, or behind it, as ai-edge-quantizer stores kernels.

    Raises:
        ValueError: the place behind the model is not in the file.
    """
    if buffer.data is not None:
        return bytes(buffer.data)
    # Offsets of 0 and 1 stand for none.
    if buffer.offset <= 1:
        return b""
    if buffer.offset + buffer.size > len(data):
        raise ValueError("a buffer lies behind its end")
    return data[buffer.offset : buffer.offset + buffer.size]


def name_of(tensor: Any) -> str:
    """Name of a ``TensorT`` that was read from a file; empty where it has none."""
    name: bytes | None = tensor.name
    return "" if name is None else name.decode()


def operator_name(code: Any) -> str:
    """The name of an ``OperatorCodeT``, e.g. ``"CONV_2D"``; a custom operator's own."""
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM and code.customCode:
        return str(code.customCode.decode(errors="replace"))
    return str(_NAMES.get(builtin, builtin))


def _indices_hold(model: Any) -> bool:
    """Whether each index leads to something; -1 stands for an optional input that is not there."""

    def inside(indices: Any, table: Any, least: int = 0) -> bool:
        return all(least <= index < len(table) for index in indices)

    return bool(model.subgraphs) and all(
        inside([tensor.buffer for tensor in subgraph.tensors], model.buffers)
        and inside([*subgraph.inputs, *subgraph.outputs], subgraph.tensors)
        and inside([operator.opcodeIndex for operator in subgraph.operators], model.operatorCodes)
        and all(
            inside(operator.inputs, subgraph.tensors, -1) and inside(operator.outputs, subgraph.tensors)
            for operator in subgraph.operators
        )
        for subgraph in model.subgraphs
    )
