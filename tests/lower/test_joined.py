"""Joined groups of integers compute the same integers, and only integers have joined groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import Chain, normal, run
from moving import signed

from ssc_deploy.errors import LoweringError, RecipeError
from ssc_deploy.ir import fingerprint, roles
from ssc_deploy.lower import GROUPED, LoweringOptions, Target, lower
from ssc_deploy.lower.recipe import Recipe

if TYPE_CHECKING:
    import onnx_ir as ir


def grouped(channels: int, groups: int, size: int = 4, *, outputs: int | None = None, bias: bool = True) -> Chain:
    kernel = normal(outputs or channels, channels // groups, 1, 1)
    constants = [kernel, *([normal(len(kernel), seed=1)] if bias else [])]
    return Chain(1, channels, size, size).then("Conv", *constants, group=groups).then("Relu")


def groups_of(model: ir.Model) -> list[int]:
    return [node.attributes["group"].as_int() for node in model.graph if node.op_type == "Conv"]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("outputs", "name", "left"), [(54, "join-18", 3), (108, "join-36", 3), (27, "join-64", 1), (54, "join-64", 1)]
)
def test_joined_groups_compute_the_same(outputs: int, name: str, left: int, bias: bool) -> None:
    model = grouped(54, 9, outputs=outputs, bias=bias).build()
    said = {f"grouped {outputs}x4x4": name}
    recipe = Recipe("Net", Target.LITERT, fingerprint.fingerprint(model), said, quantize="int8")
    lowered = lower(model, Target.LITERT, LoweringOptions(recipe=recipe, quantized=True))
    assert groups_of(lowered.model) == [left]
    assert lowered.report.summary() == {"grouped": name}
    x = signed(1, 54, 4, 4)
    np.testing.assert_allclose(run(lowered.model, x), run(model, x), rtol=0, atol=2e-6)
    assert [value.name for value in lowered.model.graph.outputs] == [value.name for value in model.graph.outputs]


def test_float32_and_single_channels_are_left_as_they_are() -> None:
    model = grouped(36, 4, 16).build()
    for target in (Target.LITERT, Target.ONNXRUNTIME):
        assert groups_of(lower(model, target).model) == [4]
        assert groups_of(lower(model, target, LoweringOptions(quantized=True)).model) == [1]
    depthwise = grouped(18, 18, 16).build()
    assert groups_of(lower(depthwise, Target.LITERT, LoweringOptions(quantized=True)).model) == [18]


def test_small_images_keep_their_groups_in_tflite_files() -> None:
    model = grouped(36, 4, 8).build()
    assert groups_of(lower(model, Target.LITERT, LoweringOptions(quantized=True)).model) == [4]
    assert groups_of(lower(model, Target.ONNXRUNTIME, LoweringOptions(quantized=True)).model) == [1]


@pytest.mark.parametrize(
    ("channels", "groups", "name", "reason"),
    [
        (80, 2, "join-64", "no two of its 2 groups have 64 channels or fewer together"),
        (36, 2, "join-64", "join-36 joins its 2 groups in the same way"),
    ],
)
def test_what_cannot_be_joined_is_refused(channels: int, groups: int, name: str, reason: str) -> None:
    model = grouped(channels, groups).build()
    said = {f"grouped {channels}x4x4": name}
    recipe = Recipe("Net", Target.LITERT, fingerprint.fingerprint(model), said, quantize="int8")
    with pytest.raises(LoweringError, match=f"cannot be carried out by {name}: {reason}"):
        lower(model, Target.LITERT, LoweringOptions(recipe=recipe, quantized=True))


def test_a_recipe_for_other_numbers_is_refused() -> None:
    model = grouped(36, 4).build()
    graph = fingerprint.fingerprint(model)
    of_float, of_int8 = (Recipe("Net", Target.LITERT, graph, {}, quantize=name) for name in ("", "int8"))
    with pytest.raises(RecipeError, match="found for float32 files and this one is int8; tune the network with `quant"):
        lower(model, Target.LITERT, LoweringOptions(recipe=of_float, quantized=True))
    with pytest.raises(RecipeError, match="found for int8 files and this one is float32; tune the network without"):
        lower(model, Target.LITERT, LoweringOptions(recipe=of_int8))


def test_every_grouped_lowering_is_of_its_role() -> None:
    assert GROUPED.role is roles.Role.GROUPED
    assert GROUPED.names == ("plain", "join-18", "join-36", "join-64")
