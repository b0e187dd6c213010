"""Which module each node of a captured graph belongs to, and which values are what a module returns."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from ssc_deploy.ir import roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx_ir as ir

_SCOPES = "pkg.torch.onnx.name_scopes"


def mark_modules(graph: ir.Graph, calls: Mapping[str, int], leaves: frozenset[str]) -> None:
    """Marks nodes with their module, and values with the modules that return them.

    A module's outputs are the values made in it and read outside of it. They are marked only where there are as many
    as the module was called, so that a mark never claims what it does not know.

    Args:
        graph: as ``torch.onnx.export`` made it, with the paths in its metadata.
        calls: by module path, how often the module returned a tensor.
        leaves: paths of modules without children. What a leaf returns at the end of its parent is named by the parent.
    """
    paths: dict[ir.Node, str] = {}
    for node in graph:
        scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "['']"))
        paths[node] = scopes[-2] if len(scopes) > 1 else ""
        roles.set_block(node, paths[node])
    returned = _returned(graph, paths)
    marks: dict[ir.Value, list[str]] = defaultdict(list)
    for path in sorted(returned, key=lambda p: -p.count(".")):
        if len(returned[path]) == calls.get(path, 0):
            for call, value in enumerate(returned[path]):
                marks[value].append(f"{path}@{call}" if call else path)
    for value, names in marks.items():
        if len(names) > 1 and names[0] in leaves:
            names[0], names[1] = names[1], names[0]
        for name in names:
            roles.add_output_of(value, name)


def _returned(graph: ir.Graph, paths: Mapping[ir.Node, str]) -> dict[str, list[ir.Value]]:
    """By module path, the values that are made in the module and read outside of it."""
    computed = set(graph.inputs)  # from the image; constants are not the output of a module
    found: dict[str, list[ir.Value]] = defaultdict(list)
    for node in graph:
        if not any(value in computed for value in node.inputs):
            continue
        computed.update(node.outputs)
        for value in node.outputs:
            users = {paths.get(user, "") for user, _ in value.uses()} | ({""} if value.is_graph_output() else set())
            for path in _enclosing(paths[node]) if users else []:
                if not all(_is_inside(user, path) for user in users):
                    found[path].append(value)
    return found


def _enclosing(path: str) -> list[str]:
    parts = path.split(".") if path else []
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _is_inside(path: str, of: str) -> bool:
    return path == of or path.startswith(f"{of}.")
