"""An ``.onnx`` or ``.tflite`` file as it is, whatever program wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy import runtimes
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.inspection.report import Finding, Inspection, Stage, StageReport

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.inspection.report import Layer
    from ssc_deploy.metadata import ModelMetadata


def inspect(path: Path) -> Inspection:
    """Reads the file; sizes that are open count as 1.

    Raises:
        RuntimeLoadError: its runtime refuses it.
    """
    runtime = runtimes.runtime_for(path)
    runner = runtime.load(path)
    metadata = runtime.metadata(path)
    delegates = whole = None
    if path.suffix.lower() == ".tflite":
        from ssc_deploy.runtimes.litert import LiteRT

        delegates, whole = LiteRT().delegates(path), LiteRT().whole_in_delegate(path)
    layers = layers_of(path, metadata)
    facts = [f"{runtime.title} {runtime.version} takes it", f"{path.stat().st_size / 1e6:.1f} MB"]
    if delegates is not None:
        outside = "" if whole else ", and operators outside"
        facts.append(f"{delegates} delegate partition{'' if delegates == 1 else 's'}{outside}")
    specs = [("input", spec) for spec in runner.inputs] + [("output", spec) for spec in runner.outputs]
    tensors = [
        Finding(
            "", what, f"{spec.name}: {spec.dtype} [{', '.join('any' if n is None else str(n) for n in spec.shape)}]"
        )
        for what, spec in specs
    ]
    return Inspection(
        name=metadata.network if metadata else path.stem,
        file=str(path),
        stage=Stage.FILE,
        target=None,
        parameters=sum(layer.parameters for layer in layers),
        layers=layers,
        stages=(StageReport(Stage.FILE, " · ".join(facts), (*tensors, *_about(metadata))),),
        metadata=metadata,
        delegates=delegates,
        whole_in_delegate=whole,
    )


def _about(metadata: ModelMetadata | None) -> list[Finding]:
    if metadata is None:
        return []
    texts = {
        "source": f"{metadata.source} (SHA-256 {metadata.source_sha256[:12]}...)",
        "weights": str(metadata.weights) if metadata.weights else "",
        "lowering": ", ".join(f"{role}={name}" for role, name in metadata.lowering.items()),
        "output": metadata.output.kind if metadata.output else "",
        "labels": ", ".join(metadata.labels),
        "versions": ", ".join(f"{name} {version}" for name, version in metadata.versions.items()),
    }
    return [Finding(None, what, text) for what, text in texts.items() if text]


def layers_of(path: Path, metadata: ModelMetadata | None) -> tuple[Layer, ...]:
    """The layers of a file that its runtime takes, in the order of execution.

    Args:
        path: the file.
        metadata: what it says about itself.

    Raises:
        RuntimeLoadError: its shapes contradict each other.
    """
    if path.suffix.lower() == ".tflite":
        from ssc_deploy.inspection import tflite_layers
        from ssc_deploy.runtimes.tflite_schema import unpack

        return tflite_layers.layers_of(unpack(path.read_bytes()), metadata.movements if metadata else None)
    return _onnx(path)


def _onnx(path: Path) -> tuple[Layer, ...]:
    import onnx
    import onnx_ir as ir

    from ssc_deploy.inspection import graph_layers

    proto = onnx.load(path)
    weights = {tensor.name for tensor in proto.graph.initializer}
    for value in proto.graph.input:
        for size in value.type.tensor_type.shape.dim:
            if value.name not in weights and not size.dim_value:
                size.dim_value = 1
    # Shapes that the file gives may still speak of the open sizes.
    del proto.graph.value_info[:]
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise RuntimeLoadError(f"{path}: its shapes contradict each other at an input of size 1: {error}") from error
    return graph_layers.layers_of(ir.from_proto(inferred))
