"""From another exporter's file to ONNX as written, with static shapes and a batch of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.errors import CaptureError, LoweringError
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir

    from ssc_deploy.signature import Signature

#: To which opset files of older ones are brought.
OPSET = 19


def read(path: Path, signature: Signature) -> ir.Model:
    """Reads the file as if it had been captured.

    Each value counts as the output of a block of its own name, so that reports speak the file's language.

    Args:
        path: an ``.onnx`` file.
        signature: of the network in it.

    Raises:
        CheckpointError: the file is not a valid ONNX model.
        CaptureError: the file uses an opset that cannot be brought up to date, holds sparse tensors, or is fixed to a
            batch that its images cannot be taken out of.
    """
    import onnx_ir as ir
    from onnx_ir.passes import common

    from ssc_deploy.source import onnx_file

    try:
        model = ir.from_proto(onnx_file.load(path))
    except ir.serde.SerdeError as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise CaptureError(f"{path.name} cannot be read: {cause}; export it without that") from error
    common.RemoveInitializersFromInputsPass()(model)
    batch = 1
    for value, tensor in zip(model.graph.inputs, signature.inputs, strict=True):
        stated = value.shape[0] if value.shape is not None and signature.rows else None
        batch = stated if isinstance(stated, int) and stated > 1 else 1
        value.shape = ir.Shape((batch, *tensor.shape[1:]) if signature.rows else tensor.shape)
    _bring_up_to_date(model, path.name)
    for node in model.graph:
        name = (node.name or node.outputs[0].name or "").strip("/")
        roles.set_block(node, name.replace(" ", "_"))
        for value in node.outputs:
            if value.name:
                roles.add_output_of(value, value.name.replace(" ", "_"))
    if batch > 1:
        _take_one(model, path.name, batch)
    return model


def _bring_up_to_date(model: ir.Model, name: str) -> None:
    from onnxscript import version_converter

    from ssc_deploy.capture.quiet import quiet

    opset = model.opset_imports.get("", OPSET)
    if opset >= OPSET:
        return
    with quiet():
        version_converter.convert_version(model, target_version=OPSET, fallback=True)
    if model.opset_imports.get("") != OPSET:
        raise CaptureError(
            f"{name}: opset {opset} cannot be converted to {OPSET}; export it again with a newer opset, 17 for example"
        )
    for node in model.graph.all_nodes():
        if opset < 11 and node.op_type == "Resize":
            # Upsample, and Resize of opset 10, know this alone; the converter leaves the newer default.
            node.attributes.add(_attribute("coordinate_transformation_mode", "asymmetric"))
            node.attributes.add(_attribute("nearest_mode", "floor"))


def _attribute(name: str, value: str) -> ir.Attr:
    import onnx_ir as ir

    return ir.AttrString(name, value)


def _take_one(model: ir.Model, name: str, batch: int) -> None:
    """Brings a graph that is fixed to a batch to a batch of one, where its images do not mix."""
    from ssc_deploy.capture import supported
    from ssc_deploy.capture.fold_constants import FoldConstants
    from ssc_deploy.ir.batch import set_batch

    FoldConstants()(model)
    supported.check(model)
    _share_rows(model, batch)
    try:
        set_batch(model, 1)
    except LoweringError as error:
        reason = str(error).partition(": ")[2].partition("; ")[0]
        raise CaptureError(
            f"{name} is fixed to a batch of {batch}, and one image cannot be taken out of it: {reason}; "
            "export it again with a batch of 1 or a dynamic batch"
        ) from error
    for node in model.graph:
        for value in node.outputs:
            value.shape = None  # of the batch of old; they follow from the input


def _share_rows(model: ir.Model, batch: int) -> None:
    """Constants that hold the same for every image of the batch keep one row of it.

    Of elementwise operators, which spread such a row over all images.
    """
    from ssc_deploy.ir import graph as g
    from ssc_deploy.ir.batch_rules import ELEMENTWISE

    for node in model.graph:
        rank = len(g.shape_of(node.outputs[0]) or ())
        for i, value in enumerate(node.inputs if node.op_type in ELEMENTWISE else ()):
            array = g.constant(value)
            if array is None or array.ndim != rank or not rank or array.shape[0] != batch:
                continue
            if (array == array[:1]).all():
                assert value is not None  # it holds an array
                node.replace_input_with(i, g.initializer(model.graph, f"{value.name}/row", np.array(array[:1])))
