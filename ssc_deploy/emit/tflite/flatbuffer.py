"""Collects tensors, constants and operators of one subgraph, and writes the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.runtimes.tflite_schema import AlignedBuffer, pack, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A shape as it is in the file; -1 where the size is known only when the file runs.
FileShape = tuple[int, ...]

SIGNATURE = "serving_default"

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}

#: What a tensor may hold.
DTYPES = frozenset(_TYPES)

#: Codes from here on do not fit the field that old runtimes read; they get this placeholder there.
_PLACEHOLDER = schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES


def tensor_type(dtype: np.dtype[Any]) -> int:
    """``TensorType`` of the schema for one of `DTYPES`."""
    return int(_TYPES[dtype])


class Writer:
    """One subgraph under construction.

    Args:
        reserved: names that belong to values of the graph; a tensor with an invented name never takes one.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        # Buffer 0 is the empty one that every activation refers to.
        self._buffers = [AlignedBuffer()]
        self._buffer_of: dict[bytes, int] = {}
        self._constant_of: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[tuple[int, int], int] = {}
        self._reserved = frozenset(reserved)
        self._taken: set[str] = set()

    def tensor(self, name: str, shape: FileShape, dtype: np.dtype[Any]) -> int:
        """Adds an activation of one of `DTYPES`; returns its index."""
        tensor = self._tensor(name, tuple(1 if size == -1 else size for size in shape), dtype, 0)
        if -1 in shape:
            tensor.shapeSignature = list(shape)
        return len(self._tensors) - 1

    def constant(self, name: str, array: npt.NDArray[Any]) -> int:
        """Adds a constant of one of `DTYPES`; returns the index of an equal one where there is one."""
        data = np.ascontiguousarray(array).tobytes()
        key = (array.dtype.str, array.shape, data)
        if key not in self._constant_of:
            if data not in self._buffer_of:
                self._buffer_of[data] = self._buffer(data)
            self._tensor(self.invent(name), array.shape, array.dtype, self._buffer_of[data])
            self._constant_of[key] = len(self._tensors) - 1
        return self._constant_of[key]

    def invent(self, name: str) -> str:
        """A name for something that is not a value of the graph: ``name``, with a number where that is taken."""
        unique, number = name, 1
        while unique in self._reserved or unique in self._taken:
            number += 1
            unique = f"{name}_{number}"
        self._taken.add(unique)
        return unique

    def rename(self, tensor: int, name: str) -> None:
        """Gives a tensor another name."""
        self._tensors[tensor].name = name

    def operator(
        self, code: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None, version: int = 1
    ) -> None:
        """Adds an operator.

        Args:
            code: of ``schema.BuiltinOperator``.
            inputs: tensor indices.
            outputs: likewise.
            options: the object of the schema's options class, if the operator takes one.
            version: the lowest that has the features used, so that old runtimes take the file.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault((code, version), len(self._codes))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self._operators.append(operator)

    def finish(self, inputs: dict[str, int], outputs: dict[str, int], metadata: dict[str, bytes]) -> bytes:
        """Writes the file.

        Args:
            inputs: tensor index of each input, by its name in the signature, in order.
            outputs: likewise.
            metadata: content of each metadata buffer, by its name.
        """
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors, subgraph.operators = self._tensors, self._operators
        subgraph.inputs, subgraph.outputs = list(inputs.values()), list(outputs.values())
        model = schema.ModelT()
        model.version = 3
        model.description = "ssc-deploy"
        model.subgraphs = [subgraph]
        model.operatorCodes = [_operator_code(code, version) for code, version in self._codes]
        model.signatureDefs = [_signature(inputs, outputs)]
        model.metadata = [self._metadata(name, content) for name, content in metadata.items()]
        model.buffers = self._buffers
        return pack(model)

    def _buffer(self, data: bytes) -> int:
        self._buffers.append(AlignedBuffer(data))
        return len(self._buffers) - 1

    def _tensor(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], buffer: int) -> Any:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), _TYPES[dtype], buffer
        tensor.hasRank = True
        self._tensors.append(tensor)
        return tensor

    def _metadata(self, name: str, content: bytes) -> Any:
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, self._buffer(content)
        return entry


def _operator_code(code: int, version: int) -> Any:
    entry = schema.OperatorCodeT()
    entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, _PLACEHOLDER), version
    return entry


def _signature(inputs: dict[str, int], outputs: dict[str, int]) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    signature.inputs = [_tensor_map(name, tensor) for name, tensor in inputs.items()]
    signature.outputs = [_tensor_map(name, tensor) for name, tensor in outputs.items()]
    return signature


def _tensor_map(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry
