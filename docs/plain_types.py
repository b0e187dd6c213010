"""For mkdocstrings: shows ``Annotated[str, ...]`` as ``str``; what else it says is for the program that reads."""

from __future__ import annotations

from typing import Any

import griffe


class PlainTypes(griffe.Extension):
    """Takes what stands in ``Annotated`` beside the type away, at any depth."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Is called for each field."""
        attr.annotation = _plain(attr.annotation)


def _plain(expression: Any) -> Any:
    if isinstance(expression, griffe.ExprSubscript):
        # By its name as it is written: what it is imported from may not have been read yet.
        if str(expression.left) == "Annotated" and isinstance(expression.slice, griffe.ExprTuple):
            return _plain(expression.slice.elements[0])
        expression.slice = _plain(expression.slice)
    elif isinstance(expression, griffe.ExprTuple):
        expression.elements = [_plain(element) for element in expression.elements]
    elif isinstance(expression, griffe.ExprBinOp):
        expression.left, expression.right = _plain(expression.left), _plain(expression.right)
    return expression
