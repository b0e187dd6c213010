"""Decides from a graph what its output means; see `ssc_deploy.output_kind`.

The walk goes back from the output over what only moves or adds up numbers, to the operators that gave them their range.
Whether an image's numbers are probabilities that exclude each other, the numbers themselves tell, for a softmax is
written in many ways: outputs for noise that are never below 0 and whose sum is 1 for every image.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import batches
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.native import package
from ssc_deploy.output_kind import Output, OutputKind, is_list
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir

#: Metadata key of a graph in the intermediate form.
_KEY = "ssc_deploy.output"

#: float32 noise [N, C, H, W] -> outputs [N, ...], those of rank 4 as [N, C, H, W].
Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]

#: For one image: (C, H, W) of an input, or what an output has.
Shape = tuple[int, ...]

#: Images of noise, and how far from 1 float32 may bring the sum of an image's probabilities.
_IMAGES, _SUM = 4, 1e-4

# Operators by what they do to the range of numbers, ONNX's names and then TFLite's.
_MOVES = {
    *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast", "Transpose", "Dropout", "Gather", "Slice"),
    *("Split", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "GATHER", "SLICE", "STRIDED_SLICE", "SPLIT"),
}
_SCORES = {
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "Relu", "LeakyRelu", "PRelu"),
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "RELU", "LEAKY_RELU", "PRELU"),
}
_SUMS = {
    *("GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "ReduceMax", "ReduceSum"),
    *("Add", "Sub", "Mul", "Div", "Sum", "Concat", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "REDUCE_MAX", "SUM"),
    *("ADD", "SUB", "MUL", "DIV", "CONCATENATION"),
}
_CONCATENATIONS = {"Concat", "CONCATENATION"}
_UNIT = {"Sigmoid", "HardSigmoid", "LOGISTIC", "Softmax", "SOFTMAX"}


class _Range(enum.Enum):
    """What is known of the numbers of a tensor."""

    SCORES = enum.auto()  #: of any size: what a linear operator gives
    UNIT = enum.auto()  #: between 0 and 1
    OTHER = enum.auto()


#: An operator: its type, and the tensors that it reads, None for a constant.
_Step = tuple[str, Sequence[Any]]

#: Operators behind one another that are looked at.
_DEPTH = 64


def of_onnx(proto: Any, run: Run, input_shape: Shape, shape: Shape | None = None, place: int = 0) -> Output:
    """What an output of an ONNX graph means.

    Args:
        proto: an ``onnx.ModelProto``.
        run: runs it and gives the one output, where the graph does not tell all.
        input_shape: (C, H, W).
        shape: of the output for one image, where it is known.
        place: of the output among all.
    """
    return _decided(_of_onnx(proto.graph).range_of(proto.graph.output[place].name), run, input_shape, shape)


def of_file(path: Path, run: Run, input_shape: Shape, shape: Shape | None = None, place: int = 0) -> Output:
    """What an output of an ``.onnx`` or ``.tflite`` file means, whatever program wrote it; see `of_onnx`."""
    if path.suffix.lower() != ".tflite":
        import onnx

        return of_onnx(onnx.load(path, load_external_data=False), run, input_shape, shape, place)
    walk, subgraph = _of_tflite(path)
    return _decided(walk.range_of(int(subgraph.outputs[place])), run, input_shape, shape)


def unit_names(graph: Any) -> frozenset[str]:
    """The tensors of a graph, an ``onnx.GraphProto``, that a sigmoid or a softmax gives, moved about perhaps."""
    steps = _of_onnx(graph)
    return frozenset(one for node in graph.node for one in node.output if steps.range_of(one) is _Range.UNIT)


def between_zero_and_one(path: Path) -> frozenset[str]:
    """The tensors of an ``.onnx`` or ``.tflite`` file that a sigmoid or a softmax gives, moved about perhaps."""
    if package.is_package(path):
        return frozenset(package.read(path)[0].unit)
    if path.suffix.lower() != ".tflite":
        import onnx

        return unit_names(onnx.load(path, load_external_data=False).graph)
    walk, subgraph = _of_tflite(path)
    written = (int(index) for operator in subgraph.operators for index in operator.outputs)
    return frozenset(_text(subgraph.tensors[i].name) for i in written if walk.range_of(i) is _Range.UNIT)


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _of_onnx(graph: Any) -> _Walk:
    producers = {output: node for node in graph.node for output in node.output}
    constants = {"", *(tensor.name for tensor in graph.initializer)}
    constants |= {name for name, node in producers.items() if node.op_type == "Constant"}

    def step(name: str) -> _Step | None:
        node = producers.get(name)
        return None if node is None else (node.op_type, [None if one in constants else one for one in node.input])

    return _Walk(step)


def _of_tflite(path: Path) -> tuple[_Walk, Any]:
    """And the graph that it walks over."""
    from ssc_deploy.runtimes.tflite_schema import operator_name, unpack

    model = unpack(path.read_bytes())
    subgraph = model.subgraphs[0]
    producers = {int(index): operator for operator in subgraph.operators for index in operator.outputs}
    written = {*producers, *(int(index) for index in subgraph.inputs)}

    def step(index: int) -> _Step | None:
        operator = producers.get(index)
        if operator is None:
            return None
        name = operator_name(model.operatorCodes[operator.opcodeIndex])
        return name, [int(one) if int(one) in written else None for one in operator.inputs]

    return _Walk(step), subgraph


def note(model: ir.Model, input_shape: Shape) -> None:
    """Writes what its outputs mean onto a graph in canonical form; the graphs lowered from it keep that.

    Nothing is written where only numbers could tell it, and ONNX Runtime does not take the graph.
    """
    import onnx_ir as ir

    from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

    proto = ir.to_proto(model)

    found = []
    for place, value in enumerate(model.graph.outputs):

        def run(x: npt.NDArray[np.float32], place: int = place) -> npt.NDArray[np.float32]:
            return batches.run(OnnxRuntime().load(proto.SerializeToString()), x)[place]

        shape = None if value.shape is None else tuple(size for size in value.shape[1:] if isinstance(size, int))
        whole = shape is not None and value.shape is not None and len(shape) == len(value.shape) - 1
        try:
            found.append(of_onnx(proto, run, input_shape, shape if whole else None, place))
        except RuntimeLoadError:  # the file itself, of another format perhaps, is looked into where it is used
            return
    model.metadata_props[_KEY] = json.dumps(records.encode(found))


def noted(model: ir.Model) -> tuple[Output, ...]:
    """What `note` wrote, for each output; empty if it was not asked."""
    text = model.metadata_props.get(_KEY)
    return () if text is None else tuple(records.decode(Output, one) for one in json.loads(text))


class _Walk:
    """Back over a graph, whatever its format.

    Args:
        step: what computes a tensor; None for an input.
    """

    def __init__(self, step: Callable[[Any], _Step | None]) -> None:
        self._step = step
        self._known: dict[Any, _Range] = {}

    def range_of(self, tensor: Any, depth: int = 0) -> _Range:
        """What is known of a tensor's numbers."""
        if tensor not in self._known:
            self._known[tensor] = _Range.OTHER  # of a graph that leads back to itself
            step = self._step(tensor) if depth < _DEPTH else None
            self._known[tensor] = _Range.OTHER if step is None else self._computed(*step, depth)
        return self._known[tensor]

    def _computed(self, operator: str, inputs: Sequence[Any], depth: int) -> _Range:
        if operator in _SCORES:
            return _Range.SCORES
        if operator in _UNIT:
            return _Range.UNIT
        if operator not in _MOVES | _SUMS:
            return _Range.OTHER
        read = [one for one in inputs if one is not None]
        ranges = {self.range_of(one, depth + 1) for one in (read[:1] if operator in _MOVES else read)}
        if ranges == {_Range.UNIT} and not (operator in _MOVES or (operator in _CONCATENATIONS and len(read) > 1)):
            return _Range.OTHER  # a sum, or a multiple, of numbers between 0 and 1
        return ranges.pop() if len(ranges) == 1 else _Range.OTHER


def _decided(known: _Range, run: Run, input_shape: Shape, shape: Shape | None) -> Output:
    if shape is not None and not is_list(shape):
        return Output(OutputKind.MAP, shape)
    if shape is not None and known is _Range.SCORES:
        return Output(_scores(math.prod(shape)), shape)
    noise = np.random.default_rng(0).normal(size=(_IMAGES, *input_shape)).astype(np.float32)
    values = run(noise).astype(np.float64)
    shape = tuple(int(size) for size in values.shape[1:])
    kind = _kind(known, values.reshape(len(values), -1)) if is_list(shape) else OutputKind.MAP
    return Output(kind.value, shape)


def _scores(count: int) -> OutputKind:
    return OutputKind.LOGIT if count == 1 else OutputKind.SCORES


def _kind(known: _Range, rows: npt.NDArray[np.float64]) -> OutputKind:
    """Of a list; rows [N, C]."""
    one = rows.shape[1] == 1
    if known is _Range.SCORES:
        return _scores(rows.shape[1])
    if not one and _are_shares(rows):
        return OutputKind.PROBABILITIES
    if not one and rows.max() <= 0 and _are_shares(np.exp(rows)):
        return OutputKind.LOG_PROBABILITIES
    if known is _Range.UNIT:
        return OutputKind.PROBABILITY if one else OutputKind.INDEPENDENT
    return OutputKind.VALUES


def _are_shares(rows: npt.NDArray[np.float64]) -> bool:
    return bool(rows.min() >= 0 and (np.abs(rows.sum(1) - 1) <= _SUM).all())
