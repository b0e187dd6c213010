"""Stretches held as planes: exact on both runtimes, one delegate partition, named for verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import Chain, normal, one_hot, operators, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from moving import numbered, run_litert, run_onnxruntime, signed

import ssc_deploy
from ssc_deploy.emit import tflite
from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.lower import Layout, LoweringOptions, Runtime, Target, lower
from ssc_deploy.lower.skew import Raster, raster
from ssc_deploy.metadata import ModelMetadata
from ssc_deploy.rewrite import rewrite
from ssc_deploy.runtimes.litert import LiteRT

if TYPE_CHECKING:
    import onnx_ir as ir


def window(k: int) -> list[tuple[int, int]]:
    return [(p // k - k // 2, p % k - k // 2) for p in range(k * k)]


def one_group(channels: int, groups: int) -> np.ndarray:
    """A group pointwise kernel that changes nothing."""
    return np.tile(np.eye(channels // groups, dtype=np.float32), (groups, 1))[:, :, None, None]


def moved(offsets, size, *, k: int = 3) -> ir.Model:
    """A group pointwise that changes nothing, a shift, and another such."""
    channels = len(offsets)
    kernel = one_group(channels, channels // 2 or 1)
    chain = Chain(1, channels, *size).then("Conv", kernel, group=channels // kernel.shape[1])
    chain.then("Conv", one_hot(offsets, k), group=channels, kernel_shape=(k, k), pads=(k // 2,) * 4)
    chain.then("Conv", kernel, group=channels // kernel.shape[1])
    model = chain.build()
    for node, role in zip(model.graph, (roles.Role.GROUP_POINTWISE, roles.Role.SHIFT, None), strict=True):
        if role:
            roles.set_role(node, role)
    return model


def planes(model: ir.Model) -> ir.Model:
    return lower(model, Target.LITERT, LoweringOptions(layout="channel-major")).model


def ssc_unit(groups: int = 4, size: tuple[int, int] = (6, 5), *, dense_stride: int = 1) -> ir.Model:
    """Most of an SSC module with random weights, rewritten into canonical form."""
    channels = 9 * groups
    shift = {"group": channels, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}
    order = np.arange(channels).reshape(groups, 9).T.reshape(-1)
    chain = Chain(1, channels, *size).then("Relu")
    shortcut = chain.last
    if dense_stride != 1:
        dense = normal(channels, channels, 1, 1), normal(channels)
        shortcut = chain.aside("Conv", chain.last, *dense, strides=(dense_stride,) * 2)
    dense = normal(channels, channels, 1, 1, seed=1) / channels, normal(channels)
    chain.then("Conv", *dense, strides=(dense_stride,) * 2)
    chain.then("Relu").then("Conv", normal(channels, 9, 1, 1, seed=2), normal(channels), group=groups).then("Relu")
    chain.then("Conv", one_hot(window(3) * groups), **shift)
    chain.then("Conv", normal(channels, 9, 1, 1, seed=3), group=groups).then("Clip", np.float32(0), np.float32(6))
    chain.then("Gather", order, axis=1)
    chain.then("Conv", normal(channels, groups, 1, 1, seed=4), normal(channels), group=9)
    model = chain.then("Add", shortcut).then("Relu").build()
    rewrite(model)
    return model


@pytest.mark.quick(4)
@pytest.mark.parametrize("size", [(5, 4), (4, 7), (3, 3), (8, 8)])
@pytest.mark.parametrize("groups", [1, 2, 5])
def test_a_window_of_nine_moves_every_pixel_exactly(groups: int, size: tuple[int, int]) -> None:
    offsets = window(3) * groups * 2
    model = planes(moved(offsets, size))
    for make in (numbered, signed):
        x = make(1, len(offsets), *size)
        for run_it in (run_onnxruntime, run_litert):
            np.testing.assert_array_equal(run_it(model, x), mv.shift(tuple(offsets))(x))


@st.composite
def rasters(draw: st.DrawFn) -> Raster:
    first = draw(st.tuples(st.integers(-2, 1), st.integers(-2, 1)))
    step = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    return Raster(draw(st.integers(1, 4)), draw(st.integers(1, 4)), first, step)


@settings(max_examples=40, deadline=None)
@given(found=rasters(), size=st.tuples(st.integers(1, 9), st.integers(1, 9)), repeats=st.sampled_from([2, 4]))
@pytest.mark.slow
def test_any_raster_that_is_taken_moves_every_pixel_exactly(found, size, repeats) -> None:
    offsets = found.offsets() * repeats
    assume(raster(offsets, *size) is not None)
    model = planes(moved(offsets, size, k=2 * mv.shift(tuple(offsets)).radius + 1))
    x = signed(1, len(offsets), *size)
    expected = mv.shift(tuple(offsets))(x)
    np.testing.assert_array_equal(run_onnxruntime(model, x), expected)
    np.testing.assert_array_equal(run_litert(model, x), expected)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_window_of_an_ssc_net_is_a_raster(k: int) -> None:
    found = raster(window(k) * 3, 8, 8)
    assert found is not None
    assert found.offsets() == window(k)


@pytest.mark.parametrize(
    "offsets",
    [
        window(3)[::-1],  # downwards first
        [(0, 1)] * 4,
        [(0, 0), (1, 0), (-1, 0)],
        [*window(3), (0, 0)],  # a rest that does not move
    ],
)
def test_offsets_that_are_no_raster_stay_a_depthwise_convolution(offsets) -> None:
    if len(offsets) % 2:
        offsets = [*offsets] * 2
    model = lower(moved(offsets, (5, 4)), Target.LITERT, LoweringOptions(layout="channel-major"))
    assert model.report.summary() == {"shift": "depthwise", "layout": "channel-major"}
    x = signed(1, len(offsets), 5, 4)
    np.testing.assert_array_equal(run_litert(model.model, x), mv.shift(tuple(offsets))(x))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_module_computes_the_same_on_both_runtimes(stride: int) -> None:
    model = ssc_unit(dense_stride=stride)
    lowered, x = planes(model), normal(1, 36, 6, 5, seed=9)
    expected = run(model, x)
    scale = float(np.abs(expected).max())
    for run_it in (run_onnxruntime, run_litert):
        np.testing.assert_allclose(run_it(lowered, x), expected, rtol=0, atol=4e-6 * scale)


def test_only_what_works_on_planes_reads_them() -> None:
    """With a stride the dense convolutions stay pictures, and their outputs become planes once."""
    found = operators(planes(ssc_unit(dense_stride=2)))
    assert found.count("Conv") == 2
    assert found.count("MatMul") == 3
    assert "Conv" not in operators(planes(ssc_unit()))


def test_all_of_it_is_one_delegate_partition() -> None:
    data = tflite.build(planes(ssc_unit(dense_stride=2)), ModelMetadata("unit", "none", "", "NHWC", (1, 36, 6, 5)))
    assert LiteRT().whole_in_delegate(data)


@pytest.mark.slow
def test_an_exported_network_is_verified_block_by_block_and_in_one_partition(tmp_path) -> None:
    lines: dict[str, str] = {}
    result = ssc_deploy.export(
        None,
        to="tflite",
        output=tmp_path,
        arch="ssc-net",
        args={"B": "1", "G": "9"},
        runtime="litert",
        progress=lines.__setitem__,
    )
    (file,) = result.files
    assert lines["lower"] == "litert: shift=skew, shuffle=transpose, layout=channel-major"
    assert lines["layout"].startswith("channel-major: ")
    assert file.verification.movements.exact == file.verification.movements.total == 9
    assert file.verification.blocks.agree == file.verification.blocks.compared >= 35
    assert LiteRT().whole_in_delegate(file.path)
    assert LiteRT().metadata(file.path).lowering["layout"] == "channel-major"


def test_a_value_that_leaves_the_graph_leaves_as_a_picture() -> None:
    model = moved(window(3) * 2, (5, 4))
    model.graph.outputs.append(model.graph[0].outputs[0])
    lowered, x = planes(model), signed(1, 18, 5, 4)
    assert [tuple(value.shape) for value in lowered.graph.outputs] == [(1, 18, 5, 4)] * 2
    assert [value.name for value in lowered.graph.outputs] == [value.name for value in model.graph.outputs]
    np.testing.assert_array_equal(run(lowered, x), run(model, x))


@pytest.mark.parametrize(
    ("layout", "runtime", "expected", "reason"),
    [
        ("auto", None, Layout.NHWC, "fast on every runtime"),
        ("auto", Runtime.TFLITE_2_14, Layout.NHWC, "slower on tflite-runtime 2.14"),
        ("auto", Runtime.LITERT, Layout.CHANNEL_MAJOR, "faster on LiteRT"),
        ("nhwc", Runtime.LITERT, Layout.NHWC, "as asked"),
        ("channel-major", None, Layout.CHANNEL_MAJOR, "as asked"),
    ],
)
def test_auto_follows_the_runtime_and_says_why(layout, runtime, expected, reason: str) -> None:
    report = lower(ssc_unit(), Target.LITERT, LoweringOptions(layout=layout, runtime=runtime)).report
    assert report.layout is expected
    assert reason in report.layout_reason


@pytest.mark.parametrize("batch", [2, None])
def test_auto_keeps_a_batch_as_pictures_and_a_demand_is_refused(batch) -> None:
    model = moved(window(3) * 2, (5, 4))
    report = lower(model, Target.LITERT, LoweringOptions(layout="auto", runtime="litert", batch=batch)).report
    assert report.layout is Layout.NHWC
    assert report.layout_reason == "channel-major takes one image at a time"
    with pytest.raises(LoweringError, match="one image at a time; use `layout='nhwc'`, or `batch=1`"):
        lower(model, Target.LITERT, LoweringOptions(layout="channel-major", batch=batch))


def test_a_network_without_group_pointwise_is_refused_by_name_and_left_by_auto() -> None:
    model = Chain(1, 8, 5, 4).then("Conv", normal(8, 8, 1, 1)).then("Relu").build()
    report = lower(model, Target.LITERT, LoweringOptions(layout="auto", runtime="litert")).report
    assert report.layout is Layout.NHWC
    assert report.layout_reason.startswith("there are no group pointwise convolutions")
    with pytest.raises(LoweringError, match="no stretch with a group pointwise"):
        lower(model, Target.LITERT, LoweringOptions(layout="channel-major"))


def test_onnxruntime_is_refused() -> None:
    with pytest.raises(LoweringError, match="a layout of TFLite files"):
        lower(ssc_unit(), Target.ONNXRUNTIME, LoweringOptions(layout="channel-major"))


@pytest.mark.parametrize(("asked", "known"), [({"layout": "nchw"}, "auto, nhwc"), ({"runtime": "tf"}, "litert, tfl")])
def test_unknown_names_list_the_known(asked, known: str) -> None:
    with pytest.raises(LoweringError, match=known):
        lower(ssc_unit(), Target.LITERT, LoweringOptions(**asked))


def test_a_layout_without_a_tflite_file_is_refused(tmp_path) -> None:
    with pytest.raises(LoweringError, match="none is exported"):
        ssc_deploy.export(None, to="onnx", output=tmp_path, arch="ssc-net", layout="channel-major")
