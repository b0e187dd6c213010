"""Gives values readable names, in the graph, in reports and in the files.

A value that a module returns is named like the module (``body.7.ssc1``); any other value by the module that it is
computed in and its operator (``body.7/Relu``). The graph's inputs and outputs have the names that the capture noted
(`ir.ports`); a module of one of these names does not get it.
"""

from __future__ import annotations

from collections import Counter

import onnx_ir as ir

from ssc_deploy.ir import ports, roles


class Name(ir.passes.InPlacePass):
    """Names values and nodes; see the module's docstring. The order of the graph decides, so that names are stable."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        graph = model.graph
        inputs, outputs = ports.names(model)
        names: dict[ir.Value, str] = dict(zip(graph.inputs, inputs, strict=True))
        names.update(zip(graph.outputs, outputs, strict=True))
        paths = {path for node in graph for value in node.outputs for path in roles.outputs_of(value)}
        taken = Counter([*names.values(), *paths])
        given = set(names.values())
        for node in graph:
            for value in node.outputs:
                if value not in names:
                    path = roles.block(node)
                    free = [of for of in roles.outputs_of(value) if of not in given]
                    names[value] = (
                        free[0] if free else _unique(f"{path}/{node.op_type}" if path else node.op_type, taken)
                    )
                    given.add(names[value])
        for constant in dict.fromkeys(v for node in graph for v in node.inputs if v is not None and v not in names):
            names[constant] = _unique(_stem(constant.name or "constant"), taken)
        changed = [value for value, name in names.items() if value.name != name]
        if changed:
            ir.convenience.rename_values(changed, [names[value] for value in changed])
        for node in graph:
            node.name = node.outputs[0].name
        return ir.passes.PassResult(model, bool(changed))


def _unique(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}_{taken[name]}"


def _stem(name: str) -> str:
    """The name without the number that `graph.initializer` may have put behind it."""
    head, _, tail = name.rpartition("_")
    return head if tail.isdecimal() and "/" in head else name
