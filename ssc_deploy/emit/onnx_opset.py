"""Rewrites a graph of standard operators for another opset.

For every node the schema that its opset means is compared with the one that the wanted opset means. Where they are the
same version of the operator nothing happens. Every version between them is a step, up or down, that either only widened
the types (or added an attribute that is not used: `_UNCHANGED`), or has an adapter here. Anything else is refused by
name: ``onnx.version_converter`` is not used, because it renames values, drops metadata, and aborts on what it does not
know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx import defs

from ssc_deploy import roles
from ssc_deploy.errors import EmitError, UnsupportedOperatorError
from ssc_deploy.rewrite import graph as g

if TYPE_CHECKING:
    from collections.abc import Callable

#: The opsets that can be written. Below 13, axes were attributes nearly everywhere; above 22, phones' runtimes stop.
OPSETS = range(13, 23)


def convert(model: ir.Model, opset: int) -> None:
    """Changes the model's default operator set to ``opset``, in place.

    Raises:
        EmitError: ``opset`` is not in `OPSETS`.
        UnsupportedOperatorError: an operator has no equal in that opset; names it and its block.
    """
    if opset not in OPSETS:
        raise EmitError(f"opset {opset} cannot be written; choose one from {OPSETS[0]} to {OPSETS[-1]}")
    graph = model.graph
    current = graph.opset_imports.get("", model.opset_imports.get(""))
    if current is None:
        raise EmitError("the graph does not say which opset its operators are of")
    for node in tuple(graph):
        if node.domain == "":
            _convert_node(node, current, opset)
    graph.opset_imports[""] = opset


def _convert_node(node: ir.Node, current: int, opset: int) -> None:
    node.version = None  # or it would contradict the graph
    if any(a.type in {ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS} for a in node.attributes.values()):
        raise UnsupportedOperatorError(f"{_where(node)} contains a graph; networks with control flow cannot be written")
    wanted, found = _since(node.op_type, opset), _since(node.op_type, current)
    if wanted == found and wanted is not None:
        return
    if wanted is None or found is None:
        raise UnsupportedOperatorError(f"{_where(node)} does not exist in opset {opset if wanted is None else current}")
    up = wanted > found
    low, high = sorted((wanted, found))
    steps = [v for v in _versions(node.op_type) if low < v <= high]
    for version in steps if up else reversed(steps):
        adapters = _UP if up else _DOWN
        adapter = adapters.get((node.op_type, version), _unchanged)
        reason = adapter(node, version)
        if reason is not None:
            raise UnsupportedOperatorError(f"{_where(node)} cannot be written in opset {opset}: {reason}")


def _where(node: ir.Node) -> str:
    return f"{node.op_type} {node.name or node.outputs[0].name} of block {roles.block(node) or '(root)'}"


def _since(op_type: str, opset: int) -> int | None:
    """Version of the operator that the opset means; None where there is none."""
    if not defs.has(op_type, opset, ""):
        return None
    return defs.get_schema(op_type, opset, "").since_version


def _versions(op_type: str) -> list[int]:
    return sorted({_since(op_type, opset) or 0 for opset in range(1, OPSETS[-1] + 1)} - {0})


def _unchanged(node: ir.Node, version: int) -> str | None:
    """A step that only widened types, or added attributes: nothing to do where the older one knows all attributes."""
    if version not in _UNCHANGED.get(node.op_type, ()):
        return f"version {version} of the operator means something else"
    return None


def _drop_default(name: str, default: object) -> Callable[[ir.Node, int], str | None]:
    """Down: an attribute that was added goes where it has its default; other values have no older equal."""

    def adapter(node: ir.Node, version: int) -> str | None:
        attribute = node.attributes.pop(name, None)
        if attribute is None or attribute.value == default or _all_equal(attribute.value, default):
            return None
        return f"its {name} needs version {version}"

    return adapter


def _all_equal(value: object, default: object) -> bool:
    return isinstance(value, (list, tuple)) and all(v == default for v in value)


def _nothing(_node: ir.Node, _version: int) -> None:
    return None


def _average_pool(node: ir.Node, version: int) -> str | None:
    """Version 19 added dilations, and corrected what is counted where ceil_mode lets a window leave the borders."""
    if g.integer(node, "ceil_mode", 0) and g.integer(node, "count_include_pad", 0):
        return f"version {version} changed ceil_mode together with count_include_pad"
    return _drop_default("dilations", 1)(node, version)


def _pad_axes_down(node: ir.Node, _version: int) -> str | None:
    """Pad 18 names the axes that its borders are for; before, borders of all axes are given."""
    if len(node.inputs) < 4 or node.inputs[3] is None:
        return None
    pads, axes, output = g.constant(node.inputs[1]), g.constant(node.inputs[3]), node.outputs[0].shape
    if pads is None or axes is None or output is None:
        return "its borders are no constants"
    full = np.zeros((2, len(output)), np.int64)
    full[:, axes] = pads.reshape(2, -1)
    node.replace_input_with(1, _initializer(node, "pads", full.reshape(-1)))
    node.resize_inputs(3)
    return None


def _pad_mode_down(node: ir.Node, version: int) -> str | None:
    mode = node.attributes.get("mode")
    return f"its mode wrap needs version {version}" if mode is not None and mode.as_string() == "wrap" else None


def _axes_to_attribute(node: ir.Node, _version: int) -> str | None:
    """Reductions had their axes as an attribute before 18."""
    noop = node.attributes.pop("noop_with_empty_axes", None)
    if len(node.inputs) < 2 or node.inputs[1] is None:
        return "it reduces nothing" if noop is not None and noop.as_int() else None
    axes = g.constant(node.inputs[1])
    if axes is None:
        return "its axes are no constant"
    node.resize_inputs(1)
    node.attributes["axes"] = ir.AttrInt64s("axes", axes.tolist())
    return None


def _axes_to_input(node: ir.Node, _version: int) -> None:
    axes = node.attributes.pop("axes", None)
    if axes is not None:
        node.resize_inputs(2)
        node.replace_input_with(1, _initializer(node, "axes", np.array(axes.as_ints(), np.int64)))


def _split_sizes_down(node: ir.Node, _version: int) -> str | None:
    """Split 18 may give the number of parts, the last of which may be smaller; before, only equal parts or sizes."""
    if node.attributes.pop("num_outputs", None) is None:
        return None
    axis, sizes = g.integer(node, "axis", 0), []
    for output in node.outputs:
        shape = g.shape_of(output)
        if shape is None:
            return "its parts have no static shape"
        sizes.append(shape[axis])
    node.resize_inputs(2)
    node.replace_input_with(1, _initializer(node, "split", np.array(sizes, np.int64)))
    return None


def _split_sizes_up(node: ir.Node, _version: int) -> None:
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.attributes["num_outputs"] = ir.AttrInt64("num_outputs", len(node.outputs))


def _initializer(node: ir.Node, label: str, array: np.typing.NDArray[np.int64]) -> ir.Value:
    graph = node.graph
    assert isinstance(graph, ir.Graph)  # nodes come from walking the model's graph
    return g.initializer(graph, f"{node.outputs[0].name}/{label}", array)


_ANY_TYPE = "Cast Constant ConstantOfShape Flatten Identity Reshape Shape Squeeze Transpose Unsqueeze"
_REDUCTIONS = "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare"

# Versions of an operator that compute the same as the one before, for the types and attributes that that one has.
_UNCHANGED: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_ANY_TYPE.split(), (14, 16, 19, 21)),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Relu"), (14,)),
    "AveragePool": (22,),
    "BatchNormalization": (15,),
    "Conv": (22,),
    "ConvTranspose": (22,),
    "Dropout": (22,),
    "Elu": (22,),
    "GlobalAveragePool": (22,),
    "GlobalMaxPool": (22,),
    "HardSigmoid": (22,),
    "HardSwish": (22,),
    "InstanceNormalization": (22,),
    "LeakyRelu": (16,),
    "MaxPool": (22,),
    "Mish": (22,),
    "PRelu": (16,),
    "Pad": (21,),
    "Pow": (15,),
    "Selu": (22,),
    "Softplus": (22,),
    "Where": (16,),
}
_UP: dict[tuple[str, int], Callable[[ir.Node, int], str | None]] = {
    **{(name, 18): _axes_to_input for name in _REDUCTIONS.split()},
    ("AveragePool", 19): _average_pool,
    ("BatchNormalization", 14): _nothing,
    ("Pad", 18): _nothing,
    ("Pad", 19): _nothing,
    ("Split", 18): _split_sizes_up,
    ("ReduceMax", 20): _nothing,
    ("ReduceMin", 20): _nothing,
}
_DOWN: dict[tuple[str, int], Callable[[ir.Node, int], str | None]] = {
    **{(name, 18): _axes_to_attribute for name in _REDUCTIONS.split()},
    ("AveragePool", 19): _average_pool,
    ("BatchNormalization", 14): _drop_default("training_mode", 0),
    ("Pad", 18): _pad_axes_down,
    ("Pad", 19): _pad_mode_down,
    ("Reshape", 14): _drop_default("allowzero", 0),
    ("Split", 18): _split_sizes_down,
    ("ReduceMax", 20): _nothing,
    ("ReduceMin", 20): _nothing,
}
