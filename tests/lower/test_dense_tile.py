"""A dense product padded to the runtime's tile computes the same numbers, in one partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import Chain, normal, operators, value
from moving import run_litert, run_onnxruntime, signed

import ssc_deploy
from ssc_deploy.emit import tflite
from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import fingerprint, roles
from ssc_deploy.lower import DENSE, LoweringOptions, Target, lower, recipe_file
from ssc_deploy.lower.layout import Layout
from ssc_deploy.lower.recipe import Recipe
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.tuning import space as spaces

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir

TILES = {"tile-8": 8, "tile-16": 16, "tile-32": 32}


def dense(outputs: int, *, bias: bool = True, relu: bool = True, stride: int = 1) -> ir.Model:
    """Seven channels of 6x5 to ``outputs``, which somebody else reads."""
    chain = Chain(1, 7, 6, 5).then("Relu")
    kernel = [normal(outputs, 7, 1, 1), *([normal(outputs, seed=1)] if bias else [])]
    chain.then("Conv", *kernel, strides=(stride, stride))
    if relu:
        chain.then("Relu")
    return chain.then("Sigmoid").build()


def outputs_of_convs(model: ir.Model) -> list[int]:
    return [int(node.outputs[0].shape[1]) for node in model.graph if node.op_type == "Conv"]


@pytest.mark.quick(12)
@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("outputs", [1, 9, 33])
@pytest.mark.parametrize(
    "options", [{}, {"bias": False}, {"relu": False}, {"stride": 2}], ids=lambda o: "-".join(o) or "plain"
)
def test_a_padded_product_computes_the_same(outputs: int, options: dict[str, int], name: str) -> None:
    model, x = dense(outputs, **options), signed(1, 7, 6, 5)
    padded = lower(model, Target.LITERT, LoweringOptions(dense=name)).model
    assert outputs_of_convs(padded) == [-(-outputs // TILES[name]) * TILES[name]]
    expected = run_onnxruntime(model, x)
    for run in (run_onnxruntime, run_litert):
        np.testing.assert_allclose(run(padded, x), expected, rtol=0, atol=2e-6)


def test_what_is_not_asked_for_stays_as_it_is() -> None:
    model = dense(9)
    for named in ({}, {"dense": "plain"}):
        lowered = lower(model, Target.LITERT, LoweringOptions(**named))
        assert operators(lowered.model) == operators(model)
        assert str(lowered.report) == "nothing to move"


def test_the_activation_stays_with_its_product_in_one_kernel_and_one_partition() -> None:
    padded = lower(dense(9), Target.LITERT, LoweringOptions(dense="tile-8")).model
    assert operators(padded) == ["Relu", "Conv", "Relu", "Slice", "Sigmoid"]
    assert_in_one_partition(padded, ["RELU", "CONV_2D", "SLICE", "LOGISTIC"])


def test_a_relu6_stays_with_its_product_too() -> None:
    chain = Chain(1, 7, 6, 5).then("Conv", normal(9, 7, 1, 1), normal(9)).then("Clip", np.float32(0), np.float32(6))
    model, x = chain.build(), 9 * signed(1, 7, 6, 5)
    padded = lower(model, Target.LITERT, LoweringOptions(dense="tile-8")).model
    assert operators(padded) == ["Conv", "Clip", "Slice"]
    assert_in_one_partition(padded, ["CONV_2D", "SLICE"])
    np.testing.assert_allclose(run_litert(padded, x), run_onnxruntime(model, x), rtol=0, atol=2e-5)


def assert_in_one_partition(padded: ir.Model, expected: list[str]) -> None:
    data = tflite.build(padded, ModelMetadata("padded", "none", "", "NHWC", (1, 7, 6, 5)))
    found = LiteRT().load(data).operators
    assert [name for name in found if name != "DELEGATE"] == expected
    assert list(found).count("DELEGATE") == 1


def test_the_cut_value_is_the_one_that_verification_knows() -> None:
    model = dense(9)
    result = value(model, "v2")
    roles.add_output_of(result, "body.0.conv1")
    padded = lower(model, Target.LITERT, LoweringOptions(dense="tile-16")).model
    assert (value(padded, "v2").producer().op_type, roles.outputs_of(value(padded, "v2"))) == (
        "Slice",
        ("body.0.conv1",),
    )


def test_one_that_two_read_is_cut_before_either() -> None:
    chain = Chain(1, 7, 6, 5).then("Conv", normal(9, 7, 1, 1), normal(9))
    linear = chain.last
    model = chain.then("Relu").then("Add", linear).build()
    padded, x = lower(model, Target.LITERT, LoweringOptions(dense="tile-8")).model, signed(1, 7, 6, 5)
    assert operators(padded) == ["Conv", "Slice", "Relu", "Add"]
    np.testing.assert_allclose(run_litert(padded, x), run_onnxruntime(model, x), rtol=0, atol=2e-6)


def test_a_multiple_of_the_tile_is_left_and_only_the_rest_is_padded() -> None:
    chain = Chain(1, 7, 6, 5).then("Conv", normal(16, 7, 1, 1), normal(16)).then("Conv", normal(9, 16, 1, 1), normal(9))
    lowered = lower(chain.build(), Target.LITERT, LoweringOptions(dense="tile-16"))
    assert outputs_of_convs(lowered.model) == [16, 16]
    assert [choice.lowering for choice in lowered.report.choices] == ["plain", "tile-16"]
    assert str(lowered.report) == "dense=plain x1, tile-16 x1"


@pytest.mark.parametrize(
    "model",
    [
        Chain(1, 8, 6, 5).then("Conv", normal(12, 4, 1, 1), group=2).build(),
        Chain(1, 7, 6, 5).then("Conv", normal(9, 7, 3, 3)).build(),
    ],
    ids=["groups", "3x3"],
)
def test_other_convolutions_are_none_of_its_business(model: ir.Model) -> None:
    assert operators(lower(model, Target.LITERT, LoweringOptions(dense="tile-32")).model) == ["Conv"]


def test_onnx_runtime_has_no_tile_to_fill() -> None:
    assert operators(lower(dense(9), Target.ONNXRUNTIME, LoweringOptions(dense="tile-32")).model) == operators(dense(9))


def test_an_unknown_tile_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        LoweringError, match="no dense lowering 'tile-7'; choose one of auto, plain, tile-8, tile-16, tile-32"
    ):
        lower(dense(9), Target.LITERT, LoweringOptions(dense="tile-7"))


def test_a_recipe_says_it_for_each_size_and_is_refused_where_it_cannot_be() -> None:
    chain = Chain(1, 7, 6, 5).then("Conv", normal(16, 7, 1, 1), normal(16)).then("Conv", normal(9, 16, 1, 1), normal(9))
    model = chain.build()
    groups = {"dense 16x6x5": "plain", "dense 9x6x5": "tile-8"}
    recipe = Recipe("Net", Target.LITERT, fingerprint.fingerprint(model), groups)
    assert outputs_of_convs(lower(model, Target.LITERT, LoweringOptions(recipe=recipe)).model) == [16, 16]
    wrong = Recipe("Net", Target.LITERT, fingerprint.fingerprint(model), groups | {"dense 16x6x5": "tile-8"})
    with pytest.raises(LoweringError, match=r"the dense Conv .* its 16 outputs are a multiple of 8 as they are"):
        lower(model, Target.LITERT, LoweringOptions(recipe=wrong))
    silent = Recipe("Net", Target.LITERT, fingerprint.fingerprint(model), {})
    assert outputs_of_convs(lower(model, Target.LITERT, LoweringOptions(recipe=silent)).model) == [16, 9]


def test_a_recipe_keeps_what_it_says_of_dense_products_in_its_file(tmp_path: Path) -> None:
    model = dense(9)
    space = spaces.build_space(model, Target.LITERT, "Net")
    (axis,) = space.axes
    path = tmp_path / "net.toml"
    path.write_text(recipe_file.dumps(space.recipe(axis.changed(space.default, "tile-8"))))
    assert 'dense]\n9x6x5 = "tile-8"' in path.read_text()
    assert outputs_of_convs(lower(model, Target.LITERT, LoweringOptions(recipe=recipe_file.read(path))).model) == [16]


@pytest.mark.slow
def test_an_export_pads_the_tflite_file_alone_and_verifies_it(tmp_path: Path) -> None:
    args = {"B": "1", "G": "9", "stem": "4", "classes": "4"}
    small = {"arch": "ssc-net", "args": args, "input_shape": (1, 3, 8, 8), "batch": None, "output": tmp_path}
    result = ssc_deploy.export(None, to=["onnx", "tflite"], dense="tile-8", **small)
    onnx_file, tflite_file = result.files
    assert "dense" not in onnx_file.lowering.summary()
    assert set(tflite_file.lowering.counts(roles.Role.DENSE)) == {"tile-8"}
    assert tflite_file.verification.ok


def test_tuning_tries_the_tiles_that_change_something() -> None:
    chain = Chain(1, 7, 6, 5).then("Conv", normal(16, 7, 1, 1), normal(16)).then("Conv", normal(9, 16, 1, 1), normal(9))
    space = spaces.build_space(chain.build(), Target.LITERT, "Net")
    assert {axis.name: axis.options for axis in space.axes} == {
        "dense 16x6x5": ("plain", "tile-32"),
        "dense 9x6x5": DENSE.names,
    }
    assert space.default["layout"] == Layout.NHWC


def test_dense_products_of_a_channel_major_stretch_have_nothing_to_choose() -> None:
    chain = Chain(1, 8, 6, 5).then("Conv", normal(12, 4, 1, 1), normal(12), group=2)
    model = chain.then("Conv", normal(9, 12, 1, 1), normal(9)).build()
    roles.set_role(model.graph[0], roles.Role.GROUP_POINTWISE)
    tiled = lower(model, Target.LITERT, LoweringOptions(layout="channel-major", dense="tile-8"))
    untouched = lower(model, Target.LITERT, LoweringOptions(layout="channel-major"))
    assert (operators(tiled.model), tiled.report) == (operators(untouched.model), untouched.report)
