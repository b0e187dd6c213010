"""Means and sums over large windows are added up in two steps, so that runtimes are exact about them."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import Chain, operators, value
from moving import run_litert, run_onnxruntime

from ssc_deploy.lower import LoweringOptions, Target, lower

HW = np.array([2, 3])

# The second takes and gives images alone.
RUNTIMES = ((Target.ONNXRUNTIME, run_onnxruntime), (Target.LITERT, run_litert))

# Each step on [1, 4, 50, 60], and the operators that stand for it.
SPLIT = {
    "of the whole image": (("GlobalAveragePool", {}), ["AveragePool", "AveragePool"]),
    "of large windows": (
        ("AveragePool", {"kernel_shape": (20, 30), "strides": (10, 15)}),
        ["AveragePool", "AveragePool"],
    ),
    "sum": (("ReduceSum", HW, {}), ["ReduceSum", "ReduceSum"]),
    "sum without axes": (("ReduceSum", HW, {"keepdims": 0}), ["ReduceSum", "ReduceSum"]),
    "of channels as well": (("ReduceMean", np.array([1, -2, -1]), {}), ["ReduceMean", "ReduceMean"]),
}
WHOLE = {
    "small image": (Chain(1, 4, 16, 16), ("GlobalAveragePool", {})),
    "small windows": (Chain(1, 4, 50, 60), ("AveragePool", {"kernel_shape": (7, 7)})),
    "windows that leave the image": (
        Chain(1, 4, 50, 60),
        ("AveragePool", {"kernel_shape": (20, 30), "pads": (1, 1, 1, 1)}),
    ),
    "one row": (Chain(1, 4, 1, 3000), ("GlobalAveragePool", {})),
    "maximum": (Chain(1, 4, 50, 60), ("ReduceMax", HW, {})),
}


@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("case", SPLIT)
def test_a_mean_over_a_large_window_is_computed_in_two_steps(case, batch):
    (operator, *operands, attributes), expected = SPLIT[case]
    model = Chain(1, 4, 50, 60).then("Relu").then(operator, *operands, **attributes).build()
    # Of equal values all roundings of a sum are alike.
    x = np.full((1, 4, 50, 60), 0.7234, np.float32)
    exact = float(x[0, 0, 0, 0]) * (3000 if operator == "ReduceSum" else 1)
    for target, run in RUNTIMES if attributes.get("keepdims", 1) else RUNTIMES[:1]:
        lowered = lower(model, target, LoweringOptions(batch=batch)).model
        assert operators(lowered) == ["Relu", *expected]
        assert value(lowered, "v1").is_graph_output()  # its name, by which verification knows it
        given = run(lowered, x)
        assert np.abs(given - exact).max() <= 2e-6 * exact
    assert operators(model) == ["Relu", operator]  # the canonical graph stays


@pytest.mark.parametrize("case", WHOLE)
def test_other_means_stay_one_operator(case):
    chain, (operator, *operands, attributes) = WHOLE[case]
    model = chain.then(operator, *operands, **attributes).build()
    assert operators(lower(model, Target.ONNXRUNTIME).model) == [operator]
