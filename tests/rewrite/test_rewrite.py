"""All rules together, on graphs that no rule was written for."""

import numpy as np
import pytest
from graphs import Chain, normal, one_hot, operators, run_all
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_deploy.errors import CaptureError, RewriteError
from ssc_deploy.rewrite import left_alone, rewrite, rules
from ssc_deploy.rewrite import tidy as tidying
from ssc_deploy.rewrite.rewriting import report

STEPS = ["shift", "shuffle", "group", "dense", "norm", "relu", "sum", "scale"]


def rewritten(model):
    """The report, once the graph is known to compute what it did."""
    shape = tuple(int(d) for d in model.graph.inputs[0].shape)
    picture = normal(*shape, seed=7)
    before = run_all(model, picture)
    result = rewrite(model, check=True)
    for got, expected in zip(run_all(model, picture), before, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * max(1.0, float(np.abs(expected).max())))
    assert [v.name for v in model.graph.inputs] == ["input"]
    assert model.graph.outputs[0].name == "output"
    return result


def statistics(channels, seed=1):
    random = np.random.default_rng(seed)
    return (*random.standard_normal((3, channels)).astype(np.float32), random.uniform(0.1, 2, channels).astype("f"))


def attention(chain):
    return (
        chain.then("Relu").then("GlobalAveragePool").then("Conv", normal(6, 6, 1, 1)).then("Sigmoid").then("Mul", "v0")
    )


def zero_padded_shortcut(chain):
    chain.then("Slice", np.array([0, 0]), np.array([9, 9]), np.array([2, 3]), np.array([2, 2]))
    padded = chain.then("Pad", np.array([0, 3, 0, 0, 0, 3, 0, 0])).last
    chain.back_to("input").then("Conv", normal(12, 6, 3, 3), strides=[2, 2], pads=[1] * 4)
    return chain.then("BatchNormalization", *statistics(12)).then("Add", padded).then("Relu")


def dense_block(chain):
    for n in range(2):
        before = chain.last
        channels = 6 + 4 * n
        chain.then("BatchNormalization", *statistics(channels)).then("Relu")
        chain.then("Conv", normal(4, channels, 3, 3), pads=[1] * 4).then("Concat", before, axis=1)
    return chain


def depthwise_separable(chain):
    chain.then("Conv", normal(6, 1, 3, 3), group=6, pads=[1] * 4, strides=[2, 2]).then(
        "BatchNormalization", *statistics(6)
    )
    return chain.then("Clip", np.float32(0), np.float32(6)).then("Conv", normal(9, 6, 1, 1)).then("HardSwish")


def layer_norm(chain):
    chain.then("Transpose", perm=[0, 2, 3, 1]).then("LayerNormalization", normal(6), normal(6))
    return chain.then("Transpose", perm=[0, 3, 1, 2])


def upsampling(chain):
    return (
        chain.then("ConvTranspose", normal(6, 4, 2, 2), strides=[2, 2])
        .then("BatchNormalization", *statistics(4))
        .then("Relu")
    )


def channel_convolution(chain):
    # ECA attention: a Conv along the channels
    chain.then("Relu").then("GlobalAveragePool").then("Reshape", np.array([1, 1, 6])).then(
        "Conv", normal(1, 1, 3), pads=[1, 1]
    )
    return chain.then("Reshape", np.array([1, 6, 1, 1])).then("Sigmoid").then("Mul", "v0")


def softmax_classes(chain):
    return chain.then("GlobalAveragePool").then("Flatten").then("Gemm", normal(6, 5), normal(5)).then("Softmax", axis=1)


def pooling(chain):
    return chain.then("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4).then(
        "AveragePool", kernel_shape=[2, 2]
    )


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (attention, ["Relu", "GlobalAveragePool", "Conv", "Sigmoid", "Mul"]),
        (zero_padded_shortcut, ["Slice", "Pad", "Conv", "Add", "Relu"]),
        (dense_block, ["Mul", "Add", "Relu", "Conv", "Concat"] * 2),
        (depthwise_separable, ["Conv", "Clip", "Conv", "HardSwish"]),
        (layer_norm, ["Transpose", "LayerNormalization", "Transpose"]),
        (upsampling, ["ConvTranspose", "Mul", "Add", "Relu"]),
        (channel_convolution, ["Relu", "GlobalAveragePool", "Reshape", "Conv", "Sigmoid", "Reshape", "Mul"]),
        (softmax_classes, ["GlobalAveragePool", "Flatten", "Gemm", "Softmax"]),
        (pooling, ["MaxPool", "AveragePool"]),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_other_networks_parts_compute_what_they_did(build, left):
    model = build(Chain(1, 6, 8, 8)).build()
    result = rewritten(model)
    assert operators(model) == left
    assert (result.shifts, result.shuffles, result.group_pointwise) == (0, 0, 0)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=9),
    seed=st.integers(0, 999),
)
def test_any_row_of_steps_computes_what_it_did(steps, seed):
    random = np.random.default_rng(seed)
    chain = Chain(1, 6, 5, 4)
    for step in steps:
        match step:
            case "shift":
                offsets = [tuple(o) for o in random.integers(-1, 2, (6, 2)).tolist()]
                chain.then("Conv", one_hot(offsets), group=6, pads=[1] * 4)
            case "shuffle":
                chain.then("Reshape", np.array([1, 2, 3, 5, 4])).then("Transpose", perm=[0, 2, 1, 3, 4])
                chain.then("Reshape", np.array([1, 6, 5, 4]))
            case "group":
                chain.then("Conv", normal(6, 3, 1, 1, seed=seed), normal(6), group=2)
            case "dense":
                chain.then("Conv", normal(6, 6, 1, 1, seed=seed))
            case "norm":
                chain.then("BatchNormalization", *statistics(6, seed))
            case "relu":
                chain.then("Relu")
            case "sum":
                chain.then("Add", "input")
            case "scale":
                chain.then("Mul", normal(6, 1, 1, seed=seed))
    model = chain.build()
    result = rewritten(model)
    assert result == report(model, left_alone.find(model.graph, {}), ())
    assert "BatchNormalization" not in operators(model)
    assert result.shuffles <= steps.count("shuffle")


def test_a_rule_that_breaks_the_graph_is_found_behind_it(monkeypatch):
    class Breaks(tidying.Tidy):
        def call(self, model):
            model.graph.insert_after(model.graph[1], model.graph[0])
            return super().call(model)

    monkeypatch.setattr("ssc_deploy.rewrite.rewriting.rules", lambda: [Breaks(), *rules()])
    with pytest.raises(RewriteError, match="which nothing before it defines"):
        rewrite(Chain(1, 2, 3, 3).then("Neg").then("Abs").build(), check=True)


def test_the_report_counts_what_is_there():
    chain = Chain(1, 6, 4, 4).then("Conv", one_hot([(0, 1)] * 6), group=6, pads=[1] * 4).then("Relu")
    chain.then("Gather", np.array([1, 0, 3, 2, 5, 4]), axis=1).then("Conv", normal(6, 3, 1, 1), group=2)
    model = chain.then("Transpose", perm=[0, 1, 3, 2]).build()
    result = rewritten(model)
    assert (
        str(result)
        == "1 shift, 1 shuffle, 1 group pointwise recognised · 1 movement left alone (33 % of the bytes moved)"
    )
    assert result.to_dict()["refusals"][0]["looked_for"] == "shift or shuffle"
    assert result.nodes == len(model.graph) == 5


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_a_network_that_returns_nothing_is_refused_in_one_sentence(axis):
    chain = Chain(1, 6, 4, 4).then("Conv", normal(6, 6, 1, 1))
    model = chain.then("Slice", np.array([0]), np.array([0]), np.array([axis])).build()
    shape = [1, 6, 4, 4]
    shape[axis] = 0
    with pytest.raises(CaptureError, match=rf"returns an empty tensor, of shape \[{', '.join(map(str, shape))}\]; "):
        rewrite(model)
