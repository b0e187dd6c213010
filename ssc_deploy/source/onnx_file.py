"""An ``.onnx`` file in place of a checkpoint: is it one that the pipeline can start from? Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CheckpointError
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    import onnx


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX model tells about itself.

    Attributes:
        name: of its graph, or of the file where the graph has none.
        input_shape: [1, C, H, W].
        classes: number of outputs where the output is [N, classes].
        output: its shape for one image; empty where the file leaves a size open.
        sha256: of the file, hexadecimal.
    """

    name: str
    input_shape: tuple[int, int, int, int]
    classes: int | None
    output: tuple[int, ...]
    sha256: str


def load(path: Path) -> onnx.ModelProto:
    """Reads an ONNX model, checked, in the form that the rest of this package works with.

    - Weights that lie in files beside it are in the model.
    - Functions are inlined.
    - Shapes that the file states for values inside it, and for its outputs, are dropped: they may be left over from
      another batch or another version of the graph, and they follow from the operators.
    - Sparse weights are dense.
    - A batch of 0 or less is open: older exporters wrote that where they did not know it.
    - float16 and bfloat16 are float32, and so is float64 where the input is float64: a network is exported in float32.

    Raises:
        CheckpointError: the file is no valid ONNX model, is of an opset that came later than this version of ONNX, or
            its weights are missing or cut off.
    """
    import onnx
    import onnx.defs
    import onnx.inliner
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    from ssc_deploy.source import onnx_types

    if not path.is_file() or not path.stat().st_size:
        raise CheckpointError(f"{path} is empty, or there is no such file.")
    try:
        # By path, so that weights in files beside it are checked, too, and may lie nowhere else.
        onnx.checker.check_model(str(path))
        model = onnx.load(path)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        onnx_types.densify(model.graph)
    except (onnx.checker.ValidationError, DecodeError, OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise CheckpointError(f"{path} is not a valid ONNX model: {reason}") from error
    newest: int = onnx.defs.onnx_opset_version()
    opset = max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=0)
    if opset > newest:
        raise CheckpointError(f"{path} is of opset {opset}; up to {newest} can be read: export it with an older one.")
    for value in picture_inputs(model.graph):
        for dimension in value.type.tensor_type.shape.dim[:1]:
            if dimension.HasField("dim_value") and dimension.dim_value < 1:
                dimension.ClearField("dim_value")
    for tensor in model.graph.initializer:
        if onnx_types.is_cut_off(tensor):
            raise CheckpointError(f"{path} is not complete: the file with its weights ends within {tensor.name}.")
    _drop_stated_shapes(model.graph)
    halves = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    doubles = {onnx.TensorProto.DOUBLE} if onnx.TensorProto.DOUBLE in _input_types(model.graph) else set()
    onnx_types.replace(model, halves | doubles, onnx.TensorProto.FLOAT)
    return model


def inspect(path: Path) -> OnnxFile:
    """Checks the file and reads its shapes.

    Raises:
        CheckpointError: no valid ONNX model, or not one picture of floating-point numbers in (static but for the batch)
            and one output.
    """
    import onnx

    model = load(path)
    digest = sha256_of(path)
    inputs = picture_inputs(model.graph)
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise CheckpointError(
            f"{path} needs exactly one input, a picture; it has {len(inputs)}: {names}; "
            "export it again from a network that takes one tensor."
        )
    if len(model.graph.output) != 1:
        names = ", ".join(value.name for value in model.graph.output)
        raise CheckpointError(
            f"{path} needs exactly one output; it has {len(model.graph.output)}: {names}; "
            "export it again from a network that returns one tensor."
        )
    kind, shape = inputs[0].type.tensor_type.elem_type, _shape(inputs[0])
    if kind != onnx.TensorProto.FLOAT:
        what = onnx.TensorProto.DataType.Name(kind).lower() if inputs[0].type.HasField("tensor_type") else "no tensor"
        raise CheckpointError(
            f"{path}: input {inputs[0].name} is of type {what}; float32 is needed: "
            "export the network without the conversion at its beginning."
        )
    if len(shape) != 4 or not all(isinstance(n, int) and n > 0 for n in shape[1:]):
        raise CheckpointError(
            f"{path}: input {inputs[0].name} has shape {shape}; [N, C, H, W] is needed, where only N may be open: "
            "export it with a picture of fixed size."
        )
    returned = model.graph.output[0]
    if not returned.type.HasField("tensor_type"):
        raise CheckpointError(
            f"{path}: output {returned.name} is a sequence or optional; one tensor is needed: "
            "export it again from a network that returns one tensor."
        )
    out = _output_shape(model)
    classes = out[1] if len(out) == 2 and isinstance(out[1], int) else None
    known = tuple(size for size in out[1:] if isinstance(size, int))
    output = known if len(known) == len(out) - 1 else ()
    return OnnxFile(model.graph.name or path.stem, (1, shape[1], shape[2], shape[3]), classes, output, digest)


def picture_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs that are no weights: files of IR version 3 list those as inputs, too."""
    initializers = {tensor.name for tensor in (*graph.initializer, *(s.values for s in graph.sparse_initializer))}
    return [value for value in graph.input if value.name not in initializers]


def _input_types(graph: onnx.GraphProto) -> set[int]:
    return {value.type.tensor_type.elem_type for value in picture_inputs(graph)}


def _drop_stated_shapes(graph: onnx.GraphProto) -> None:
    del graph.value_info[:]
    for value in graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _drop_stated_shapes(attribute.g)


def _output_shape(model: onnx.ModelProto) -> list[Any]:
    """Of the only output, as it follows from the operators; empty where it does not."""
    import onnx

    try:
        return _shape(onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output[0])
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return []


def _shape(value: Any) -> list[Any]:
    """Dimensions: a number, the name of an open one, or None for an open one without a name."""
    return [
        dimension.dim_value if dimension.HasField("dim_value") else dimension.dim_param or None
        for dimension in value.type.tensor_type.shape.dim
    ]
