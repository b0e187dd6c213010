"""No module imports one of a later stage: the order of the stages, and what holds it."""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

import pytest
from messages import PACKAGE, trees

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: Folders and modules of the package, in the order in which the data passes them. What stands on one line is one stage;
#: a module imports from its own stage and from earlier ones. Imports for type checkers alone do not count.
ORDER = (
    ("errors", "signature", "examples"),
    ("extras", "garbage", "storage"),
    ("ir",),
    ("output_kind", "labels", "metadata", "card", "batches"),
    ("pictures", "data"),
    ("nets",),
    ("checkpoint",),
    ("runtimes", "native"),
    ("source", "capture"),
    ("rewrite",),
    ("quantize",),
    ("lower",),
    ("emit",),
    ("output_of_graph",),
    ("verification",),
    ("golden",),
    ("exporting",),
    ("predict", "inspection"),
    ("profiling", "evaluation"),
    ("report", "bundling", "tuning", "training", "zoo", "paper", "schemas"),
    ("android",),
    ("cli",),
    ("__main__",),
)
STAGE = {name: at for at, names in enumerate(ORDER) for name in names}


def modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def run(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements and those inside them, without what is for type checkers alone. Expressions import nothing."""
    for statement in statements:
        yield statement
        for_checkers = isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"
        for part in () if for_checkers else ("body", "handlers", "cases"):
            yield from run(getattr(statement, part, []))
        for part in ("orelse", "finalbody"):
            yield from run(getattr(statement, part, []))


@functools.cache
def imported(path: Path) -> set[str]:
    """The folders and modules of this package that a file imports when it runs, wherever in it."""
    found = set()
    for node in run(trees()[path].body):
        if isinstance(node, ast.ImportFrom) and node.module == "ssc_deploy":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("ssc_deploy."):
            found.add(str(node.module).split(".")[1])
    return found


def test_every_part_of_the_package_has_its_stage() -> None:
    assert {name_of(path) for path in modules()} == set(STAGE)


@pytest.mark.parametrize("name", sorted(STAGE))
def test_no_module_imports_a_later_stage(name: str) -> None:
    later = {
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in modules()
        if name_of(path) == name
        for other in imported(path)
        if STAGE[other] > STAGE[name]
    }
    assert not later
