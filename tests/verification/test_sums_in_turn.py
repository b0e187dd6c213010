"""Every rule computes what PyTorch computes, and adds in another order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from ssc_deploy.verification.sums_in_turn import SumsInTurn

X = torch.rand(2, 4, 24, 30, generator=torch.Generator().manual_seed(0)) + 0.5
WEIGHT, BIAS = torch.tensor([0.5, 2.0, -1.0, 3.0]), torch.tensor([1.0, 0.0, -2.0, 0.25])

RULES = {
    "sum of all": lambda x: x.sum(),
    "sum": lambda x: x.sum((2, 3)),
    "sum of other axes": lambda x: x.sum((0, 2, 3)),
    "mean of all": lambda x: x.mean(),
    "mean": lambda x: x.mean((-2, -1)),
    "mean, kept": lambda x: x.mean((2, 3), keepdim=True),
    "tokens": lambda x: x.flatten(2).transpose(1, 2).mean(1),
    "var": lambda x: x.var((2, 3)),
    "var of all pixels": lambda x: x.var((2, 3), correction=0, keepdim=True),
    "std": lambda x: x.std((2, 3)),
    "var_mean": lambda x: torch.cat(torch.var_mean(x, (2, 3))),
    "layer norm": lambda x: functional.layer_norm(x, (24, 30), X[0, 0], X[1, 1]),
    "group norm": lambda x: functional.group_norm(x, 2, WEIGHT, BIAS),
    "instance norm": lambda x: functional.instance_norm(x, weight=WEIGHT, bias=BIAS),
    "softmax": lambda x: x.flatten(1).softmax(1),
    "log softmax": lambda x: x.flatten(1).log_softmax(1),
    "logsumexp": lambda x: x.logsumexp((2, 3)),
    "logsumexp, kept": lambda x: x.logsumexp((2, 3), keepdim=True),
    "norm 1": lambda x: x.norm(1, (2, 3)),
    "norm 2": lambda x: torch.linalg.vector_norm(x, dim=(2, 3)),
    "average pool": lambda x: functional.avg_pool2d(x, (20, 15), stride=(2, 15)),
    "adaptive average pool": lambda x: functional.adaptive_avg_pool2d(x, (1, 2)),
}


def in_turn(function, x: torch.Tensor) -> tuple[torch.Tensor, bool]:
    with torch.no_grad(), SumsInTurn() as sums:
        return function(x), sums.found


@pytest.mark.parametrize("name", RULES)
def test_a_rule_computes_what_pytorch_does(name: str) -> None:
    given, found = in_turn(RULES[name], X)
    assert found
    expected = RULES[name](X)
    assert given.shape == expected.shape
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-5)


def test_a_long_sum_of_equal_numbers_is_as_far_off_as_adding_in_turn_makes_it() -> None:
    x = torch.full((1, 1, 224, 224), 0.1)
    given, _ = in_turn(torch.sum, x)
    total = np.float32(0)
    for number in x.numpy().ravel():
        total += number
    assert given.item() == total
    assert abs(given.item() - x.double().sum().item()) > 100 * abs(x.sum().item() - x.double().sum().item())


@pytest.mark.parametrize("x", [X[..., :2, :2], X.double()], ids=["short", "float64"])
def test_what_needs_no_other_order_is_left_to_pytorch(x: torch.Tensor) -> None:
    given, found = in_turn(lambda one: one.mean((2, 3)), x)
    assert not found
    assert torch.equal(given, x.mean((2, 3)))
