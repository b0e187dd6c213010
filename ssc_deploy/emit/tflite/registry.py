"""The table of ONNX operators that can be written, and the decorator that fills it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

#: Writes one node into the graph.
Emit = Callable[["Graph", "ir.Node"], None]


class OperatorTable(dict[str, Emit]):
    """Functions by ONNX operator; refuses a second one for the same operator."""

    def register(self, *op_types: str) -> Callable[[Emit], Emit]:
        """Decorates the function that writes the operators ``op_types``.

        The first paragraph of the function's docstring says which operators of TFLite it writes: users read it in
        ``ssc-deploy inspect --operators`` and in the documentation.
        """

        def add(function: Emit) -> Emit:
            for op_type in op_types:
                if op_type in self:
                    raise KeyError(f"operator {op_type} is registered twice")
                self[op_type] = function
            return function

        return add

    def summary(self, op_type: str) -> str:
        """What is written for an operator, for users: the first paragraph of its function's docstring, in one line."""
        paragraph, _, _ = inspect.cleandoc(self[op_type].__doc__ or "").partition("\n\n")
        return " ".join(paragraph.split()).replace("``", "`").removesuffix(".")


OPERATORS = OperatorTable()
operator = OPERATORS.register
