"""Small plans of every operator, and what ONNX Runtime computes for their graphs."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from emit.tflite import cases

from ssc_deploy.errors import UnsupportedOperatorError
from ssc_deploy.lower import native

if TYPE_CHECKING:
    import numpy as np
    from emit.tflite.tester import Tester

    from ssc_deploy.native.plan import Plan

CASES: dict[str, Tester] = {
    name: case
    for name, case in (cases.ARITHMETIC | cases.MOVEMENT).items()
    if not any(isinstance(size, str) for size in case.shape)
}


class Planned(NamedTuple):
    """A plan, its input, and the outputs of its graph."""

    plan: Plan
    x: np.ndarray
    expected: list[np.ndarray]


@functools.cache
def planned(name: str) -> Planned | None:
    """The case of that name; None where the engine has no kernel for it."""
    case = CASES[name]
    x = case.input()
    try:
        return Planned(native.plan(case.model), x, case.expected(x))
    except UnsupportedOperatorError:
        return None


def all_planned() -> dict[str, Planned]:
    return {name: found for name in CASES if (found := planned(name)) is not None}
