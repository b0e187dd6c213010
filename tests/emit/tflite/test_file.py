"""What the file says besides its operators: names, layouts, signature, metadata, constants, alignment."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from emit.tflite.cases import shift_by_slices, shift_kernel, shuffle
from emit.tflite.tester import INPUT, METADATA, Tester, integers, random, to_file

from ssc_deploy.emit.tflite import build
from ssc_deploy.ir import roles
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.runtimes.tflite_schema import unpack

PICTURE = (1, 6, 7, 9)


def network(blocks: int = 2, batch: int | str = 1) -> Tester:
    """Group pointwise, shift, shuffle and residual sum, as the lowering for LiteRT writes them."""
    tester = Tester((batch, 6, 7, 9))
    for i in range(blocks):
        entry = tester.value
        tester.op("Conv", random(6, 6, 1, 1), random(6), name=f"b{i}.conv").op("Relu", name=f"b{i}.relu")
        tester.op("Conv", random(6, 2, 1, 1), random(6), group=3, name=f"b{i}.group")
        tester.op("Conv", shift_kernel(6), group=6, pads=[1] * 4, name=f"b{i}.shift")
        shuffle(tester, 3, f"b{i}.shuffle").op("Add", entry, name=f"b{i}.sum").op("Relu", name=f"b{i}")
    return tester.op("GlobalAveragePool").op("Flatten").op("Gemm", random(6, 4), name="output")


def test_a_whole_network_is_one_delegate_partition() -> None:
    tester = network().compare()
    assert tester.whole_in_delegate()
    assert tester.operators().count("TRANSPOSE") == 2  # the shuffles'; no layout is converted


def test_a_whole_network_with_dynamic_batch_is_one_delegate_partition() -> None:
    tester = network(batch="N").compare(batch=3)
    assert tester.whole_in_delegate()


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_shift_by_slices_stays_in_the_delegate(batch: int | str) -> None:
    # Between convolutions, so that an operator outside the delegate would leave two parts.
    tester = shift_by_slices(Tester((batch, 9, 5, 6)).op("Conv", random(9, 9, 1, 1), name="before"))
    assert tester.op("Conv", random(9, 9, 1, 1, seed=1)).compare().whole_in_delegate()


@pytest.mark.parametrize("batch", [1, "N"])
def test_every_other_pixel_stays_in_the_delegate(batch: int | str) -> None:
    tester = Tester((batch, 6, 9, 8)).op("Conv", random(6, 6, 1, 1), name="before")
    tester.op("Slice", *(integers(*n) for n in ((0, 0), (9, 9999), (2, 3), (2, 2))))
    tester.op("AveragePool", kernel_shape=[1, 1], strides=[2, 2])
    assert tester.op("Conv", random(6, 6, 1, 1, seed=1)).compare().whole_in_delegate()
    assert tester.operators() == ["CONV_2D", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]


def test_every_other_channel_stays_in_the_delegate() -> None:
    tester = Tester((1, 12, 9, 8)).op("Conv", random(12, 12, 1, 1)).op("Gather", integers(*range(1, 12, 2)), axis=1)
    assert tester.op("Conv", random(6, 6, 1, 1)).compare().whole_in_delegate()
    assert tester.operators() == ["CONV_2D", "TRANSPOSE", "RESHAPE", "SLICE", "RESHAPE", "TRANSPOSE", "CONV_2D"]


@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (3, 6, 5, 4), ("N", 6, 5, 4)])
def test_channels_are_gathered_in_whole_planes(shape: tuple[int | str, ...]) -> None:
    tester = Tester(shape).op("Conv", random(6, 6, 1, 1)).op("Gather", integers(5, 0, 4, 2, 1, 3, 3), axis=1)
    tester.op("Conv", random(6, 7, 1, 1)).compare()
    assert tester.operators() == ["CONV_2D", "TRANSPOSE", "GATHER", "TRANSPOSE", "CONV_2D"]


@pytest.mark.parametrize("shape", [(1, 5, 6), (5, 1, 6), (5, 4, 6), (2, 3, 4, 6), (5, 6)])
def test_numbers_of_the_last_axis_are_gathered_exactly(shape: tuple[int, ...]) -> None:
    Tester(shape).op("Gather", integers(5, 0, 4, 2, 1, 3, 3), axis=len(shape) - 1).compare(exact=True)


@pytest.mark.parametrize("op_type", ["HardSigmoid", "PRelu", "Elu"])
def test_other_activations_stay_in_the_delegate(op_type: str) -> None:
    slopes = [random(6, 1, 1)] if op_type == "PRelu" else []
    assert Tester((1, 6, 8, 8)).op("Conv", random(6, 6, 1, 1)).op(op_type, *slopes).whole_in_delegate()


@pytest.mark.parametrize("steps", [["Relu"], []])
def test_a_padded_max_pool_stays_in_the_delegate(steps: list[str]) -> None:
    tester = Tester((1, 6, 8, 8)).op("Conv", random(6, 6, 1, 1))
    for step in steps:
        tester.op(step)
    tester.op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    assert tester.op("Conv", random(6, 6, 1, 1, seed=1)).compare().whole_in_delegate()


def test_what_a_movement_starts_from_has_a_tensor_of_its_name_whatever_else_that_holds() -> None:
    tester = (
        Tester((1, 4, 4, 4)).op("Relu", name="x").op("Identity", name="same").op("Gather", integers(2, 0, 3, 1), axis=1)
    )
    model = tester.model
    roles.set_role(model.graph[2], roles.Role.SHUFFLE)
    names = LiteRT().tensors(build(model, METADATA))
    assert {"x", "same"} <= set(names)


def test_tensors_carry_the_names_of_blocks_and_hold_their_outputs() -> None:
    tester = network()
    x = tester.input()
    names = ["b0.shift", "b0.shuffle", "b0", "b1.relu"]
    expected = [output.transpose(0, 2, 3, 1) for output in _tapped(tester, names, x)]
    tapped = LiteRT().load(tester.build(), taps=names).run([to_file(x)])[1:]
    for output, reference in zip(tapped, expected, strict=True):
        np.testing.assert_allclose(output, reference, rtol=0, atol=tester.tolerance(reference))


def test_a_tensor_named_like_a_rank_4_value_is_nhwc() -> None:
    # The reshape makes channels from rows: its result lies as NCHW, and only the relu's input is transposed.
    tester = Tester(PICTURE).op("Reshape", integers(1, 9, 7, 6), name="r").op("Conv", random(3, 9, 1, 1))
    tensors = LiteRT().tensors(tester.build())
    assert tensors["r"].shape == (1, 7, 6, 9)
    assert [spec.shape for name, spec in tensors.items() if name.startswith("r/")] == [(1, 9, 7, 6)]


def test_signature_names_inputs_and_outputs_as_the_graph_does() -> None:
    model = network().build()
    interpreter = Interpreter(model_content=model)
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["input"], "outputs": ["output"]}}
    runner = interpreter.get_signature_runner("serving_default")
    x = to_file(network().input())
    np.testing.assert_array_equal(runner(input=x)["output"], LiteRT().load(model).run([x])[0])


def test_metadata_says_nhwc() -> None:
    stored = LiteRT().metadata(network().build())
    assert stored is not None
    assert stored.layout == "NHWC"
    assert (stored.network, stored.input_shape) == (METADATA.network, METADATA.input_shape)


def test_an_input_that_is_an_output_is_copied() -> None:
    tester = Tester(PICTURE).op("Identity", name="a").output("a").op("Identity", name="b").compare(exact=True)
    assert tester.operators() == ["RESHAPE", "RESHAPE"]


def test_equal_constants_are_stored_once() -> None:
    twice = Tester(PICTURE).op("Conv", random(6, 6, 3, 3), pads=[1] * 4).op("Conv", random(6, 6, 3, 3), pads=[1] * 4)
    once = Tester(PICTURE).op("Conv", random(6, 6, 3, 3), pads=[1] * 4)
    kernel = 6 * 6 * 9 * 4
    assert len(twice.build()) < len(once.build()) + kernel


def test_constants_are_aligned_to_16_bytes() -> None:
    data = network().build()
    contents = [buffer.content for buffer in unpack(data).buffers if len(buffer.content) > 16]
    assert len(contents) > 5
    for content in contents:
        # The length stands before the data.
        found = data.index(struct.pack("<I", len(content)) + content) + 4
        assert found % 16 == 0


def test_operator_versions_are_the_lowest() -> None:
    codes = unpack(network().build()).operatorCodes
    assert {code.version for code in codes} == {1}
    assert all(code.deprecatedBuiltinCode == min(code.builtinCode, 127) for code in codes)


def test_names_of_values_win_over_invented_names() -> None:
    # "r/stored" is what the emitter would call the NCHW tensor behind "r".
    tester = (
        Tester(PICTURE).op("Reshape", integers(1, 9, 7, 6), name="r").op("Conv", random(3, 9, 1, 1), name="r/stored")
    )
    tensors = LiteRT().tensors(tester.compare().build())
    assert tensors["r/stored"].shape == (1, 7, 6, 3)


def test_building_leaves_the_model_alone() -> None:
    model = network().model
    before = model.graph.num_nodes()
    assert build(model, METADATA) == build(model, METADATA)
    assert model.graph.num_nodes() == before


def test_a_value_may_be_used_in_several_orders() -> None:
    tester = Tester(PICTURE).op("Relu", name="r").op("Transpose", perm=[0, 2, 3, 1]).op("Softmax")
    tester.op("Transpose", perm=[0, 3, 1, 2]).op("Mul", "r").op("Add", INPUT).compare()
    assert tester.operators() == ["RELU", "SOFTMAX", "MUL", "ADD"]


def _tapped(tester: Tester, names: list[str], x: np.ndarray) -> list[np.ndarray]:
    return OnnxRuntime().load(tester.proto.SerializeToString(), taps=names).run([x])[1:]
