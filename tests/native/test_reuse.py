"""Sums are written over what they add, where nothing reads that again, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from emit.tflite.tester import Tester, random

from ssc_deploy.lower import native
from ssc_deploy.native.library import Engine
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

C = 8


def conv(net: Tester, first: str | None = None, **given: object) -> Tester:
    return net.op("Conv", random(C, C, 1, 1, seed=len(net.nodes)), first=first, **given)


def start() -> Tester:
    return conv(Tester((2, C, 6, 5))).op("Relu", name="a")


def summed(net: Tester | None = None) -> Tester:
    """a, s = sigmoid(a), sum = conv(s) + a."""
    return conv((net or start()).op("Sigmoid", first="a", name="s")).op("Add", "a", name="sum")


def window(net: Tester, stride: int = 1, first: str | None = None, name: str | None = None) -> Tester:
    """A 3x3 convolution; that of stride 2 reads copies of its input."""
    weights = random(C, C, 3, 3, seed=stride)
    return net.op("Conv", weights, first=first, pads=[1] * 4, strides=[stride] * 2, name=name)


def with_a_half_read_behind_it() -> Tester:
    net = start().op("Split", first="a", name="half", outputs=2, axis=1, num_outputs=2)
    return summed(net).op("Concat", "half.1", axis=1).op("Sigmoid")


def with_copies_before_and_behind_it() -> Tester:
    return window(summed(window(start(), 2, name="small")), 2, "sum").op("Add", "small").op("Sigmoid")


#: Graphs, and whether the sum may stand where its part stood.
GRAPHS = {
    "last use": (lambda: summed().op("Sigmoid"), True),
    "last use, with margins": (lambda: window(summed(window(start(), name="w"))), True),
    "bounded": (lambda: summed().op("Relu").op("Sigmoid"), True),
    "copied before and behind": (with_copies_before_and_behind_it, True),
    "read again": (lambda: summed().op("Sigmoid").op("Mul", "a"), False),
    "a half of it read again": (with_a_half_read_behind_it, False),
    "an output": (lambda: summed().op("Sigmoid").output("a"), False),
    "read by the step itself": (lambda: conv(start()).op("Add", "a").op("Sigmoid"), False),
    "the input": (lambda: conv(Tester((1, C, 6, 5))).op("Add", "input").op("Sigmoid"), False),
}


def steps_of(words: np.ndarray) -> Iterator[list[int]]:
    """The words of each step."""
    at = int(words[8])
    for _ in range(words[7]):
        yield words[at : at + words[at + 1]].tolist()
        at += int(words[at + 1])


def is_in_place(step: list[int]) -> bool:
    """Whether linear rows add what stands in the storage that they write; `steps.h` names the words."""
    if step[0] != Kind.ROWS:
        return False
    add, result, of_add, of_result = step[10:12], step[13:15], step[20], step[19]
    return add == result and of_add == of_result


@pytest.mark.parametrize("name", GRAPHS)
def test_a_sum_stands_where_its_part_stood_only_if_nothing_reads_that_again(name: str) -> None:
    made, wanted = GRAPHS[name]
    net = made()
    plan = native.plan(net.model)
    assert any(map(is_in_place, steps_of(plan.words))) == wanted
    x = net.input()
    for value, right in zip(Engine(plan).run([x]), net.expected(x), strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-5)
