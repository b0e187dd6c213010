"""Every operator: what LiteRT computes from our file is what ONNX Runtime computes from the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emit.tflite.cases import ARITHMETIC, DYNAMIC, MOVEMENT

from ssc_deploy.emit.tflite.operators import OPERATORS

if TYPE_CHECKING:
    from emit.tflite.tester import Tester


@pytest.mark.parametrize("case", ARITHMETIC)
def test_computes_what_onnx_runtime_computes(case: str) -> None:
    ARITHMETIC[case].compare()


@pytest.mark.parametrize("case", MOVEMENT)
def test_moves_numbers_to_the_bit(case: str) -> None:
    MOVEMENT[case].compare(exact=True)


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
