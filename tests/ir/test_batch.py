"""Graphs captured with one batch run with another, or are refused by name."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import Chain
from moving import graph_of, signed

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.lower import LoweringOptions, Target, lower
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

RNG = np.random.default_rng(0)
LINEAR = RNG.standard_normal((12, 5), np.float32)
GROUPED = RNG.standard_normal((3, 4, 2), np.float32)

# Each graph with what it is made of; the input is [captured batch, 12, 4, 6].
FOLLOWED = {
    "head of a classifier": lambda n: (
        Chain(n, 12, 4, 6).then("GlobalAveragePool").then("Flatten").then("Gemm", LINEAR, np.ones(5, np.float32))
    ),
    "head with its batch in a Reshape": lambda n: (
        Chain(n, 12, 4, 6).then("ReduceMean", np.array([2, 3])).then("Reshape", np.array([n, 12])).then("Gemm", LINEAR)
    ),
    "channel shuffle of five axes": lambda n: (
        Chain(n, 12, 4, 6)
        .then("Reshape", np.array([n, 3, 4, 4, 6]))
        .then("Transpose", perm=(0, 2, 1, 3, 4))
        .then("Reshape", np.array([n, 12, 4, 6]))
    ),
    "pixels as rows": lambda n: (
        Chain(n, 12, 4, 6)
        .then("Transpose", perm=(0, 2, 3, 1))
        .then("Reshape", np.array([n * 24, 12]))
        .then("MatMul", LINEAR)
        .then("Reshape", np.array([n, 4, 6, 5]))
        .then("Transpose", perm=(0, 3, 1, 2))
    ),
    "groups in front": lambda n: (
        Chain(n, 12, 4, 6)
        .then("Reshape", np.array([n, 3, 4, 24]))
        .then("Transpose", perm=(1, 0, 3, 2))
        .then("Reshape", np.array([3, n * 24, 4]))
        .then("MatMul", GROUPED)
        .then("Reshape", np.array([3, n, 24, 2]))
        .then("Transpose", perm=(1, 0, 3, 2))
        .then("Reshape", np.array([n, 6, 4, 6]))
    ),
    "squeezed, scaled, padded, sliced, joined": lambda n: (
        Chain(n, 12, 4, 6)
        .then("AveragePool", kernel_shape=(4, 1))
        .then("Squeeze", np.array([2]))
        .then("Mul", np.arange(6, dtype=np.float32))
        .then("Softmax", axis=-1)
        .then("Unsqueeze", np.array([1]))
        .then("Pad", np.array([0, 0, 0, 1, 0, 0, 0, 1]))
        .then("Slice", np.array([1]), np.array([7]), np.array([3]))
        .then("Gather", np.array([2, 0, 1]), axis=2)
        .then("Sub", np.ones((3, 1), np.float32))
    ),
    "normalised, resized, summed, searched": lambda n: (
        Chain(n, 12, 4, 6)
        .then("Resize", "", np.array([1, 1, 2, 2], np.float32), mode="linear")
        .then("LayerNormalization", np.ones(12, np.float32))
        .then("CumSum", np.array(2))
        .then("LpNormalization", axis=1)
        .then("ArgMax", axis=1, keepdims=0)
        .then("Cast", to=1)
    ),
}


@pytest.mark.parametrize("captured", [1, 2])
@pytest.mark.parametrize("build", FOLLOWED.values(), ids=FOLLOWED)
def test_a_dynamic_batch_computes_each_picture_by_itself(build, captured: int) -> None:
    """Three pictures at once give what they give one by one; the graph's declared shapes hold (the checker's view)."""
    model = lower(build(captured).build(), Target.ONNXRUNTIME, LoweringOptions(batch=None)).model
    content = ir.to_proto(model).SerializeToString()
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    runner, pictures = OnnxRuntime().load(content), signed(3, 12, 4, 6)
    (together,) = runner.run([pictures])
    assert together.shape[0] == 3
    for i in range(3):
        np.testing.assert_allclose(together[i], runner.run([pictures[i : i + 1]])[0][0], rtol=0, atol=1e-5)
    reference = OnnxRuntime().load(ir.to_proto(build(3).build()).SerializeToString())
    np.testing.assert_allclose(together, reference.run([pictures])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("build", FOLLOWED.values(), ids=FOLLOWED)
def test_another_fixed_batch_sets_every_shape(build) -> None:
    model = lower(build(1).build(), Target.ONNXRUNTIME, LoweringOptions(batch=3)).model
    expected = {v.name: v.shape for node in build(3).build().graph for v in node.outputs}
    assert {v.name: v.shape for node in model.graph for v in node.outputs} == expected


def test_the_dynamic_dimension_is_named() -> None:
    model = lower(graph_of([mv.shift(((0, 1),) * 4)], (3, 3)), Target.ONNXRUNTIME, LoweringOptions(batch=None)).model
    for value in (*model.graph.inputs, *model.graph.outputs):
        assert [str(d) for d in value.shape] == ["batch", "4", "3", "3"]


MIXED = {
    "sums over the batch": (lambda: Chain(1, 12, 4, 6).then("ReduceMean", np.array([0])), "works along the batch"),
    "a constant a picture": (
        lambda: Chain(2, 12, 4, 6).then("Add", np.ones((2, 1, 1, 1), np.float32)),
        "a constant of it differs from image to image",
    ),
    "cuts the batch": (
        lambda: Chain(2, 12, 4, 6).then("Slice", np.array([0]), np.array([1]), np.array([0])),
        "it cuts the batch",
    ),
    "pictures as channels": (
        lambda: Chain(2, 12, 4, 6).then("Reshape", np.array([1, 24, 4, 6])),
        "it cuts the batch",
    ),
    "picks a picture": (lambda: Chain(2, 12, 4, 6).then("Gather", np.array([1]), axis=0), "works along the batch"),
    "told the size of the batch": (
        lambda: Chain(2, 12, 4, 6).then("Resize", "", "", np.array([2, 12, 8, 12])),
        "told the size of the batch",
    ),
    "an operator that is not known": (
        lambda: Chain(1, 12, 6, 6).then("Det"),
        "not known to treat each image by itself",
    ),
}


@pytest.mark.parametrize(("build", "reason"), MIXED.values(), ids=MIXED)
def test_what_mixes_pictures_is_refused_with_its_block(build, reason: str) -> None:
    model = build().build()
    for node in model.graph:
        roles.set_block(node, "body.3.head")
    where = rf"the batch cannot be dynamic: \w+ v0 of block body\.3\.head stands in the way, .*{reason}"
    with pytest.raises(LoweringError, match=where):
        lower(model, Target.ONNXRUNTIME, LoweringOptions(batch=None))


def test_a_value_without_a_static_shape_is_refused() -> None:
    model = Chain(1, 12, 4, 6).then("Relu").then("GlobalAveragePool").build()
    model.graph[1].outputs[0].shape = ir.Shape([None, 12, 1, 1])
    with pytest.raises(LoweringError, match=r"GlobalAveragePool v1 of block \(root\) .* it has no static shape"):
        lower(model, Target.ONNXRUNTIME, LoweringOptions(batch=None))


@pytest.mark.parametrize("batch", [0, -1])
def test_an_impossible_batch_is_refused(batch: int) -> None:
    with pytest.raises(LoweringError, match="impossible"):
        lower(graph_of([mv.shift(((0, 1),))], (3, 3)), Target.ONNXRUNTIME, LoweringOptions(batch=batch))
