"""LiteRT: .tflite files, images as NHWC, through the XNNPACK delegate as LiteRT applies it by default."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy import metadata as file_metadata
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes import native_notes
from ssc_deploy.runtimes.files import check_inputs, first_line, installed_version, parse_metadata, read, refused
from ssc_deploy.runtimes.protocol import Model, Steps, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

_PACKAGE = "ai-edge-litert"

#: The interpreter's name of a part that it has handed to XNNPACK.
DELEGATE = "DELEGATE"


class LiteRT:
    """The runtime for ``.tflite``; see `ssc_deploy.runtimes.protocol.Runtime`."""

    name = "litert"
    title = "LiteRT"
    image_layout = "NHWC"

    @property
    def version(self) -> str:
        """Of the installed package."""
        return installed_version(_PACKAGE)

    def load(self, model: Model, *, threads: int = 1, taps: Sequence[str] = ()) -> LiteRTRunner:
        """Loads a file."""
        data = read(model)
        # The interpreter is native code that trusts the file's offsets; this checks them.
        flatbuffer = _unpack(model, data)
        outputs = None
        if taps:
            outputs = [int(index) for index in flatbuffer.subgraphs[0].outputs]
            outputs += _tapped(model, flatbuffer, taps)
            data = _with_outputs(flatbuffer, outputs)
        return LiteRTRunner(_interpreter(model, data, threads), outputs)

    def tensors(self, model: Model) -> dict[str, TensorSpec]:
        """All activations in the order of execution."""
        subgraph = _unpack(model, read(model)).subgraphs[0]
        indices = [*subgraph.inputs, *(i for operator in subgraph.operators for i in operator.outputs)]
        specs = [_spec(subgraph.tensors[i]) for i in indices]
        return {spec.name: spec for spec in specs}

    def tapped(self, model: Model, taps: Sequence[str]) -> bytes:
        """A copy of the file with more outputs."""
        flatbuffer = _unpack(model, read(model))
        outputs = [int(index) for index in flatbuffer.subgraphs[0].outputs]
        return _with_outputs(flatbuffer, outputs + _tapped(model, flatbuffer, taps))

    def metadata(self, model: Model) -> file_metadata.ModelMetadata | None:
        """What the exporter stored in the model's metadata table."""
        flatbuffer = _unpack(model, read(model))
        for entry in flatbuffer.metadata or []:
            if entry.name == file_metadata.KEY.encode() and 0 <= entry.buffer < len(flatbuffer.buffers):
                return parse_metadata(model, flatbuffer.buffers[entry.buffer].content.decode(errors="replace"))
        return None

    def delegates(self, model: Model) -> int:
        """Number of delegate partitions; 1 where the whole model, or one unbroken part of it, runs in XNNPACK.

        Raises:
            RuntimeLoadError: as `load`.
        """
        return self.load(model).operators.count(DELEGATE)

    def whole_in_delegate(self, model: Model) -> bool:
        """Whether XNNPACK runs all of the model as one partition: no operator before, beside or behind it.

        Raises:
            RuntimeLoadError: as `load`.
        """
        return self.load(model).whole_in_delegate


class LiteRTRunner:
    """A loaded ``.tflite`` file.

    Args:
        interpreter: of LiteRT, with its tensors allocated.
        outputs: indices of the tensors to return, in this order; one may stand there twice. None for the outputs.
    """

    def __init__(self, interpreter: Any, outputs: Sequence[int] | None = None) -> None:
        self._interpreter = interpreter
        details = interpreter.get_input_details()
        self._inputs = [detail["index"] for detail in details]
        self._shapes = [tuple(detail["shape"].tolist()) for detail in details]
        known = {detail["index"]: detail for detail in interpreter.get_output_details()}
        self._outputs = list(known if outputs is None else outputs)
        self.inputs = tuple(_spec_of(detail) for detail in details)
        self.outputs = tuple(_spec_of(known[index]) for index in self._outputs)

    @property
    def operators(self) -> list[str]:
        """TFLite's operators; a ``DELEGATE`` an unbroken part that XNNPACK runs, beside the operators in it."""
        return [detail["op_name"] for detail in self._interpreter._get_ops_details()]

    @property
    def outside(self) -> list[str]:
        """TFLite's operators that run outside of every delegate, by their type, in order."""
        steps = [detail for detail in self._interpreter._get_ops_details() if detail["op_name"] != DELEGATE]
        delegates = [detail for detail in self._interpreter._get_ops_details() if detail["op_name"] == DELEGATE]
        makers = {int(output): step for step in steps for output in step["outputs"]}
        inside: set[int] = set()
        for delegate in delegates:
            # All that stands between what the delegate gives and what it is given.
            seen = {int(index) for index in delegate["inputs"]}
            wanted = [int(index) for index in delegate["outputs"]]
            while wanted:
                index = wanted.pop()
                if index not in seen and index in makers:
                    inside.add(makers[index]["index"])
                    wanted += [int(one) for one in makers[index]["inputs"]]
                seen.add(index)
        return [step["op_name"] for step in steps if step["index"] not in inside]

    @property
    def whole_in_delegate(self) -> bool:
        """Whether one ``DELEGATE`` makes all outputs of nothing but the inputs and constants."""
        details = self._interpreter._get_ops_details()
        delegates = [detail for detail in details if detail["op_name"] == DELEGATE]
        if len(delegates) != 1:
            return False
        # What an operator computes is read by the delegate only where that operator stands outside it.
        computed = {index for detail in details for index in detail["outputs"].tolist()}
        return computed.isdisjoint(delegates[0]["inputs"].tolist()) and set(self._outputs) <= set(
            delegates[0]["outputs"].tolist()
        )

    def run(self, inputs: Sequence[npt.NDArray[np.generic]]) -> list[npt.NDArray[Any]]:
        """Runs the file once; see `ssc_deploy.runtimes.protocol.Runner`."""
        check_inputs(self.inputs, inputs)
        shapes = [array.shape for array in inputs]
        try:
            if shapes != self._shapes:
                for index, shape in zip(self._inputs, shapes, strict=True):
                    self._interpreter.resize_tensor_input(index, shape, strict=True)
                self._interpreter.allocate_tensors()
                self._shapes = shapes
            for index, array in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(index, array)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]
        except (RuntimeError, ValueError) as error:
            raise RuntimeLoadError(f"LiteRT fails while it runs the file: {first_line(error)}.") from error


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise RuntimeLoadError(f"{_PACKAGE} is not installed; install it with: pip install {_PACKAGE}") from error


def _interpreter(model: Model, data: bytes, threads: int) -> Any:
    with _installed():
        from ai_edge_litert.interpreter import Interpreter
    create: Any = Interpreter
    try:
        with native_notes.withheld():
            interpreter = create(model_content=data, num_threads=threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise refused(model, f"LiteRT refuses it ({first_line(error)})") from error
    return interpreter


def _unpack(model: Model, data: bytes) -> Any:
    """The file in object form, with every index in it inside its table."""
    with _installed():
        from ssc_deploy.runtimes.tflite_schema import unpack

    try:
        return unpack(data)
    except ValueError as error:
        raise refused(model, str(error)) from error


def _spec(tensor: Any) -> TensorSpec:
    from ssc_deploy.runtimes.tflite_schema import DTYPES, name_of

    sizes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    shape = tuple(None if size == -1 else int(size) for size in sizes)
    dtype, grid = DTYPES[tensor.type], tensor.quantization
    held = grid is not None and grid.scale is not None and len(grid.scale) == 1 and dtype in {"int8", "uint8"}
    steps = Steps(float(grid.scale[0]), int(grid.zeroPoint[0])) if held and len(grid.zeroPoint or ()) == 1 else None
    return TensorSpec(name_of(tensor), shape, dtype, steps)


def _spec_of(detail: dict[str, Any]) -> TensorSpec:
    shape = tuple(None if size == -1 else int(size) for size in detail["shape_signature"])
    dtype = np.dtype(detail["dtype"]).name
    scale, zero_point = detail["quantization"]
    steps = Steps(float(scale), int(zero_point)) if dtype in {"int8", "uint8"} and scale else None
    return TensorSpec(detail["name"], shape, dtype, steps)


def _tapped(model: Model, flatbuffer: Any, taps: Sequence[str]) -> list[int]:
    from ssc_deploy.runtimes.tflite_schema import name_of

    subgraph = flatbuffer.subgraphs[0]
    computed = [int(index) for operator in subgraph.operators for index in operator.outputs]
    indices = {name_of(subgraph.tensors[index]): index for index in computed}
    for name in taps:
        if name not in indices:
            raise refused(model, f"it has no tensor {name!r} to look at")
    return [indices[name] for name in taps]


def _with_outputs(flatbuffer: Any, outputs: Sequence[int]) -> bytes:
    from ssc_deploy.runtimes.tflite_schema import pack

    # Each output once; a runner returns it as often as it was asked for.
    flatbuffer.subgraphs[0].outputs = list(dict.fromkeys(outputs))
    # A signature names all outputs; the copy needs none.
    flatbuffer.signatureDefs = None
    return pack(flatbuffer)
