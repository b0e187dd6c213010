"""The stages of an export: one call makes the canonical form of a source, one the bytes of a file."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import output_of_graph
from ssc_deploy.errors import LoweringError, shown
from ssc_deploy.exporting import describing
from ssc_deploy.exporting.formats import Format
from ssc_deploy.metadata import (
    ChannelNumbers,
    FileQuantization,
    InputTensor,
    IntegerGrid,
    ModelMetadata,
    NamedOutput,
    Weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import onnx_ir as ir

    from ssc_deploy.capture import Capture
    from ssc_deploy.exporting.quantizing import Prepared
    from ssc_deploy.lower import Lowered, LoweringOptions
    from ssc_deploy.rewrite import RewriteReport
    from ssc_deploy.source import Source

    Progress = Callable[[str, str], None]

_PACKAGES = ("ssc-deploy", "torch", "onnx", "onnx-ir", "onnxscript", "ai-edge-litert")


@dataclass(frozen=True)
class Canonical:
    """A source in canonical form.

    Attributes:
        source: what the user pointed at.
        captured_nodes: nodes of the graph as captured.
        model: canonical ONNX.
        report: what the rewrite recognised.
    """

    source: Source
    captured_nodes: int
    model: ir.Model
    report: RewriteReport


def canonicalise(source: Source, *, progress: Progress | None = None, check: bool = False) -> Canonical:
    """Captures a source and rewrites it into canonical form.

    Args:
        source: what the user pointed at.
        progress: is called with each stage's name and one line about it.
        check: check the graph after every rule.
    """
    from ssc_deploy.rewrite import rewrite

    say = progress or (lambda _stage, _line: None)
    captured = captured_from(source)
    nodes = len(captured.model.graph)
    say("capture", describing.capture(captured))
    report = rewrite(captured.model, check=check)
    say("rewrite", str(report))
    if source.signature.image:
        output_of_graph.note(captured.model, source.signature.image)
    return Canonical(source, nodes, captured.model, report)


def captured_from(source: Source, *, only_look: bool = False) -> Capture:
    """The graph as captured: the module is exported, or the ONNX file is read. See `capture` for ``only_look``."""
    from ssc_deploy import capture

    if source.module is not None:
        return capture.capture(source.module, source.signature, only_look=only_look)
    assert source.onnx_path is not None  # a source has one or the other
    return capture.read_onnx(source.onnx_path, source.signature)


def lower(canonical: Canonical, form: Format, options: LoweringOptions) -> Lowered:
    """The graph for the runtime of a format."""
    from ssc_deploy import lower as lowering

    chosen = options.of(form.target)
    if not canonical.source.signature.rows:
        whole = canonical.source.input_shape[0]
        if chosen.batch not in {1, whole}:
            raise LoweringError(
                f"the network takes its inputs as one whole (the first is {list(canonical.source.input_shape)}), so "
                "that the file has no other batch; leave `batch` out"
            )
        chosen = dataclasses.replace(chosen, batch=whole)
    return lowering.lower(canonical.model, form.target, chosen)


@dataclass(frozen=True)
class Built:
    """A file, not yet written.

    Attributes:
        data: its bytes; of a folder those of all its files.
        operators: how many it has; of a plan its steps.
        folder: the files by name, where the format is a folder.
        delegates: parts of a ``.tflite`` file that LiteRT hands to XNNPACK; None of an ``.onnx`` file.
        outside: operators of a ``.tflite`` file that run outside of these, by their type, in order.
        takes: what it can be given, in words.
    """

    data: bytes
    operators: int
    folder: Mapping[str, bytes] | None = None
    delegates: int | None = None
    outside: tuple[str, ...] = ()
    takes: str = ""


def build(
    source: Source,
    form: Format,
    lowered: Lowered,
    opset: int | None = None,
    *,
    quantized: Prepared | None = None,
    other: Lowered | None = None,
) -> Built:
    """Writes the file's bytes, and lets LiteRT tell what it hands to XNNPACK.

    Args:
        source: of the network.
        form: of the file.
        lowered: its graph.
        opset: of an ``.onnx`` file.
        quantized: what is held in fewer bits; None for float32.
        other: the graph for images of another size, where the file is to take images of any.

    Raises:
        LoweringError: the graph depends on the size of images.
    """
    metadata = _metadata(source, lowered, form, other)
    plan = None if quantized is None else quantized.plan
    weights = quantized.mode if quantized is not None and plan is None else None
    if quantized is not None:
        metadata = dataclasses.replace(metadata, quantization=_quantization(quantized))
    if form is Format.ONNX:
        from ssc_deploy.emit import onnx as emit_onnx

        model = lowered.model
        if other is not None:
            from ssc_deploy.emit import onnx_any_size

            model = model.clone()
            onnx_any_size.free(model, other.model)
        if plan is not None:
            from ssc_deploy.quantize import insert

            model = model.clone()
            insert.insert(model, plan)
        data = emit_onnx.build(model, metadata, opset=opset or emit_onnx.DEFAULT_OPSET, weights=weights)
        return Built(data, len(model.graph), takes=metadata.takes)
    if form is Format.C:
        if quantized is not None:
            from ssc_deploy.lower.target import FLOAT32_ALONE

            raise LoweringError(FLOAT32_ALONE)
        return _package(source, lowered, metadata)
    from ssc_deploy.emit import tflite
    from ssc_deploy.runtimes.litert import DELEGATE, LiteRT

    data = tflite.build(lowered.model, metadata, plan, weights, other=None if other is None else other.model)
    runner = LiteRT().load(data)
    delegates = runner.operators.count(DELEGATE)
    return Built(data, len(runner.operators) - delegates, None, delegates, tuple(runner.outside), metadata.takes)


def _package(source: Source, lowered: Lowered, metadata: ModelMetadata) -> Built:
    """The folder of C sources."""
    import onnx_ir as ir

    from ssc_deploy.emit import c
    from ssc_deploy.lower import native

    plan = native.plan(lowered.model)
    unit = output_of_graph.unit_names(ir.to_proto(lowered.model).graph)
    files = c.build(plan, metadata, source.stem, unit)
    return Built(b"".join(files.values()), len(plan.steps), files, takes=metadata.takes)


def _quantization(quantized: Prepared) -> FileQuantization:
    """What a file says of its integers: enough to prove it again, with the checkpoint alone."""
    from ssc_deploy.quantize import digits

    plan = quantized.plan
    if plan is None:
        return FileQuantization(quantized.mode.value)
    grids = tuple(IntegerGrid(name, grid.scale, grid.zero_point) for name, grid in plan.grids.items())
    factors, corrections = (
        tuple(ChannelNumbers(name, *digits.written(one)) for name, one in numbers.items())
        for numbers in (plan.factors, plan.corrections)
    )
    return FileQuantization(
        quantized.mode.value, plan.io.value, plan.weight_bits, plan.exclude, grids, factors, corrections
    )


def weights_of(source: Source) -> Weights | None:
    """Which weights of its checkpoint a source has."""
    if source.weights is None:
        return None
    role = source.weights.role if source.weights.role in {"raw", "averaged"} else "unknown"
    return Weights(role, shown(source.weights.entry))


def _metadata(source: Source, lowered: Lowered, form: Format, other: Lowered | None) -> ModelMetadata:
    from ssc_deploy.ir import roles

    signature, batch = source.signature, lowered.report.batch or 0
    meanings = output_of_graph.noted(lowered.model)
    return ModelMetadata(
        network=source.name,
        source=source.path.name if source.path else "",
        source_sha256=source.sha256,
        layout="NHWC" if form is Format.TFLITE else "NCHW",
        input_shape=(batch, *source.input_shape[1:]),
        preprocessing=source.preprocessing,
        labels=source.labels,
        lowering=lowered.report.summary(),
        versions=_versions(),
        output=meanings[0] if len(meanings) == 1 else None,
        weights=weights_of(source),
        movements=roles.movements(lowered.model),
        dynamic=() if other is None else _open_sizes(lowered, other),
        inputs=()
        if signature.image
        else tuple(
            InputTensor(tensor.name, (batch, *tensor.shape[1:]) if signature.rows else tensor.shape, tensor.dtype)
            for tensor in signature.inputs
        ),
        outputs=()
        if len(signature.names) == 1
        else tuple(map(NamedOutput, signature.names, meanings or [None] * len(signature.names))),
    )


def _open_sizes(lowered: Lowered, other: Lowered) -> tuple[str, ...]:
    """The names of the sizes that differ between the images of two graphs."""
    from ssc_deploy.emit.onnx_any_size import NAMES

    one, two = (tuple(each.model.graph.inputs[0].shape or ()) for each in (lowered, other))
    return tuple(name for axis, name in NAMES.items() if one[axis] != two[axis])


def _versions() -> dict[str, str]:
    """Versions of the packages that make a file. One format does not need the packages of the other."""
    installed = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed
