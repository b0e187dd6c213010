"""Where the time goes: operators found again in the file, summed by block and by kind."""

from __future__ import annotations

import pytest

from ssc_deploy import inspect
from ssc_deploy.profiling import costs
from ssc_deploy.profiling.costs import Kind
from ssc_deploy.profiling.job import OperatorTime

# Each takes a process or more that loads a runtime.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_every_operator_of_a_real_profile_has_its_place(files, profiled, suffix):
    (model,) = [m for m in profiled.models if m.model.endswith(suffix) and m.threads == 1]
    assert model.costs is not None, model.costs_note
    assert model.costs.total.macs == inspect(files / f"mine.{suffix}").macs
    assert model.costs.total.ns == sum(one.ns for one in model.costs.operators)
    for shares in (model.costs.blocks, model.costs.kinds):
        assert sum(share.ns for share in shares) == model.costs.total.ns
        assert sum(share.share for share in shares) == pytest.approx(1)
    kinds = {one.kind for one in model.costs.operators}
    assert {Kind.SHIFT, Kind.SHUFFLE, Kind.DENSE} <= kinds


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_shifts_and_shuffles_are_what_the_network_says(files, suffix):
    """Every operator takes as long as every other one, so the shares count operators."""
    layers = inspect(files / f"mine.{suffix}").layers
    found = costs.costs_of(
        files / f"mine.{suffix}", [OperatorTime(layer.name, layer.operator, 1000) for layer in layers]
    )
    moving = sum(layer.role in {"shift", "shuffle"} for layer in layers)
    assert moving > 0
    assert found.movement == pytest.approx(moving / len(layers))
    assert f"shift and shuffle cost {moving / len(layers):.0%} of the time" in found.sentence


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_bytes_are_what_must_be_moved_at_least(files, suffix):
    """A slice reads what it writes, not all of its input; a reshape moves nothing; a convolution reads weights."""
    layers = inspect(files / f"mine.{suffix}").layers
    for layer in layers:
        if layer.operator in {"Reshape", "RESHAPE"}:
            assert layer.traffic_bytes == 0
        elif layer.role in {"shift", "shuffle"}:
            assert layer.traffic_bytes == 2 * layer.moved_bytes > 0
        elif layer.macs:
            assert layer.traffic_bytes > 4 * layer.parameters


def test_what_the_runtime_adds_belongs_to_the_kernel_that_wants_it(files):
    layers = inspect(files / "mine.onnx").layers
    shift = next(layer for layer in layers if layer.role == "shift")
    dense = next(layer for layer in layers if layer.macs)
    found = costs.costs_of(
        files / "mine.onnx",
        [
            OperatorTime(f"{dense.name}_nchwc", "Conv", 4),
            OperatorTime("ReorderOutput", "ReorderOutput", 1),
            OperatorTime("ReorderInput_token_3", "ReorderInput", 2),
            OperatorTime(f"{shift.name}_token_7", "Pad", 3),
            OperatorTime("something", "Else", 10),
        ],
    )
    assert [one.kind for one in found.operators] == ["dense", "dense", "shift", "shift", "other"]
    assert [one.block for one in found.operators] == [dense.block, dense.block, shift.block, shift.block, ""]
    assert found.blocks[-1].name == costs.NO_BLOCK
    assert found.total.macs == dense.macs


def test_a_convolution_that_is_named_after_its_activation_keeps_its_work(files):
    layers = inspect(files / "mine.onnx").layers
    at = next(i for i, layer in enumerate(layers) if layer.operator == "Relu" and layers[i - 1].macs)
    (one,) = costs.costs_of(files / "mine.onnx", [OperatorTime(f"{layers[at].name}_nchwc", "Conv", 5)]).operators
    assert one.macs == layers[at - 1].macs


def test_several_operators_for_one_layer_count_its_work_once(files):
    layer = next(layer for layer in inspect(files / "mine.tflite").layers if layer.macs)
    times = [OperatorTime(layer.name, "Convolution", 5), OperatorTime(layer.name, "Clamp (NC)", 1)]
    found = costs.costs_of(files / "mine.tflite", times)
    assert (found.total.macs, found.total.bytes) == (layer.macs, layer.traffic_bytes)


def test_no_times_and_times_of_nothing_give_no_costs(files):
    assert costs.costs_of(files / "mine.onnx", []) is None
    assert costs.costs_of(files / "mine.onnx", [OperatorTime("a", "Conv", 0)]) is None


def test_blocks_by_kind_add_up_to_the_blocks(profiled):
    for model in profiled.models:
        rows = costs.shares_by_kind(model.costs)
        assert [name for name, _ in rows] == [block.name for block in model.costs.blocks]
        assert [sum(share.ns for share in shares) for _, shares in rows] == [b.ns for b in model.costs.blocks]


def test_blocks_too_many_to_look_over_are_told_by_their_parents_and_nothing_is_lost(profiled, files, monkeypatch):
    monkeypatch.setattr(costs, "_BLOCKS", 1)
    (model,) = [m for m in profiled.models if m.model.endswith("onnx") and m.threads == 1]
    times = [OperatorTime(one.name, one.operator, one.ns) for one in model.costs.operators]
    found = costs.costs_of(files / "mine.onnx", times)
    assert any("." in block.name for block in model.costs.blocks)
    assert not any("." in block.name for block in found.blocks)
    assert sum(block.ns for block in found.blocks) == found.total.ns > 0
    assert sum(block.macs for block in found.blocks) == found.total.macs
    assert [name for name, _ in costs.shares_by_kind(found)] == [block.name for block in found.blocks]
