"""Collects tensors, constants and operators of one subgraph, and writes the file."""

from __future__ import annotations

from dataclasses import dataclass, field
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

#: What a tensor may hold for an operator of ONNX.
DTYPES = frozenset(_TYPES)

#: What it may hold besides, where a file is quantised.
_COMPACT = {np.dtype(np.int8): schema.TensorType.INT8, np.dtype(np.float16): schema.TensorType.FLOAT16}

#: Codes from here on do not fit the field that old runtimes read; they get this placeholder there.
_PLACEHOLDER = schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES


def tensor_type(dtype: np.dtype[Any]) -> int:
    """``TensorType`` of the schema for one of `DTYPES`, for int8 and for float16."""
    return int((_TYPES | _COMPACT)[dtype])


@dataclass(frozen=True)
class Scales:
    """What integers stand for: ``real = scale * (integer - zero_point)``.

    Attributes:
        scales: one, or one for each line along ``axis``.
        zero_points: as many.
        axis: of a tensor with several scales.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass
class Tensor:
    """A tensor of the file.

    Attributes:
        name: of it.
        shape: -1 where the size is known only when the file runs.
        dtype: of its numbers.
        data: of a constant; None for what is computed.
        scales: of a quantised one.
    """

    name: str
    shape: FileShape
    dtype: np.dtype[Any]
    data: bytes | None = None
    scales: Scales | None = None

    @property
    def array(self) -> npt.NDArray[Any]:
        """The numbers of a constant."""
        assert self.data is not None
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclass
class Operation:
    """An operator of the file.

    Attributes:
        code: of ``schema.BuiltinOperator``.
        inputs: tensor indices; -1 for one that is not there.
        outputs: likewise.
        options: the object of the schema's options class, if the operator takes one.
        version: of the operator.
        has_integer_kernel: whether a plan wants integers in its kernel.
    """

    code: int
    inputs: list[int]
    outputs: list[int]
    options: Any = None
    version: int = 1
    has_integer_kernel: bool = field(default=False, kw_only=True)


class Writer:
    """One subgraph under construction.

    Args:
        reserved: names that belong to values of the graph; a tensor with an invented name never takes one.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self._constant_of: dict[tuple[str, tuple[int, ...], bytes, Scales | None], int] = {}
        self._reserved = frozenset(reserved)
        self._taken: set[str] = set()

    def tensor(self, name: str, shape: FileShape, dtype: np.dtype[Any], scales: Scales | None = None) -> int:
        """Adds an activation; returns its index."""
        self.tensors.append(Tensor(name, shape, dtype, scales=scales))
        return len(self.tensors) - 1

    def constant(self, name: str, array: npt.NDArray[Any], scales: Scales | None = None) -> int:
        """Adds a constant; returns the index of an equal one where there is one."""
        data = np.ascontiguousarray(array).tobytes()
        key = (array.dtype.str, array.shape, data, scales)
        if key not in self._constant_of:
            self.tensors.append(Tensor(self.invent(name), array.shape, array.dtype, data, scales))
            self._constant_of[key] = len(self.tensors) - 1
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
        self.tensors[tensor].name = name

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Any = None,
        version: int = 1,
        *,
        has_integer_kernel: bool = False,
    ) -> None:
        """Adds an operator.

        Args:
            code: of ``schema.BuiltinOperator``.
            inputs: tensor indices.
            outputs: likewise.
            options: the object of the schema's options class, if the operator takes one.
            version: the lowest that has the features used, so that old runtimes take the file.
            has_integer_kernel: whether a plan wants integers in its kernel.
        """
        self.operations.append(
            Operation(code, list(inputs), list(outputs), options, version, has_integer_kernel=has_integer_kernel)
        )

    def finish(self, inputs: dict[str, int], outputs: dict[str, int], metadata: dict[str, bytes]) -> bytes:
        """Writes the file, with those tensors that something reads or writes.

        Args:
            inputs: tensor index of each input, by its name in the signature, in order.
            outputs: likewise.
            metadata: content of each metadata buffer, by its name.
        """
        ports = {*inputs.values(), *outputs.values()}
        used = sorted(ports.union(*([*one.inputs, *one.outputs] for one in self.operations)) - {-1})
        place = {tensor: i for i, tensor in enumerate(used)} | {-1: -1}
        inputs, outputs = ({name: place[tensor] for name, tensor in one.items()} for one in (inputs, outputs))
        # Buffer 0 is the empty one that every activation refers to.
        buffers = _Buffers()
        written: dict[Any, Any] = {}
        codes: dict[tuple[int, int], int] = {}
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors = [_tensor(self.tensors[tensor], buffers, written) for tensor in used]
        subgraph.operators = [_operator(one, place, codes) for one in self.operations]
        subgraph.inputs, subgraph.outputs = list(inputs.values()), list(outputs.values())
        model = schema.ModelT()
        model.version = 3
        model.description = "ssc-deploy"
        model.subgraphs = [subgraph]
        model.operatorCodes = [_operator_code(code, version) for code, version in codes]
        model.signatureDefs = [_signature(inputs, outputs)]
        model.metadata = [_metadata(name, buffers.add(content)) for name, content in metadata.items()]
        model.buffers = buffers.all
        return pack(model)


class _Buffers:
    """The buffers of a file; constants of the same bytes share one."""

    def __init__(self) -> None:
        self.all = [AlignedBuffer()]
        self._of: dict[bytes, int] = {}

    def shared(self, data: bytes | None) -> int:
        if data is None:
            return 0
        if data not in self._of:
            self._of[data] = self.add(data)
        return self._of[data]

    def add(self, data: bytes) -> int:
        self.all.append(AlignedBuffer(data))
        return len(self.all) - 1


def _tensor(tensor: Tensor, buffers: _Buffers, written: dict[Any, Any]) -> Any:
    entry = schema.TensorT()
    entry.name, entry.type = tensor.name, tensor_type(tensor.dtype)
    entry.shape = [1 if size == -1 else size for size in tensor.shape]
    if -1 in tensor.shape:
        entry.shapeSignature = list(tensor.shape)
    entry.buffer, entry.hasRank = buffers.shared(tensor.data), True
    if tensor.scales is not None:
        entry.quantization = _QuantizationParameters(tensor.scales, written)
    return entry


class _QuantizationParameters:
    """Takes the place of ``QuantizationParametersT``: equal vectors stand once in the file.

    The zero points of kernels and biases, 8 bytes for each channel, would be as large as the kernels of 9 channels.
    """

    def __init__(self, scales: Scales, written: dict[Any, Any]) -> None:
        self._scales, self._written = scales, written

    def Pack(self, builder: Any) -> Any:  # noqa: N802  # the name that the generated classes call
        """Writes the parameters; called by ``TensorT.Pack``."""
        if self._scales not in self._written:
            scale = self._vector(builder, np.array(self._scales.scales, np.float32))
            zero_point = self._vector(builder, np.array(self._scales.zero_points, np.int64))
            schema.QuantizationParametersStart(builder)
            schema.QuantizationParametersAddScale(builder, scale)
            schema.QuantizationParametersAddZeroPoint(builder, zero_point)
            schema.QuantizationParametersAddQuantizedDimension(builder, self._scales.axis)
            self._written[self._scales] = schema.QuantizationParametersEnd(builder)
        return self._written[self._scales]

    def _vector(self, builder: Any, numbers: npt.NDArray[Any]) -> Any:
        key = numbers.dtype.str, numbers.tobytes()
        if key not in self._written:
            self._written[key] = builder.CreateNumpyVector(numbers)
        return self._written[key]


def _operator(operation: Operation, place: dict[int, int], codes: dict[tuple[int, int], int]) -> Any:
    entry = schema.OperatorT()
    entry.opcodeIndex = codes.setdefault((operation.code, operation.version), len(codes))
    entry.inputs, entry.outputs = ([place[i] for i in one] for one in (operation.inputs, operation.outputs))
    if operation.options is not None:
        kind = type(operation.options).__name__.removesuffix("T")
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        entry.builtinOptions = operation.options
    return entry


def _metadata(name: str, buffer: int) -> Any:
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, buffer
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
