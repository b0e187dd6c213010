"""ONNX Runtime: .onnx files, pictures as NCHW."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy import metadata as file_metadata
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes.files import check_inputs, first_line, installed_version, parse_metadata, read, refused
from ssc_deploy.runtimes.protocol import Model, Steps, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import onnx

#: Behind a tapped tensor's name: the output that holds a copy of it.
_TAPPED = "/tapped"

#: What the integers of an ``.onnx`` file are above those of the plan, which are signed.
OFFSET = 128

_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}


class OnnxRuntime:
    """The runtime for ``.onnx``; see `ssc_deploy.runtimes.protocol.Runtime`."""

    name = "onnxruntime"
    title = "ONNX Runtime"
    image_layout = "NCHW"

    @property
    def version(self) -> str:
        """Of the installed package."""
        return installed_version("onnxruntime")

    def load(
        self,
        model: Model,
        *,
        threads: int = 1,
        taps: Sequence[str] = (),
        optimize: bool = True,
        integers: bool = True,
    ) -> OnnxRunner:
        """Loads a file that holds its own weights (ONNX can keep them in other files; those are not read).

        Without ``optimize`` it loads faster and runs each node as it stands: for graphs that run a few times. Without
        ``integers`` what stands between DequantizeLinear and QuantizeLinear is computed in float32, as it is written:
        kernels for integers saturate on processors with AVX2 alone.
        """
        data = read(model)
        names = None
        if taps:
            proto = _parse(model, data)
            names = [info.name for info in proto.graph.output] + list(taps)
            data = _with_outputs(model, proto, taps)
        return OnnxRunner(_session(model, data, threads=threads, optimize=optimize, integers=integers), names)

    def tensors(self, model: Model) -> dict[str, TensorSpec]:
        """All activations in the order of execution; needs the package onnx."""
        return _tensors(_parse(model, read(model)))

    def tapped(self, model: Model, taps: Sequence[str]) -> bytes:
        """A copy of the file with more outputs; needs the package onnx."""
        return _with_outputs(model, _parse(model, read(model)), taps)

    def metadata(self, model: Model) -> file_metadata.ModelMetadata | None:
        """What the exporter stored in the model's ``metadata_props``."""
        session = _session(model, read(model), optimize=False)
        text = session.get_modelmeta().custom_metadata_map.get(file_metadata.KEY)
        return None if text is None else parse_metadata(model, text)


class OnnxRunner:
    """A loaded ``.onnx`` file.

    Args:
        session: of ONNX Runtime.
        names: what to return, in this order; a name may stand there twice. None for the session's outputs.
    """

    def __init__(self, session: Any, names: Sequence[str] | None = None) -> None:
        self._session = session
        steps = _steps(session)
        outputs = [_spec(node, steps) for node in session.get_outputs()]
        outputs = [replace(spec, name=spec.name.removesuffix(_TAPPED)) for spec in outputs]
        positions = {spec.name: position for position, spec in enumerate(outputs)}
        self._positions = [positions[name] for name in (positions if names is None else names)]
        self.inputs = tuple(_spec(node, steps) for node in session.get_inputs())
        self.outputs = tuple(outputs[position] for position in self._positions)

    def run(self, inputs: Sequence[npt.NDArray[np.generic]]) -> list[npt.NDArray[Any]]:
        """Runs the file once; see `ssc_deploy.runtimes.protocol.Runner`."""
        check_inputs(self.inputs, inputs)
        feeds = {spec.name: array for spec, array in zip(self.inputs, inputs, strict=True)}
        try:
            outputs = self._session.run(None, feeds)
        except _failures() as error:
            raise RuntimeLoadError(f"ONNX Runtime fails while it runs the file: {first_line(error)}.") from error
        return [outputs[position] for position in self._positions]


def _session(model: Model, data: bytes, *, threads: int = 1, optimize: bool = True, integers: bool = True) -> Any:
    onnxruntime = _import()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    if not integers:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_DISABLE_ALL
    try:
        # Its fallback to other providers prints to standard output, and there are no others.
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=False)
    except _failures() as error:
        raise refused(model, f"ONNX Runtime refuses it ({first_line(error)})") from error


def _import() -> Any:
    # Official builds from 1.29 on send telemetry unless told not to, and write files for it when they are imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeLoadError("onnxruntime is not installed; install it with: pip install onnxruntime") from error
    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()
    return onnxruntime


def _failures() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a model or an input that it cannot take; the classes share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, name) for name in names), state.RuntimeException, RuntimeError, ValueError)


def _spec(node: Any, steps: dict[str, Steps]) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    dtype = _DTYPES.get(node.type, node.type.removeprefix("tensor(").removesuffix(")"))
    return TensorSpec(node.name, shape, dtype, steps.get(node.name) if dtype == "uint8" else None)


def _steps(session: Any) -> dict[str, Steps]:
    """What the exporter says of integer inputs and outputs: ONNX itself has no place for it."""
    text = session.get_modelmeta().custom_metadata_map.get(file_metadata.KEY)
    if text is None or '"quantization"' not in text:
        return {}
    with contextlib.suppress(RuntimeLoadError):
        about = parse_metadata(b"", text)
        if about is not None and about.quantization is not None:
            return {one.name: Steps(one.scale, one.zero_point + OFFSET) for one in about.quantization.grids}
    return {}


def _parse(model: Model, data: bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    try:
        proto: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise refused(model, "it is damaged or cut off") from error
    return proto


def _tensors(proto: onnx.ModelProto) -> dict[str, TensorSpec]:
    import onnx

    graph = onnx.shape_inference.infer_shapes(proto).graph
    constants = {initializer.name for initializer in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    infos = (*graph.input, *graph.value_info, *graph.output)
    # Sequences and optionals have no dtype; nor has what shape inference does not know.
    known = {info.name: info.type.tensor_type for info in infos if info.type.tensor_type.elem_type}
    names = [info.name for info in graph.input] + [name for node in graph.node for name in node.output]
    tensors = {}
    for name in names:
        if name in known and name not in constants:
            sizes = known[name].shape.dim
            shape = tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)
            dtype = onnx.helper.tensor_dtype_to_np_dtype(known[name].elem_type)
            tensors[name] = TensorSpec(name, shape, np.dtype(dtype).name)
    return tensors


def _with_outputs(model: Model, proto: onnx.ModelProto, taps: Sequence[str]) -> bytes:
    import onnx

    computed = {name for node in proto.graph.node for name in node.output}
    there = {info.name for info in proto.graph.output}
    for name in taps:
        if name not in computed:
            raise refused(model, f"it has no tensor {name!r} to look at")
        if name not in there:
            # Not the tensor itself: ONNX Runtime 1.32 fuses Conv and Add although the Conv's result is an output, and
            # then misses it. What a second node reads is left alone.
            proto.graph.node.append(onnx.helper.make_node("Identity", [name], [name + _TAPPED]))
            # ONNX Runtime infers the type and the shape of an output that names neither.
            proto.graph.output.append(onnx.ValueInfoProto(name=name + _TAPPED))
            there.add(name)
    tapped: bytes = proto.SerializeToString()
    return tapped
