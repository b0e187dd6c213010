"""Rewrites a graph of standard operators for another opset.

For every node the schema that its opset means is compared with the one that the wanted opset means. Where they are the
same version of the operator nothing happens. Every version between them is a step, up or down: either `onnx_steps` has
an adapter for it, or the two schemas tell that the node means the same in both. An operator that the wanted opset does
not have is written with those that it has (`onnx_substitutes`). Anything else is refused, with an opset that can:
``onnx.version_converter`` is not used, because it renames values, drops metadata, and aborts on what it does not know.
"""

from __future__ import annotations

import onnx_ir as ir
from onnx import defs, helper

from ssc_deploy.emit.onnx_steps import DOWN, UP
from ssc_deploy.emit.onnx_substitutes import SUBSTITUTES
from ssc_deploy.errors import EmitError, UnsupportedOperatorError
from ssc_deploy.ir import roles
from ssc_deploy.ir.specification import schema_of

#: The opsets that can be written. Below 13, axes were attributes nearly everywhere; above 22, phones' runtimes stop.
OPSETS = range(13, 23)


def convert(model: ir.Model, opset: int) -> None:
    """Changes the model's default operator set to ``opset``, in place.

    Raises:
        EmitError: ``opset`` is not in `OPSETS`.
        UnsupportedOperatorError: an operator has no equal in that opset; names it, its block, and an opset that can.
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
    where = roles.where(node)
    node.version = None  # or it would contradict the graph
    if any(a.type in {ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS} for a in node.attributes.values()):
        raise UnsupportedOperatorError(f"{where} contains a graph; networks with control flow cannot be written")
    found, wanted = schema_of(node.op_type, current), schema_of(node.op_type, opset)
    if found is None:
        raise UnsupportedOperatorError(f"{where} does not exist in opset {current}, which the graph says it is of")
    if wanted is None:
        if node.op_type not in SUBSTITUTES:
            # There is one: the operator exists in the graph's own opset.
            first = min(version for version in range(opset, current + 1) if schema_of(node.op_type, version))
            raise UnsupportedOperatorError(f"{where} does not exist in opset {opset}{_way_out(first)}")
        SUBSTITUTES[node.op_type](node)
        return
    low, high = sorted((found.since_version, wanted.since_version))
    steps = [version for version in _versions(node.op_type) if low < version <= high]
    up = opset > current
    for version in steps if up else reversed(steps):
        adapter = (UP if up else DOWN).get((node.op_type, version))
        reason = adapter(node, version) if adapter else None
        before, after = (schema_of(node.op_type, v) for v in ((version - 1, version) if up else (version, version - 1)))
        if reason is None and before is not None and after is not None:
            reason = _difference(node, before, after)
        if reason is not None:
            able = version - 1 if up else version
            raise UnsupportedOperatorError(f"{where} cannot be written in opset {opset}: {reason}{_way_out(able)}")


def _way_out(opset: int) -> str:
    return f"; choose `opset={opset}`" if opset in OPSETS else f"; no opset from {OPSETS[0]} to {OPSETS[-1]} can"


def _versions(op_type: str) -> list[int]:
    schemas = [schema_of(op_type, opset) for opset in range(1, defs.onnx_opset_version() + 1)]
    return sorted({schema.since_version for schema in schemas if schema is not None})


def _difference(node: ir.Node, before: defs.OpSchema, after: defs.OpSchema) -> str | None:
    """What of the node the version ``after`` does not have; attributes that only say their default are dropped.

    Versions that `onnx_steps` has no adapter for differ in types, in optional inputs, and in attributes by whose
    default the newer one does what the older one did.
    """
    for name in [name for name in node.attributes if name not in after.attributes]:
        if node.attributes[name].value != _default(before, name):
            return f"its {name} needs another version of the operator"
        del node.attributes[name]
    given = [i for i, value in enumerate(node.inputs) if value is not None]
    if given and given[-1] >= after.max_input:
        return f"its input {before.inputs[given[-1]].name} needs another version of the operator"
    if len(node.inputs) < after.min_input:
        return f"its input {after.inputs[len(node.inputs)].name} is left out, which needs another version"
    for values, formals in ((node.inputs, after.inputs), (node.outputs, after.outputs)):
        for i, value in enumerate(values):
            # The last one may stand for any number of them.
            formal = formals[min(i, len(formals) - 1)]
            if value is not None and value.dtype is not None and _type_name(value.dtype) not in formal.types:
                return f"its {formal.name} is {value.dtype}, which needs another version of the operator"
    return None


def _default(schema: defs.OpSchema, name: str) -> object:
    """An attribute's default; None if it has none."""
    attribute = schema.attributes[name].default_value
    if not attribute.type:
        return None
    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


def _type_name(dtype: ir.DataType) -> str:
    return f"tensor({dtype.name.lower()})"
