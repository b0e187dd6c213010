"""An ``.onnx`` file in place of a checkpoint: is it one that the pipeline can start from? Imports no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX model tells about itself.

    Attributes:
        name: of its graph, or of the file where the graph has none.
        input_shape: [1, C, H, W].
        classes: number of outputs where the output is [N, classes].
        sha256: of the file, hexadecimal.
    """

    name: str
    input_shape: tuple[int, int, int, int]
    classes: int | None
    sha256: str


def inspect(path: Path) -> OnnxFile:
    """Checks the file and reads its shapes.

    Raises:
        CheckpointError: no valid ONNX model, or not one float32 picture in (static but for the batch) and one output.
    """
    import onnx

    if not path.is_file() or not path.stat().st_size:
        raise CheckpointError(f"{path} is empty, or there is no such file.")
    try:
        # By path, so that weights in files beside it are checked, too, and may lie nowhere else.
        onnx.checker.check_model(str(path))
        model = onnx.load(path, load_external_data=False)
    except (onnx.checker.ValidationError, OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise CheckpointError(f"{path} is not a valid ONNX model: {reason}") from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise CheckpointError(f"{path} needs exactly one input, a picture; it has {len(inputs)}: {names}.")
    if len(model.graph.output) != 1:
        names = ", ".join(value.name for value in model.graph.output)
        raise CheckpointError(f"{path} needs exactly one output; it has {len(model.graph.output)}: {names}.")
    kind, shape = inputs[0].type.tensor_type.elem_type, _shape(inputs[0])
    if kind != onnx.TensorProto.FLOAT:
        raise CheckpointError(
            f"{path}: input {inputs[0].name} is of type {onnx.TensorProto.DataType.Name(kind)}; float32 is needed."
        )
    if len(shape) != 4 or not all(isinstance(n, int) and n > 0 for n in shape[1:]):
        raise CheckpointError(
            f"{path}: input {inputs[0].name} has shape {shape}; [N, C, H, W] is needed, where only N may be open: "
            "export it with a picture of fixed size."
        )
    out = _shape(model.graph.output[0])
    classes = out[1] if len(out) == 2 and isinstance(out[1], int) else None
    return OnnxFile(model.graph.name or path.stem, (1, shape[1], shape[2], shape[3]), classes, digest)


def _shape(value: Any) -> list[Any]:
    """Dimensions: a number, the name of an open one, or None for an open one without a name."""
    return [
        dimension.dim_value if dimension.HasField("dim_value") else dimension.dim_param or None
        for dimension in value.type.tensor_type.shape.dim
    ]
