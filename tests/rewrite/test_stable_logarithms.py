import numpy as np
import onnx
import pytest
import torch
from graphs import Chain, apply, normal, operators, run
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.stable_logarithms import StableLogarithms
from ssc_deploy.rewrite.tidy import Tidy
from ssc_deploy.signature import of_image


def applied(chain):
    """The operators that are left when what nothing reads any more is removed."""
    model = chain.build()
    apply(StableLogarithms(), model)
    Tidy()(model)
    return operators(model)


def test_the_logarithm_of_a_sigmoid_is_a_softplus():
    assert applied(Chain(1, 2, 3, 4).then("Sigmoid").then("Log")) == ["Neg", "Softplus", "Neg"]


def test_a_sigmoid_that_something_else_reads_stays():
    chain = Chain(1, 2, 3, 4).then("Sigmoid").then("Log").then("Mul", "v0")
    assert applied(chain) == ["Sigmoid", "Neg", "Softplus", "Neg", "Mul"]


@pytest.mark.parametrize("axis", [1, -1])
def test_the_logarithm_of_a_softmax_is_a_log_softmax_of_the_same_axis(axis):
    assert applied(Chain(1, 2, 3, 4).then("Softmax", axis=axis).then("Log")) == ["LogSoftmax"]


def test_the_logarithm_of_a_sum_of_two_powers_has_no_exponential_above_one():
    chain = Chain(1, 2, 3, 4)
    other = chain.aside("Pow", np.float32(3), "input")
    chain.then("Exp").then("Add", other).then("Log")
    assert applied(chain) == ["Mul", "Max", "Sub", "Abs", "Neg", "Softplus", "Add"]


def logcumsumexp(axis=1, largest_along=1, **attributes):
    """As `torch.onnx.export` writes it."""
    chain = Chain(1, 5, 3, 4).then("Mul", np.float32(20))
    most = chain.aside("ReduceMax", chain.last, np.array([largest_along]), keepdims=1)
    chain.then("Sub", most).then("Exp").then("CumSum", np.array(axis), **attributes).then("Log")
    return chain.then("Add", most)


@pytest.mark.parametrize("axis", [1, -1])
def test_the_logarithm_of_a_running_sum_of_exponentials_is_a_scan_of_sums_of_two(axis):
    step = ["Slice", "Concat", "Max", "Sub", "Abs", "Neg", "Softplus", "Add"]
    steps = {1: 3, -1: 2}[axis]  # of 5 and of 4 numbers
    assert applied(logcumsumexp(axis, axis)) == ["Mul", *step * steps]
    model = logcumsumexp(axis, axis).build()
    StableLogarithms()(model)
    x = normal(1, 5, 3, 4) * 1e4
    exact = torch.logcumsumexp(torch.from_numpy(x).double() * 20, axis)
    np.testing.assert_allclose(run(model, x), exact, rtol=1e-6)


@pytest.mark.parametrize(
    "chain",
    [
        logcumsumexp(1, 2),
        logcumsumexp(reverse=1),
        logcumsumexp(exclusive=1),
        Chain(1, 2, 3, 4).then("Exp").then("CumSum", np.array(1)).then("Log").then("Add", "input"),
    ],
    ids=["another axis", "from the end", "without its own", "no largest"],
)
def test_any_other_running_sum_stays(chain):
    model = chain.build()
    before = operators(model)
    StableLogarithms()(model)
    assert operators(model) == before


@pytest.mark.parametrize(
    "chain",
    [
        Chain(1, 2, 3, 4).then("Abs").then("Add", np.float32(1)).then("Log"),
        Chain(1, 2, 3, 4).then("Exp").then("Add", np.float32(1)).then("Log"),
        Chain(1, 2, 3, 4).then("Exp").then("Mul", "v0").then("Log"),
        Chain(1, 2, 3, 4).then("Abs").then("Pow", np.float32(2)).then("Add", "v1").then("Log"),
        Chain(1, 2, 3, 4).then("Pow", np.full((1, 2, 1, 1), 2, np.float32), first=False).then("Add", "v0").then("Log"),
        Chain(1, 2, 3, 4).then("Cast", to=onnx.TensorProto.DOUBLE).then("Sigmoid").then("Log"),
    ],
    ids=["no exponential", "a constant", "product", "power of the value", "bases by channel", "float64"],
)
def test_any_other_logarithm_stays(chain):
    before = operators(chain.build())
    assert applied(chain) == before


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 50, 1e4])
@pytest.mark.parametrize(
    "function",
    [
        nn.functional.logsigmoid,
        lambda x: torch.logaddexp(x, x.flip(3)),
        lambda x: torch.logaddexp2(x, x.mean(1, keepdim=True)),
        lambda x: torch.logcumsumexp(x, 1),
        lambda x: nn.functional.binary_cross_entropy_with_logits(x, torch.full_like(x, 0.25), reduction="none"),
    ],
    ids=["logsigmoid", "logaddexp", "logaddexp2", "logcumsumexp", "cross entropy"],
)
def test_what_torch_exports_is_finite_where_pytorch_is(function, scale):
    module, x = Function(function).eval(), normal(1, 3, 4, 5) * np.float32(scale)
    captured = capture(module, of_image(x.shape))
    rewrite(captured.model, check=True)
    expected = module(torch.from_numpy(x)).numpy()
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(run(captured.model, x), expected, rtol=1e-6, atol=1e-6)
