"""Einsum of one or two operands, as a matrix product.

    y[batch, left, right] = sum over s of a[batch, left, s] b[batch, s, right]

Letters that both operands and the result have are the batch; those of one operand are its rows or columns; those that
only the operands have are summed. What one operand alone has and the result has not is summed before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph


@dataclass(frozen=True)
class _Term:
    """A value, and a letter for each of its axes."""

    value: ir.Value
    letters: str


@operator("Einsum")
def einsum(graph: Graph, node: ir.Node) -> None:
    """BATCH_MATMUL behind TRANSPOSE and RESHAPE, one operand after the other; SUM of one operand."""
    f = Formula(graph, node)
    equation = node.attributes["equation"].as_string().replace(" ", "")
    values = [f.input(i) for i in range(len(node.inputs))]
    letters, wanted = _letters(node, equation, [len(f.shape(value)) for value in values])
    term, *rest = [_Term(*pair) for pair in zip(values, letters, strict=True)]
    for i, other in enumerate(rest):
        term = _product(f, term, other, set(wanted).union(*letters[i + 2 :]))
    f.give(_turned(f, _summed(f, term, set(wanted)), wanted))


def _letters(node: ir.Node, equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """A letter an axis, for each operand and for the result; axes under an ellipsis get digits."""
    left, _, right = equation.partition("->")
    terms = left.split(",")
    widest = max(rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True))
    dots = "0123456789"[:widest]
    for i, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        own = rank - len(term.replace("...", ""))
        terms[i] = term.replace("...", dots[widest - own :])
    if any(len(set(term)) < len(term) for term in terms):
        raise refuse(node, f"its equation {equation!r} reads a diagonal")
    joined = "".join(terms)
    implied = dots + "".join(sorted(one for one in set(joined) if joined.count(one) == 1 and one not in dots))
    return terms, right.replace("...", dots) if "->" in equation else implied


def _product(f: Formula, a: _Term, b: _Term, needed: set[str]) -> _Term:
    """The product of two operands; of letters that are not needed the sum."""
    a, b = _summed(f, a, needed | set(b.letters)), _summed(f, b, needed | set(a.letters))
    both = [one for one in a.letters if one in b.letters]
    batch, summed = [one for one in both if one in needed], [one for one in both if one not in needed]
    rows, columns = ([one for one in term.letters if one not in both] for term in (a, b))
    sizes: dict[str, int] = {}
    for term in (a, b):
        for one, size in zip(term.letters, f.shape(term.value), strict=True):
            sizes[one] = max(size, sizes.get(one, 1))
    a, b = (_spread(f, term, sizes) for term in (a, b))
    letters = "".join(batch + rows + columns)
    if not summed:
        # A product number by number, with axes of 1 where an operand lacks a letter.
        sides = [
            f.op(
                "Reshape",
                _turned(f, term, "".join(batch + own)),
                integers(*(sizes[one] if one in term.letters else 1 for one in letters)),
            )
            for term, own in ((a, rows), (b, columns))
        ]
        return _Term(f.op("Mul", *sides), letters)
    n, k = (math.prod(sizes[one] for one in some) for some in (batch, summed))
    left = f.op("Reshape", _turned(f, a, "".join(batch + rows + summed)), integers(n, -1, k))
    right = f.op("Reshape", _turned(f, b, "".join(batch + summed + columns)), integers(n, k, -1))
    product = f.op("MatMul", left, right)
    return _Term(f.op("Reshape", product, integers(*(sizes[one] for one in letters))), letters)


def _spread(f: Formula, term: _Term, sizes: Mapping[str, int]) -> _Term:
    """The term with every axis of its full size; under an ellipsis one of 1 is broadcast."""
    wanted = tuple(sizes[one] for one in term.letters)
    if f.shape(term.value) == wanted:
        return term
    return _Term(f.op("Mul", term.value, np.ones(wanted, np.float32)), term.letters)


def _summed(f: Formula, term: _Term, needed: set[str]) -> _Term:
    axes = [axis for axis, one in enumerate(term.letters) if one not in needed]
    if not axes:
        return term
    kept = "".join(one for one in term.letters if one in needed)
    return _Term(f.op("ReduceSum", term.value, np.array(axes), keepdims=0), kept)


def _turned(f: Formula, term: _Term, wanted: str) -> ir.Value:
    if term.letters == wanted:
        return term.value
    return f.op("Transpose", term.value, perm=[term.letters.index(one) for one in wanted])
