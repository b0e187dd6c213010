"""What holds of every node of the intermediate form, operator by operator: one rule a function.

ONNX itself says how many inputs an operator has, which attributes, and which types; and it infers what comes out
(`_against_onnx`). The rules below say the rest: what a runtime needs as well, and the ranks, constants and attributes
of what `roles` marks. A rule returns the rest of a sentence about the node, or None if it holds. What is not known,
a shape or a constant, is not judged.

An operand that no role asks to be constant may be computed from the image: that is the user's network. An emitter that
cannot write it says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import onnx
import onnx_ir as ir
from onnx import defs, helper, numpy_helper, shape_inference

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

Rule = Callable[[ir.Node], str | None]

#: By operator and by role.
RULES: dict[str, list[Rule]] = defaultdict(list)

#: Operators of which rules build nodes or change the shapes, so that the shapes that they wrote down are compared with
#: what ONNX infers. For others, its inference and a runtime may differ: of a pool with ``ceil_mode``, say.
_SHAPED = g.ACTIVATIONS | {
    *("Abs", "Add", "Concat", "Conv", "DepthToSpace", "Flatten", "Gather", "Gemm", "GlobalAveragePool", "Identity"),
    *("LogSoftmax", "Max", "Mul", "Neg", "Pad", "Reshape", "Slice", "Softplus", "SpaceToDepth", "Split", "Sub"),
    "Transpose",
}

#: Constants of more numbers than this say nothing about a shape.
_LARGEST = 256


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Decorates a rule for all nodes of these operators, or with these roles."""

    def add(function: Rule) -> Rule:
        for kind in kinds:
            RULES[kind].append(function)
        return function

    return add


def violation(node: ir.Node, opset: int) -> str | None:
    """Why the node is not of the intermediate form, as the rest of a sentence; None if it is.

    Args:
        node: in a graph.
        opset: the version of ONNX's operators that the graph is of.
    """
    kinds = (node.op_type, roles.role(node) or "")
    reasons = (function(node) for kind in kinds for function in RULES.get(kind, ()))
    return _against_onnx(node, opset) or next((reason for reason in reasons if reason), None)


def _against_onnx(node: ir.Node, opset: int) -> str | None:
    """Whether ONNX knows such a node, and infers the types and shapes that the graph says its outputs have."""
    given = [value for value in node.inputs if value is not None]
    graphs = any(a.type in {ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS} for a in node.attributes.values())
    if node.domain or graphs or any(not isinstance(value.type, ir.TensorType) for value in given):
        return None  # what is not a node on tensors, `supported` refuses as soon as constants are folded
    schema = schema_of(node.op_type, opset)
    if schema is None:
        return f"does not exist in opset {opset}"
    try:
        inferred = shape_inference.infer_node_outputs(
            schema,
            ir.serde.serialize_node(node),
            {value.name or "": _type(value) for value in given},
            {value.name or "": tensor for value in given if (tensor := _tensor(value)) is not None},
            opset_imports=[helper.make_opsetid("", opset)],
        )
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        return f"is not a valid node of ONNX: {str(error).strip().partition(chr(10))[0]}"
    for value in node.outputs:
        known = inferred.get(value.name or "")
        if known is not None:
            reason = _differs(value, known.tensor_type, shaped=node.op_type in _SHAPED)
            if reason is not None:
                return reason
    return None


@cache
def schema_of(op_type: str, opset: int) -> defs.OpSchema | None:
    """What the opset means by the operator; None if it has none."""
    schema = defs.get_schema(op_type, opset, "") if defs.has(op_type, opset, "") else None
    return None if schema is None or schema.deprecated else schema


def _type(value: ir.Value) -> onnx.TypeProto:
    shape: Sequence[int | None] | None = None
    if value.shape is not None:
        shape = [size if isinstance(size, int) else None for size in value.shape]
    return helper.make_tensor_type_proto(int(value.dtype or 0), shape)


def _tensor(value: ir.Value) -> onnx.TensorProto | None:
    shape = g.shape_of(value)
    array = None if shape is None or math.prod(shape) > _LARGEST else g.constant(value)
    return None if array is None else numpy_helper.from_array(array, value.name)


def _differs(value: ir.Value, inferred: onnx.TypeProto.Tensor, *, shaped: bool) -> str | None:
    if value.dtype is not None and inferred.elem_type and value.dtype != inferred.elem_type:
        return f"gives {ir.DataType(inferred.elem_type)}, but {value.name} is {value.dtype}"
    stated = g.shape_of(value)
    if not shaped or stated is None or not inferred.HasField("shape"):
        return None
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in inferred.shape.dim]
    same = len(sizes) == len(stated) and all(a in {None, b} for a, b in zip(sizes, stated, strict=True))
    return None if same else f"gives {sizes}, but {value.name} is {list(stated)}"


def _shapes(node: ir.Node) -> tuple[tuple[int, ...] | None, ...]:
    return tuple(g.shape_of(value) for value in node.inputs)


@rule("Conv")
def _conv(node: ir.Node) -> str | None:
    """[N, C, ...] * [O, C / group, ...] + [O]; the group divides O."""
    data, weight, *bias = _shapes(node)
    group = g.integer(node, "group", 1)
    if data is None or weight is None:
        return None
    if len(weight) != len(data) or weight[1] * group != data[1] or weight[0] % group:
        return f"has a kernel of {list(weight)} for {list(data)} and {group} groups"
    if g.ints(node, "kernel_shape", weight[2:]) != weight[2:]:
        return f"says that its kernel is {list(g.ints(node, 'kernel_shape', ()))}, but it is {list(weight[2:])}"
    if bias and bias[0] is not None and bias[0] != weight[:1]:
        return f"has an offset of {list(bias[0])} for {weight[0]} channels"
    return None


@rule("Clip")
def _clip(node: ir.Node) -> str | None:
    """A bound is one number."""
    wrong = [shape for shape in _shapes(node)[1:] if shape is not None and math.prod(shape) != 1]
    return f"has a bound of {list(wrong[0])}" if wrong else None


@rule("Flatten", "Reshape")
def _view(node: ir.Node) -> str | None:
    """As many numbers come out as go in."""
    before, after = g.shape_of(node.inputs[0]), g.shape_of(node.outputs[0])
    if before is None or after is None or math.prod(before) == math.prod(after):
        return None
    return f"makes {list(after)} of {list(before)}"


@rule("DepthToSpace", "SpaceToDepth")
def _depth(node: ir.Node) -> str | None:
    """[N, C, H, W] whose channels, or pixels, are whole blocks."""
    shape, block = g.shape_of(node.inputs[0]), g.integer(node, "blocksize", 1)
    if shape is None:
        return None
    whole = shape[1] % block**2 == 0 if node.op_type == "DepthToSpace" else all(n % block == 0 for n in shape[2:])
    return None if whole else f"cuts {list(shape)} into blocks of {block}"


@rule(roles.Role.SHUFFLE)
def _shuffle(node: ir.Node) -> str | None:
    """``Gather(axis=1)`` with constant indices [C]."""
    if node.op_type != "Gather" or g.integer(node, "axis", 0) != 1:
        return "is marked as a shuffle but does not gather channels"
    indices = g.constant(node.inputs[1])
    return None if indices is not None and indices.ndim == 1 else "is marked as a shuffle but has no constant order"


@rule(roles.Role.GROUP_POINTWISE)
def _group_pointwise(node: ir.Node) -> str | None:
    """``Conv`` with a constant kernel [O, C / group, 1, 1] and a group above 1."""
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weight is not None and weight.shape[2:] == (1, 1) and g.integer(node, "group", 1) > 1:
        return None
    return "is marked as a group pointwise but is none"


@rule(roles.Role.FRAMES)
def _frames(node: ir.Node) -> str | None:
    """A cut, a join or zeros on [T, C, H, W]; all operands but the frames are constants."""
    if node.op_type not in {"Concat", "Pad", "Slice"}:
        return "is marked as a shift between frames but computes"
    operands = node.inputs[1:] if node.op_type != "Concat" else ()
    known = all(g.constant(value) is not None for value in operands if value is not None)
    return None if known else "is marked as a shift between frames but how far is computed"


_REARRANGE = frozenset({"Clip", "Concat", "DepthToSpace", "Gather", "Pad", "Slice", "SpaceToDepth"})


@rule(roles.Role.REARRANGEMENT)
def _rearrangement(node: ir.Node) -> str | None:
    """One of the operators of `rewrite.rearrangement_steps`, on images; all operands but the images are constants."""
    if node.op_type not in _REARRANGE:
        return "is marked as a rearrangement but computes"
    images = node.inputs if node.op_type == "Concat" else node.inputs[:1]
    operands = [g.constant(value) for value in node.inputs[len(images) :] if value is not None]
    if any(len(g.shape_of(value) or ()) != 4 for value in images):
        return "is marked as a rearrangement but works on something else than images"
    if any(operand is None for operand in operands):
        return "is marked as a rearrangement but where it moves numbers is computed"
    if node.op_type == "Clip" and (len(operands) != 2 or any(bound.any() for bound in operands if bound is not None)):
        return "is marked as a rearrangement but does not make zeros"
    return None
