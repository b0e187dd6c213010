"""Refuses operators that no rule and no emitter can handle, after constants are folded.

Then branches with a constant condition are gone, and so are sequences of known length. The others depend on the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir
from onnx import defs

from ssc_deploy.capture.user_line import line_of
from ssc_deploy.errors import CaptureError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import ports, roles

if TYPE_CHECKING:
    from collections.abc import Callable

#: Domains of the operators that ONNX Runtime's optimizer and its quantization tools write.
_ONNX_RUNTIME = ("com.microsoft", "com.ms.")

#: Parts of the names of operators that compute with whole numbers in place of floating-point ones.
_QUANTISED = ("QLinear", "QuantizeLinear", "QGemm", "QAttention", "Integer", "NBits", "DynamicQuantize", "Bnb4")


class Supported(ir.passes.InPlacePass):
    """Changes nothing; see `check`."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        check(model)
        return ir.passes.PassResult(model, modified=False)


def check(model: ir.Model) -> None:
    """Refuses a graph that cannot be exported.

    Args:
        model: with its constants folded.

    Raises:
        CaptureError: the network returns a constant, or a tensor without a single number; or an operator is not of the
            ONNX standard, is quantised, holds a graph of its own, or returns something else than one tensor of known
            shape.
    """
    graph = model.graph
    for value in graph.outputs:
        if _is_empty(value):
            raise CaptureError(
                f"the network returns an empty tensor, of shape {list(g.shape_of(value) or ())}; its output must have "
                "at least one number"
            )
    constants = [value for value in graph.outputs if g.is_constant(value)]
    if len(constants) == len(graph.outputs):
        raise CaptureError("what the network returns does not depend on its image, so there is nothing to export")
    if constants:
        _, names = ports.names(model)
        named = dict(zip(graph.outputs, names, strict=True))
        others = [name for value, name in named.items() if value not in constants]
        raise CaptureError(
            f"the output {named[constants[0]]} does not depend on what the network is given; keep it beside the file, "
            f"and export the others: `outputs={tuple(others)}`"
        )
    for node in graph:
        for refusal in _REFUSALS:
            reason = refusal(node)
            if reason is not None:
                raise CaptureError(f"{roles.where(node)}{line_of(node)} {reason}")


def refusal_of_operator(schema: defs.OpSchema) -> str | None:
    """Why an operator cannot be exported, however it is used, as the rest of a sentence; None if it can.

    Args:
        schema: of the operator.
    """
    graphs = [
        ir.AttrGraph(name, ir.Graph([], [], nodes=[]))
        for name, attribute in schema.attributes.items()
        if attribute.type == defs.OpSchema.AttrType.GRAPH
    ]
    of_tensors = all(
        any(kind.startswith("tensor") for kind in formal.types) for formal in (*schema.inputs, *schema.outputs)
    )
    kind = None if of_tensors else ir.SequenceType(ir.TensorType(ir.DataType.FLOAT))
    node = ir.Node("", schema.name, [], graphs, outputs=[ir.Value(type=kind)])
    return next((reason for refusal in _REFUSALS if (reason := refusal(node)) is not None), None)


def _quantised(node: ir.Node) -> str | None:
    if node.op_type == "DequantizeLinear" or not any(part in node.op_type for part in _QUANTISED):
        return None
    return "is of a quantised network, and those are not taken yet: export the network before it was quantised"


def _foreign(node: ir.Node) -> str | None:
    if not node.domain:
        return None
    if node.domain.startswith(_ONNX_RUNTIME):
        return (
            f"is of {node.domain}, ONNX Runtime's own operators, as its optimizer writes them: take the model as it "
            "was before it was optimized"
        )
    return (
        f"is of {node.domain}, not of the ONNX standard: export the network with standard operators, or with a "
        "definition of this one as a function in the file"
    )


def _holds_a_graph(node: ir.Node) -> str | None:
    kinds = {attribute.type for attribute in node.attributes.values()}
    if not kinds & {ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS}:
        return None
    return (
        "is control flow that depends on the image, or a loop; runtimes on phones run one fixed sequence of steps: "
        "write it without, for example with torch.where instead of a branch, and a loop of fixed length in Python"
    )


def _returns_no_tensor(node: ir.Node) -> str | None:
    kinds = [type(value.type) for value in node.outputs if value.type is not None]
    if node.op_type.startswith(("Sequence", "SplitToSequence", "Optional")) or any(
        issubclass(kind, ir.SequenceType | ir.OptionalType) for kind in kinds
    ):
        return "works on a list of tensors that cannot be resolved: write the network with tensors alone"
    return None


def _size_unknown(node: ir.Node) -> str | None:
    if all(g.shape_of(value) is not None for value in node.outputs if value.name or value.uses()):
        return None
    return (
        "returns a tensor whose size depends on the image's values, or cannot be told: files for phones have fixed "
        "sizes, so write it with tensors of fixed size, for example with a mask"
    )


def _empty(node: ir.Node) -> str | None:
    for value in node.outputs:
        if _is_empty(value):
            shape = list(g.shape_of(value) or ())
            return f"returns {shape}, a tensor without values, which runtimes on phones do not take"
    return None


def _bias_misfits(node: ir.Node) -> str | None:
    if node.op_type not in {"Conv", "ConvTranspose"} or len(node.inputs) < 3:
        return None
    weight, bias = g.shape_of(node.inputs[1]), g.shape_of(node.inputs[2])
    if weight is None or bias is None:
        return None
    channels = weight[0] if node.op_type == "Conv" else weight[1] * g.integer(node, "group", 1)
    if bias == (channels,):
        return None
    return (
        f"has a bias of {list(bias)} for {channels} channels, with which no runtime runs it: export the network again; "
        "PyTorch's exporter writes such a bias for a Conv3d without one unless it optimizes the graph"
    )


def _is_empty(value: ir.Value) -> bool:
    shape = g.shape_of(value)
    return shape is not None and 0 in shape


_REFUSALS: tuple[Callable[[ir.Node], str | None], ...] = (
    _quantised,
    _foreign,
    _holds_a_graph,
    _returns_no_tensor,
    _size_unknown,
    _empty,
    _bias_misfits,
)
