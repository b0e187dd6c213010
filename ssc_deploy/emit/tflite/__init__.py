"""Writes a lowered graph as TFLite: the flatbuffer itself, through the schema that LiteRT ships, without TensorFlow.

Feature maps (rank-4 values) become NHWC, values of other ranks stay as they are. `build` is all that other stages need.
How it is made: `operators` has one function an ONNX operator. Each asks `graph.Graph` for its inputs in the axis order
that it needs, and adds TFLite's operators to the `flatbuffer.Writer` through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.refusal import RefusedError
    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.quantize.plan import Mode, Plan


def build(
    model: ir.Model,
    metadata: ModelMetadata,
    plan: Plan | None = None,
    weights: Mode | None = None,
    *,
    other: ir.Model | None = None,
) -> bytes:
    """Writes ``model`` as a TFLite file.

    The same model gives the same bytes. Tensors carry the names of the ONNX values that they hold; one of rank 4 that
    carries a value's name holds it as NHWC.

    Args:
        model: a lowered graph: shapes known except for the batch, which may be dynamic.
        metadata: stored in the file, with its layout set to ``"NHWC"``.
        plan: which values are 8-bit integers, of the canonical graph that was lowered; see `integers`.
        weights: a mode of `quantize.weights.COMPACT`: how the kernels, which are rounded so already, are held.
        other: the same network, lowered in the same way, for images of another size: the file then takes both, and any
            other size. See `any_size`.

    Returns:
        the file's bytes: one subgraph, one signature ``serving_default`` with the graph's input and output names.

    Raises:
        UnsupportedOperatorError: operators, or uses of them, that have no counterpart here; the sentence names all.
        EmitError: a shape is unknown, or an input is of a type that no file holds.
        LoweringError: the network depends on the size of images in a way that no file can say.
    """
    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.operators import OPERATORS

    at_other = None if other is None else Graph(other, OPERATORS, plan, weights, fits_any_size=True)
    return Graph(model, OPERATORS, plan, weights, fits_any_size=other is not None).build(metadata, at_other)


def refused(model: ir.Model) -> list[RefusedError]:
    """The operators of a lowered graph that cannot be written, all of them, in its order.

    Raises:
        EmitError: an input of a type or shape that cannot be written.
    """
    from ssc_deploy.emit.tflite.graph import Graph
    from ssc_deploy.emit.tflite.operators import OPERATORS

    return Graph(model, OPERATORS).refused()


def in_float(data: bytes) -> tuple[str, ...]:
    """What a file with integers computes in float32 all the same, in words: operator, and what it writes.

    Args:
        data: of a file that `build` wrote with a plan.
    """
    from ssc_deploy.runtimes.tflite_schema import name_of, operator_name, schema, unpack

    model = unpack(data)
    found = []
    for operator in model.subgraphs[0].operators:
        name = operator_name(model.operatorCodes[operator.opcodeIndex])
        written = model.subgraphs[0].tensors[operator.outputs[0]]
        if name != "DEQUANTIZE" and written.type == schema.TensorType.FLOAT32:
            found.append(f"{name} {name_of(written).removesuffix('/sum')}")
    return tuple(found)
