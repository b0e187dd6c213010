"""Formulas of activations are recognised by what they compute, whatever their spelling, and others are left."""

from __future__ import annotations

import math

import numpy as np
import pytest
from graphs import Chain, run
from moving import signed

from ssc_deploy.rewrite.recognise_activations import RecogniseActivations
from ssc_deploy.rewrite.tidy import Tidy

ROOT, CUBE, LINE = math.sqrt(2), 0.044715, math.sqrt(2 / math.pi)


def number(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def gelu(factor: float = 0.5, root: float = ROOT) -> Chain:
    """x * factor * (1 + erf(x / root)), as the exporter of PyTorch writes it."""
    chain = Chain(1, 4, 5, 6).then("Abs").then("Sub", number(0.7))
    x = chain.last
    gate = chain.then("Div", number(root)).then("Erf").then("Add", number(1)).last
    return chain.back_to(x).then("Mul", gate).then("Mul", number(factor))


def gelu_of_products() -> Chain:
    """(0.5 * x) * (erf(x * 0.7071) + 1)."""
    chain = Chain(1, 4, 5, 6).then("Relu").then("Sub", number(0.4))
    x = chain.last
    gate = chain.then("Mul", number(1 / ROOT)).then("Erf").then("Add", number(1)).last
    return chain.back_to(x).then("Mul", number(0.5)).then("Mul", gate)


def gelu_by_tanh(cube: float = CUBE) -> Chain:
    chain = Chain(1, 4, 5, 6).then("Neg")
    x = chain.last
    inner = chain.then("Pow", number(3)).then("Mul", number(cube)).then("Add", x).then("Mul", number(LINE)).last
    gate = chain.back_to(inner).then("Tanh").then("Add", number(1)).last
    return chain.back_to(x).then("Mul", number(0.5)).then("Mul", gate)


def softplus(threshold: float, beta: float = 1.0) -> Chain:
    """As the exporter writes nn.Softplus."""
    chain = Chain(1, 4, 5, 6).then("Neg")
    x = chain.last
    scaled = chain.then("Mul", number(beta)).last
    soft = chain.then("Softplus").then("Div", number(beta)).last
    chosen = chain.back_to(scaled).then("Greater", number(threshold)).last
    return chain.back_to(chosen).then("Where", x, soft)


def rewritten(chain: Chain, opset: int = 20):
    model = chain.build(opset=opset)
    before = run(model, signed(1, 4, 5, 6) * 3)
    RecogniseActivations()(model)
    Tidy()(model)
    np.testing.assert_allclose(run(model, signed(1, 4, 5, 6) * 3), before, rtol=0, atol=3e-6)
    return [node.op_type for node in model.graph]


@pytest.mark.parametrize("chain", [gelu(), gelu_of_products(), gelu_by_tanh()], ids=["div", "products", "tanh"])
def test_gelu_is_one_operator(chain: Chain) -> None:
    operators = rewritten(chain)
    assert operators[-1] == "Gelu"
    assert not {"Erf", "Tanh", "Mul", "Pow"} & set(operators)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_softplus_needs_no_threshold_where_it_is_straight_anyway(beta: float) -> None:
    assert "Where" not in rewritten(softplus(20, beta))


@pytest.mark.parametrize(
    "chain",
    [gelu(0.6), gelu(root=1.5), gelu_by_tanh(0.05), softplus(5)],
    ids=["another factor", "another root", "another cube", "a threshold that shows"],
)
def test_what_is_no_activation_is_left(chain: Chain) -> None:
    operators = rewritten(chain)
    assert "Gelu" not in operators
    assert {"Erf", "Tanh", "Where"} & set(operators)


def test_gelu_stays_a_formula_where_the_graph_has_no_such_operator() -> None:
    assert "Erf" in rewritten(gelu(), opset=18)
