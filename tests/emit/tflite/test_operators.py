"""Every operator: what LiteRT computes from our file is what ONNX Runtime computes from the graph."""

from __future__ import annotations

import numpy as np
import pytest
from emit.tflite.cases import ARITHMETIC, DYNAMIC, MOVEMENT
from emit.tflite.tester import Tester

from ssc_deploy.emit.tflite.operators import OPERATORS


@pytest.mark.parametrize("case", ARITHMETIC)
def test_computes_what_onnx_runtime_computes(case: str) -> None:
    ARITHMETIC[case].compare()


@pytest.mark.parametrize("case", MOVEMENT)
def test_moves_numbers_to_the_bit(case: str) -> None:
    MOVEMENT[case].compare(exact=True)


def test_divides_64_bit_whole_numbers_exactly_and_towards_zero() -> None:
    most = 2**63 - 1
    dividends = [0, 1, -1, 7, -7, 2**31 + 5, -(2**33), 2**53 + 1, 3 * 2**40 + 1, most - 1, most, -most - 1]
    divisors = [1, 2, -2, 3, -7, 2**24 + 1, -(2**31) - 11, 2**53 + 1, 2**62 - 1, most]
    table = np.array([(a, b) for a in dividends for b in divisors], np.int64).T[:, None]
    zeros = Tester((1, table.shape[2])).op("Cast", to=7).op("Mul", np.array(0))
    zeros.op("Add", table[0]).op("Div", table[1]).compare(exact=True)


@pytest.mark.quick(6)
@pytest.mark.parametrize("case", DYNAMIC)
def test_takes_any_batch(case: str) -> None:
    tester = DYNAMIC[case]
    runner = tester.load()
    assert runner.inputs[0].shape[0] is None
    for batch in (1, 3, 2):
        tester.compare(batch=batch)


@pytest.mark.quick(20)
@pytest.mark.parametrize("case", [*ARITHMETIC, *MOVEMENT])
def test_same_graph_gives_same_bytes(case: str) -> None:
    tester = {**ARITHMETIC, **MOVEMENT}[case]
    assert tester.build() == tester.build()


def test_every_operator_of_the_table_has_a_case() -> None:
    testers: list[Tester] = [*ARITHMETIC.values(), *MOVEMENT.values()]
    covered = {node.op_type for tester in testers for node in tester.nodes}
    assert set(OPERATORS) - covered == set()


def test_table_refuses_an_operator_twice() -> None:
    with pytest.raises(KeyError, match="Conv is registered twice"):
        OPERATORS.register("Conv")(OPERATORS["Conv"])
