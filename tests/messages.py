"""The texts in the code, messages among them."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import ssc_deploy
from ssc_deploy import cli
from ssc_deploy.cli import flags

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(ssc_deploy.__file__).parent

#: Stands for what is put into a message, in places where a value may stand.
_VALUE = "PUT_IN"


@functools.cache
def trees() -> dict[Path, ast.Module]:
    """The code of the package, parsed once for all tests of a process."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


def templates(*without: Path) -> list[str]:
    """All texts but docstrings, with … for what is put into them.

    Args:
        without: folders and files whose code is left out.
    """
    folders = [path for path in _templates() if not any(path.is_relative_to(one) for one in without)]
    return [text for path in folders for text in _templates()[path]]


@functools.cache
def _templates() -> dict[Path, list[str]]:
    return {path: list(_texts(tree)) for path, tree in trees().items()}


def _texts(tree: ast.Module) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    other = {node.value for node in nodes if isinstance(node, ast.Expr)}
    other |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in other:
            yield node.value


def shown(template: str) -> str:
    """A template as the command line shows it."""
    return flags.spelled(template.replace("…", _VALUE), cli.main).replace(_VALUE, "…")
