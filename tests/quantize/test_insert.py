"""A plan in an ONNX graph, and the proof that a file computes it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from ssc_deploy.emit import onnx as emit_onnx
from ssc_deploy.examples import Examples
from ssc_deploy.exporting import stages
from ssc_deploy.exporting.formats import Format
from ssc_deploy.lower.options import LoweringOptions
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.quantize import insert
from ssc_deploy.quantize.plan import Io
from ssc_deploy.verification import integers
from tests.quantize.plans import Small, canonical_of, noise, plan_of

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir

    from ssc_deploy.exporting.stages import Canonical
    from ssc_deploy.quantize.plan import Plan

INPUTS = noise(24)
METADATA = ModelMetadata("Small", "", "", "NCHW", (1, 3, 6, 5))


@pytest.fixture(scope="module")
def planned() -> tuple[Canonical, ir.Model, Plan]:
    canonical = canonical_of(Small())
    model, plan = plan_of(canonical, INPUTS)
    return canonical, model, plan


def file_of(canonical: Canonical, model: ir.Model, plan: Plan, path: Path, **options: str) -> Path:
    graph = dataclasses.replace(canonical, model=model)
    lowered = stages.lower(graph, Format.ONNX, LoweringOptions(**options)).model.clone()
    insert.insert(lowered, plan)
    path.write_bytes(emit_onnx.build(lowered, METADATA))
    return path


@pytest.mark.parametrize("shift", ["slice", "depthwise", "gather"])
@pytest.mark.parametrize("shuffle", ["gather", "transpose"])
def test_every_integer_of_a_file_is_that_of_its_plan(planned, tmp_path: Path, shift: str, shuffle: str) -> None:
    canonical, model, plan = planned
    path = file_of(canonical, model, plan, tmp_path / "a.onnx", shift=shift, shuffle=shuffle)
    report = integers.check(path, model, plan, Examples((INPUTS,)))
    assert report.ok, report.failures
    assert not report.missing
    assert report.turned <= 1e-4 * report.numbers


def test_movements_move_integers_and_nothing_is_rounded_around_them(planned, tmp_path: Path) -> None:
    canonical, model, plan = planned
    graph = onnx.load(file_of(canonical, model, plan, tmp_path / "a.onnx", shift="slice", shuffle="gather")).graph
    written = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type in {"Slice", "Gather", "Pad", "MaxPool"}:
            assert written[node.input[0]].op_type != "DequantizeLinear"
    assert not [node for node in graph.node if node.op_type == "Relu"]  # the grid ends where they cut off


def test_integer_inputs_and_outputs(planned, tmp_path: Path) -> None:
    canonical, model, plan = planned
    plan = dataclasses.replace(plan, io=Io.INT8)
    path = file_of(canonical, model, plan, tmp_path / "a.onnx")
    graph = onnx.load(path).graph
    types = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    assert types == [onnx.TensorProto.UINT8] * 2
    report = integers.check(path, model, plan, Examples((INPUTS[:8],)))
    assert report.ok, report.failures


@pytest.mark.parametrize("change", ["zero_point", "scale"])
def test_another_grid_than_the_plan_says_is_found_where_it_is(planned, tmp_path: Path, change: str) -> None:
    canonical, model, plan = planned
    path = file_of(canonical, model, plan, tmp_path / "a.onnx")
    chosen = "first"
    old = plan.grids[chosen]
    new = (
        dataclasses.replace(old, zero_point=old.zero_point + 1)
        if change == "zero_point"
        else dataclasses.replace(old, scale=float(np.float32(old.scale * 1.03)))
    )
    report = integers.check(
        path, model, dataclasses.replace(plan, grids={**plan.grids, chosen: new}), Examples((INPUTS[:4],))
    )
    assert not report.ok
    assert chosen in report.failures[0]


def test_a_kernel_that_is_one_step_off_is_found(planned, tmp_path: Path) -> None:
    canonical, model, plan = planned
    path = file_of(canonical, model, plan, tmp_path / "a.onnx")
    proto = onnx.load(path)
    kernel = next(
        one for one in proto.graph.initializer if one.name.startswith("first") and one.name.endswith("/kernel")
    )
    changed = onnx.numpy_helper.to_array(kernel).copy()
    changed[0, 0] -= 1
    kernel.CopyFrom(onnx.numpy_helper.from_array(changed, kernel.name))
    onnx.save(proto, path)
    report = integers.check(path, model, plan, Examples((INPUTS[:8],)))
    assert not report.ok
    assert report.failures[0].startswith("first")


def test_an_output_that_is_not_a_number_is_found(planned, tmp_path: Path) -> None:
    canonical, model, plan = planned
    path = file_of(canonical, model, plan, tmp_path / "a.onnx")
    proto = onnx.load(path)
    last = proto.graph.node[-1]
    assert list(last.output) == ["output"]
    last.output[0] = "right"
    proto.graph.node.append(onnx.helper.make_node("Sub", ["right", "right"], ["zero"]))
    proto.graph.node.append(onnx.helper.make_node("Div", ["zero", "zero"], ["output"]))
    onnx.save(proto, path)
    report = integers.check(path, model, plan, Examples((INPUTS[:2],)))
    assert not report.ok
    assert report.failures == ("output of block head: it is not finite",)
