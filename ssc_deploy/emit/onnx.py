"""A lowered graph becomes the bytes of an ``.onnx`` file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir
from onnx import checker, helper, shape_inference

from ssc_deploy import metadata as file_metadata
from ssc_deploy.emit import onnx_compact
from ssc_deploy.emit.onnx_opset import OPSETS, convert
from ssc_deploy.emit.onnx_simplify import SimplifyReport, simplifies
from ssc_deploy.errors import EmitError

if TYPE_CHECKING:
    from ssc_deploy.quantize.plan import Mode

__all__ = ["DEFAULT_OPSET", "OPSETS", "SimplifyReport", "build", "simplifies"]

#: The newest opset that the runtimes on today's phones load without exception.
DEFAULT_OPSET = 17

_PRODUCER = "ssc-deploy"
_OURS = "ssc_deploy."


def build(
    model: ir.Model, metadata: file_metadata.ModelMetadata, *, opset: int = DEFAULT_OPSET, weights: Mode | None = None
) -> bytes:
    """The content of an ``.onnx`` file.

    Nodes are named as their first output, so after the block that they belong to. Of the metadata in the graph only
    this package's own stays (role and block of a node): an exporter's holds stack traces with paths of the machine it
    ran on. The same arguments give the same bytes.

    Args:
        model: standard operators; it is left as it is.
        metadata: goes into the file as JSON under `metadata.KEY`, and in words for people who look at the file.
        opset: one of `OPSETS`; the IR version follows from it.
        weights: a mode of `quantize.weights.COMPACT`: how the kernels, which are rounded so already, are held.

    Raises:
        EmitError: an opset out of range, an operator that has no equal in it, or a graph that ONNX's own checker
            refuses.
    """
    written = model.clone()
    convert(written, opset)
    if weights is not None:
        onnx_compact.rewrite(written, weights)
    _strip(written)
    _name_nodes(written)
    ir.external_data.load_to_model(written)
    written.graph.name = metadata.network
    _describe(written, metadata)
    # Another domain's version says nothing where none of its operators is left.
    domains = {node.domain for node in written.graph}
    for unused in [domain for domain in written.graph.opset_imports if domain and domain not in domains]:
        del written.graph.opset_imports[unused]
    proto = ir.to_proto(written)
    proto.ir_version = helper.find_min_ir_version_for(list(proto.opset_import))
    try:
        checker.check_model(proto, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise EmitError(f"ONNX's checker refuses the graph at opset {opset}: {error}") from error
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _strip(model: ir.Model) -> None:
    model.metadata_props.clear()
    model.doc_string = None
    graph = model.graph
    graph.doc_string = None
    graph.metadata_props.clear()
    values = [*graph.inputs, *graph.initializers.values()]
    for node in graph:
        node.doc_string = None
        for key in [key for key in node.metadata_props if not key.startswith(_OURS)]:
            del node.metadata_props[key]
        values.extend(node.outputs)
    for value in values:
        value.doc_string = None
        value.metadata_props.clear()


def _name_nodes(model: ir.Model) -> None:
    for node in model.graph:
        node.name = node.outputs[0].name


def _describe(model: ir.Model, metadata: file_metadata.ModelMetadata) -> None:
    model.producer_name = _PRODUCER
    model.producer_version = metadata.versions.get(_PRODUCER, "")
    model.doc_string = f"{metadata.network}, made of {metadata.source} (SHA-256 {metadata.source_sha256})"
    model.metadata_props[file_metadata.KEY] = metadata.to_json()
    model.metadata_props["network"] = metadata.network
    model.metadata_props["source"] = metadata.source
    model.metadata_props["source_sha256"] = metadata.source_sha256
    model.metadata_props["input"] = metadata.takes
    if metadata.lowering:
        model.metadata_props["lowering"] = ", ".join(f"{k}={v}" for k, v in sorted(metadata.lowering.items()))
    if metadata.versions:
        model.metadata_props["versions"] = ", ".join(f"{k} {v}" for k, v in sorted(metadata.versions.items()))
    if metadata.output:
        model.metadata_props["output"] = metadata.output.kind
    if metadata.labels:
        model.metadata_props["labels"] = ", ".join(metadata.labels)
    preprocessing = metadata.preprocessing
    if preprocessing is not None:
        model.metadata_props["preprocessing"] = (
            f"{preprocessing.colour} pixels, (pixel / 255 - mean) / std with mean {list(preprocessing.mean)} "
            f"and std {list(preprocessing.std)}"
            + (f"; images of another size: {preprocessing.resize}" if preprocessing.resize else "")
        )
