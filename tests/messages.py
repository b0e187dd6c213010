"""The texts in the code, messages among them."""

from __future__ import annotations

import ast
from pathlib import Path

import ssc_deploy
from ssc_deploy import cli
from ssc_deploy.cli import flags

PACKAGE = Path(ssc_deploy.__file__).parent

#: Stands for what is put into a message, in places where a value may stand.
_VALUE = "PUT_IN"


def templates(without: Path | None = None) -> list[str]:
    """All texts but docstrings, with … for what is put into them.

    Args:
        without: a folder whose code is left out.
    """
    found = []
    for path in PACKAGE.rglob("*.py"):
        if without is not None and path.is_relative_to(without):
            continue
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        other = {node.value for node in nodes if isinstance(node, ast.Expr)}
        other |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in other:
                found.append(node.value)
    return found


def shown(template: str) -> str:
    """A template as the command line shows it."""
    return flags.spelled(template.replace("…", _VALUE), cli.main).replace(_VALUE, "…")
