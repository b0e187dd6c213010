"""The flat shift: its mask in the convolution before it, on real ONNX Runtime, and what it costs in bytes."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import Chain, normal, one_hot, operators, run
from hypothesis import given, settings
from hypothesis import strategies as st
from moving import graph_of, numbered, run_onnxruntime, signed

from ssc_deploy.emit.onnx_simplify import simplifies
from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.lower import LoweringOptions, Target, lower
from ssc_deploy.lower.shift_flat import kept, rotation

PERIODIC = [(c % 9 // 3 - 1, c % 3 - 1) for c in range(18)]


def behind_a_relu(offsets=PERIODIC, size=(5, 4), *, k: int = 3, batch: int = 1, bias: bool = True) -> Chain:
    """An identity Conv, a ReLU and a shift: what is moved is known exactly."""
    channels = len(offsets)
    chain = Chain(batch, channels, *size)
    identity = np.eye(channels, dtype=np.float32)[:, :, None, None]
    chain.then("Conv", identity, *[np.zeros(channels, np.float32)] * bias, kernel_shape=(1, 1))
    return chain.then("Relu").then("Conv", one_hot(offsets, k), group=channels, kernel_shape=(k, k), pads=(k // 2,) * 4)


def built(chain: Chain, *further: str) -> ir.Model:
    model = chain.build(*further)
    for node in model.graph:
        if node.op_type == "Conv" and "group" in node.attributes:
            roles.set_role(node, roles.Role.SHIFT)
    return model


def flat(model: ir.Model, batch: int | None = 1) -> ir.Model:
    return lower(model, Target.ONNXRUNTIME, LoweringOptions(shift="flat", batch=batch)).model


def fused(model: ir.Model, tmp_path) -> list[str]:
    """The operators that ONNX Runtime runs in the end."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.optimized_model_filepath = 4, str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, 2])
def test_onnxruntime_runs_convolution_mask_and_relu_as_one_operator(tmp_path, batch: int, bias: bool) -> None:
    assert fused(flat(built(behind_a_relu(bias=bias)), batch), tmp_path) == [
        "FusedConv",
        "Reshape",
        "Split",
        "Concat",
        "Reshape",
    ]


@pytest.mark.parametrize("batch", [1, 2, None])
def test_behind_a_relu_every_pixel_moves_exactly(batch: int | None) -> None:
    model, movement = flat(built(behind_a_relu()), batch), mv.shift(tuple(PERIODIC))
    for make in (numbered, signed):
        x = make(2 if batch is None else batch, 18, 5, 4)
        np.testing.assert_array_equal(run_onnxruntime(model, x), movement(np.maximum(x, 0)))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.tuples(st.integers(1, 6), st.integers(1, 6)), reach=st.integers(1, 3))
@pytest.mark.slow
def test_any_offsets_at_any_size_move_exactly_behind_a_relu(data, size, reach) -> None:
    offset = st.tuples(st.integers(-reach, reach), st.integers(-reach, reach))
    offsets = data.draw(st.lists(offset, min_size=1, max_size=6)) * data.draw(st.integers(1, 3))
    model = flat(built(behind_a_relu(offsets, size, k=2 * reach + 1)))
    x = signed(1, len(offsets), *size)
    np.testing.assert_array_equal(run_onnxruntime(model, x), mv.shift(tuple(offsets))(np.maximum(x, 0)))


def test_the_largest_float32_behind_the_mask_does_not_leak() -> None:
    model, largest = flat(built(behind_a_relu())), np.finfo(np.float32).max
    x = np.full((1, 18, 5, 4), largest)
    np.testing.assert_array_equal(run_onnxruntime(model, x), mv.shift(tuple(PERIODIC))(x))


def test_infinity_behind_a_where_does_not_leak() -> None:
    model = flat(graph_of([mv.shift(tuple(PERIODIC))], (5, 4)))
    x = np.full((1, 18, 5, 4), np.inf, np.float32)
    np.testing.assert_array_equal(run_onnxruntime(model, x), mv.shift(tuple(PERIODIC))(x))


def test_what_another_node_reads_is_not_masked() -> None:
    """The ReLU's output also leaves the graph, so the mask stands apart."""
    model = built(behind_a_relu(), "v1")
    lowered, x = flat(model), normal(1, 18, 5, 4)
    assert "Where" in operators(lowered)
    for got, expected in zip((run(lowered, x),), (run(model, x),), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_linear_value_that_another_node_reads_is_not_masked() -> None:
    assert "Where" in operators(flat(built(behind_a_relu(), "v0")))


def test_the_mask_is_stored_as_rows_and_columns_only() -> None:
    chain = behind_a_relu([(c % 9 // 3 - 1, c % 3 - 1) for c in range(81)], (32, 32))
    before, after = (len(ir.to_proto(m).SerializeToString()) for m in (built(chain), flat(built(chain))))
    assert after - before < 4 * 81 * (32 + 32) + 1500


@pytest.mark.slow
def test_onnxsim_is_not_asked_about_constants_made_at_load() -> None:
    report = simplifies(ir.to_proto(flat(built(behind_a_relu()))).SerializeToString())
    assert (report.left, report.warning) == ({}, None)
    assert "Min" not in report.before


@pytest.mark.parametrize(
    ("channels", "size", "offsets", "expected"),
    [
        (81, 32, "periodic", "flat"),
        (162, 16, "periodic", "flat"),
        (162, 16, "runs", "flat"),
        (27, 8, "periodic", "flat"),
        (162, 16, "mixed", "slice"),  # two pieces a channel
        (324, 8, "periodic", "depthwise"),  # multiple of four: the blocked kernel
        (9, 8, "periodic", "depthwise"),  # tiny
    ],
)
@pytest.mark.parametrize("batch", [1, None])
def test_auto_takes_what_was_measured_behind_a_relu(channels, size, offsets, expected, batch) -> None:
    p = np.arange(channels) % 9
    p = {"periodic": p, "runs": np.sort(p), "mixed": np.random.default_rng(0).permutation(p)}[offsets]
    model = built(behind_a_relu([(int(i) // 3 - 1, int(i) % 3 - 1) for i in p], (size, size)))
    assert lower(model, Target.ONNXRUNTIME, LoweringOptions(batch=batch)).report.summary() == {"shift": expected}


def test_channels_last_is_refused() -> None:
    with pytest.raises(LoweringError, match="by flat: its feature maps are stored channels last"):
        lower(graph_of([mv.shift(tuple(PERIODIC))], (5, 4)), Target.LITERT, LoweringOptions(shift="flat"))


def test_a_run_of_equal_offsets_is_rotated_as_one_plane() -> None:
    lengths, order = rotation([(0, 1)] * 3 + [(0, 0)] * 2 + [(-1, 0)], 2, 4)
    assert lengths == [1, 23, 16, 4, 4]
    assert order == [1, 0, 2, 4, 3]


def test_kept_pixels_are_those_that_an_output_reads() -> None:
    rows, columns = kept([(1, -1)], 3, 3)
    assert (rows & columns)[0].tolist() == [[False] * 3, [True, True, False], [True, True, False]]
