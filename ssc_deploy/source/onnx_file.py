"""An ``.onnx`` file in place of a checkpoint: checks that the pipeline can start from it. It does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CheckpointError
from ssc_deploy.signature import Signature, Tensor
from ssc_deploy.source.inputs import DTYPES
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import onnx


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX model says about itself.

    Attributes:
        name: of its graph, or of the file where the graph has none.
        signature: its inputs and outputs; an output whose size the file leaves open has an empty shape.
        sha256: of the file, hexadecimal.
    """

    name: str
    signature: Signature
    sha256: str


def load(path: Path) -> onnx.ModelProto:
    """Reads an ONNX model, checked, in the form that the rest of this package works with.

    - External weights are inside the model.
    - Functions are inlined.
    - Shapes that the file states for values inside it, and for its outputs, are dropped: they may be left over from
      another batch or another version of the graph, and they follow from the operators.
    - Sparse weights are dense.
    - A batch of 0 or less is open: older exporters wrote this if they did not know it.
    - float16 and bfloat16 are float32, and so is float64 if the input is float64, since networks are exported in
    float32.

    Raises:
        CheckpointError: the file is not a valid ONNX model, is of an opset that came later than this version of ONNX,
            or its weights are missing or cut off.
    """
    import onnx
    import onnx.defs
    import onnx.inliner
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    from ssc_deploy.source import onnx_types

    if not path.is_file() or not path.stat().st_size:
        raise CheckpointError(f"{path} is empty, or there is no such file.")
    try:
        # By path, so that external weights are checked, too. They must be below the folder of the file.
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
        CheckpointError: no valid ONNX model, or an input of open sizes (except for the batch) or of a type that no file
            has.
    """
    model = load(path)
    digest = sha256_of(path)
    given = picture_inputs(model.graph)
    if not given or not model.graph.output:
        what = "input, so that there is nothing to run it on" if not given else "output"
        raise CheckpointError(f"{path} has no {what}; export it again from a network that takes and returns tensors.")
    inputs = [_input(path, value) for value in given]
    rows = all(shape[0] is None or shape[0] == 1 for _, shape, _ in inputs) or len(inputs) == 1
    names = ["input"] if len(inputs) == 1 else [name for name, _, _ in inputs]
    taken = tuple(
        Tensor(name, (1 if rows else shape[0] or 1, *(size or 1 for size in shape[1:])), dtype, _most(dtype))
        for name, (_, shape, dtype) in zip(names, inputs, strict=True)
    )
    for returned in model.graph.output:
        if not returned.type.HasField("tensor_type"):
            raise CheckpointError(
                f"{path}: output {returned.name} is a sequence or optional; one tensor is needed: "
                "export it again from a network that returns one tensor."
            )
    outputs = outputs_named([value.name for value in model.graph.output], _output_shapes(model, rows=rows))
    return OnnxFile(model.graph.name or path.stem, Signature(taken, outputs, rows), digest)


def outputs_named(names: Sequence[str], shapes: Sequence[tuple[int, ...]] = ()) -> tuple[Tensor, ...]:
    """The outputs as files that are made of the network call them: several by their names, the only one ``output``.

    Args:
        names: in the file.
        shapes: of one run, where they are known.
    """
    given = names if len(names) > 1 else ["output"]
    return tuple(Tensor(name, shape) for name, shape in zip(given, shapes or [()] * len(given), strict=True))


def _input(path: Path, value: onnx.ValueInfoProto) -> tuple[str, list[int | None], str]:
    """Name, shape and dtype of an input; its batch is None if it is open.

    Raises:
        CheckpointError: no file can take it.
    """
    import onnx

    kind, shape = value.type.tensor_type.elem_type, _shape(value)
    if not value.type.HasField("tensor_type") or not kind:
        raise CheckpointError(f"{path}: input {value.name} is not a tensor; export a network that takes tensors.")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind).name
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{path}: input {value.name} is of type {dtype}; {', '.join(DTYPES)} can be taken: "
            "export the network without the conversion at its beginning."
        )
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape[1:]):
        raise CheckpointError(
            f"{path}: input {value.name} has shape {shape}; sizes must be fixed, and only the first, the batch, may be "
            "open, as in [N, C, H, W]: export it with inputs of fixed size."
        )
    return value.name, [shape[0] if isinstance(shape[0], int) else None, *shape[1:]], dtype


def _most(dtype: str) -> int | None:
    """The largest whole number that the file is given; what it is for, nobody can tell."""
    return None if dtype == "float32" else 1


def picture_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs that are not weights: files of IR version 3 list those as inputs, too."""
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


def _output_shapes(model: onnx.ModelProto, *, rows: bool) -> list[tuple[int, ...]]:
    """Of the outputs for one example, as they follow from the operators; empty if they do not."""
    import onnx

    count = len(model.graph.output)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return [()] * count
    found: list[tuple[int, ...]] = []
    for value in inferred:
        first, *rest = _shape(value) or [None]
        known = rows or isinstance(first, int)
        whole = known and all(isinstance(size, int) for size in rest) and bool(_shape(value))
        found.append((1 if rows else first, *rest) if whole else ())
    return found


def _shape(value: Any) -> list[Any]:
    """Dimensions: a number, the name of an open one, or None for an open one without a name."""
    return [
        dimension.dim_value if dimension.HasField("dim_value") else dimension.dim_param or None
        for dimension in value.type.tensor_type.shape.dim
    ]
