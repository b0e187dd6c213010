"""Activations go into the operator before them, if nothing else looks at its output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emit.tflite.cases import shift_kernel
from emit.tflite.tester import INPUT, METADATA, Tester, random, scalar

from ssc_deploy.emit.tflite import build
from ssc_deploy.ir import roles
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.tflite_schema import schema, unpack

if TYPE_CHECKING:
    import numpy as np

PICTURE = (1, 6, 7, 9)
ACTIVATION = schema.ActivationFunctionType


def fused(tester: Tester) -> list[int]:
    operators = unpack(tester.build()).subgraphs[0].operators
    return [operator.builtinOptions.fusedActivationFunction for operator in operators]


@pytest.mark.parametrize(
    ("op_type", "others", "attributes"),
    [
        ("Conv", [random(4, 6, 1, 1)], {}),
        ("Conv", [random(6, 1, 3, 3)], {"group": 6}),
        ("Add", [random(6, 1, 1)], {}),
        ("Mul", [random(6, 1, 1)], {}),
        ("Sub", [random(6, 1, 1)], {}),
        ("MaxPool", [], {"kernel_shape": [2, 2]}),
        ("AveragePool", [], {"kernel_shape": [2, 2]}),
        ("GlobalAveragePool", [], {}),
    ],
)
def test_relu_is_fused(op_type: str, others: list[np.ndarray], attributes: dict[str, object]) -> None:
    tester = Tester(PICTURE).op(op_type, *others, **attributes).op("Relu").compare()
    assert fused(tester) == [ACTIVATION.RELU]


@pytest.mark.parametrize(
    ("low", "high", "activation"),
    [(0, 6, ACTIVATION.RELU6), (-1, 1, ACTIVATION.RELU_N1_TO_1), (0, None, ACTIVATION.RELU)],
)
def test_clip_is_fused(low: float, high: float | None, activation: int) -> None:
    bounds = [scalar(low), None if high is None else scalar(high)]
    tester = Tester(PICTURE).op("Conv", 4 * random(4, 6, 1, 1)).op("Clip", *bounds).compare()
    assert fused(tester) == [activation]


def test_other_clip_bounds_stay_operators() -> None:
    tester = Tester(PICTURE).op("Conv", random(4, 6, 1, 1)).op("Clip", scalar(0), scalar(4)).compare()
    assert tester.operators() == ["CONV_2D", "MAXIMUM", "MINIMUM"]


def test_relu_stays_an_operator_where_the_sum_is_used_twice() -> None:
    tester = Tester(PICTURE).op("Add", random(6, 1, 1), name="sum").op("Relu").op("Mul", "sum").compare()
    assert tester.operators() == ["ADD", "RELU", "MUL"]


def test_relu_stays_an_operator_where_the_sum_is_an_output() -> None:
    tester = Tester(PICTURE).op("Add", random(6, 1, 1), name="sum").op("Relu").output("sum").compare()
    assert tester.operators() == ["ADD", "RELU"]


def test_relu_of_an_unfusable_operator_stays() -> None:
    tester = Tester(PICTURE).op("Concat", INPUT, axis=1).op("Relu").compare()
    assert tester.operators() == ["CONCATENATION", "RELU"]


def test_relu_behind_a_shift_leaves_it_a_tensor_of_its_own() -> None:
    model = Tester(PICTURE).op("Conv", shift_kernel(6), group=6, pads=[1] * 4, name="shift").op("Relu").model
    roles.set_role(model.graph[0], roles.Role.SHIFT)
    assert list(LiteRT().tensors(build(model, METADATA))) == [INPUT, "shift", "value1"]
