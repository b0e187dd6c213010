"""Int8 files compute what their plan says, to the integer, inside XNNPACK."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from emit.tflite.cases import PICTURE, shift_kernel, shuffle
from emit.tflite.quantized import QuantizedTester
from emit.tflite.tester import INPUT, Tester, integers, random, scalar

from ssc_deploy.emit import tflite
from ssc_deploy.quantize.grid import Grid
from ssc_deploy.quantize.plan import Io
from ssc_deploy.runtimes.litert import LiteRT

CASES: dict[str, Tester] = {
    "conv": Tester(PICTURE).op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4),
    "conv relu": Tester(PICTURE).op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4).op("Relu"),
    "conv relu6": Tester(PICTURE)
    .op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4)
    .op("Clip", scalar(0), scalar(6)),
    "conv clip 0..3": Tester(PICTURE)
    .op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4)
    .op("Clip", scalar(0), scalar(3)),
    "conv clip -1..1": Tester(PICTURE)
    .op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4)
    .op("Clip", scalar(-1), scalar(1)),
    "conv pad uneven": Tester(PICTURE).op("Conv", random(8, 6, 3, 3), random(8), pads=[0, 2, 1, 3]),
    "conv stride": Tester(PICTURE).op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4, strides=[2, 2]),
    "grouped": Tester(PICTURE).op("Conv", random(9, 2, 1, 1), random(9), group=3).op("Relu"),
    "depthwise": Tester(PICTURE).op("Conv", random(6, 1, 3, 3), random(6), group=6, pads=[1] * 4),
    "depthwise mult": Tester(PICTURE).op("Conv", random(12, 1, 3, 3), random(12), group=6, pads=[1] * 4),
    "depthwise dil": Tester(PICTURE).op("Conv", random(6, 1, 3, 3), random(6), group=6, pads=[2] * 4, dilations=[2, 2]),
    "shift": Tester((1, 9, 7, 9))
    .op("Relu")
    .op("Conv", shift_kernel(9), group=9, pads=[1] * 4)
    .op("Conv", random(8, 9, 1, 1)),
    "gemm": Tester((1, 20)).op("Gemm", random(20, 10), random(10)),
    "gemm t relu": Tester((1, 20)).op("Gemm", random(10, 20), random(10), transB=1).op("Relu"),
    "matmul": Tester((1, 20)).op("MatMul", random(20, 10)),
    "matmul r3": Tester((1, 4, 20)).op("MatMul", random(20, 10)),
    "convT": Tester(PICTURE).op("ConvTranspose", random(6, 5, 3, 3), random(5), strides=[2, 2]),
    "convT b": Tester(PICTURE).op("ConvTranspose", random(6, 5, 2, 2), random(5), strides=[2, 2]),
    "add": Tester(PICTURE).op("Relu", name="r").op("Add", INPUT),
    "add relu": Tester(PICTURE).op("Conv", random(6, 6, 1, 1), name="r").op("Add", INPUT).op("Relu"),
    "add const": Tester(PICTURE).op("Add", random(1, 6, 1, 1)),
    "sub": Tester(PICTURE).op("Relu", name="r").op("Sub", INPUT),
    "sub const": Tester(PICTURE).op("Sub", random(1, 6, 1, 1)),
    "mul": Tester(PICTURE).op("Relu", name="r").op("Mul", INPUT),
    "mul const": Tester(PICTURE).op("Mul", random(1, 6, 1, 1)),
    "se": Tester(PICTURE).op("GlobalAveragePool").op("Conv", random(6, 6, 1, 1)).op("Sigmoid").op("Mul", INPUT),
    "gap": Tester(PICTURE).op("GlobalAveragePool"),
    "gap big": Tester((1, 6, 20, 20)).op("GlobalAveragePool"),
    "gap flatten gemm": Tester(PICTURE).op("GlobalAveragePool").op("Flatten").op("Gemm", random(6, 10), random(10)),
    "avgpool": Tester(PICTURE).op("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "avgpool pad": Tester(PICTURE).op("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "avgpool pad incl": Tester(PICTURE).op(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1
    ),
    "maxpool": Tester(PICTURE).op("Relu").op("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    "maxpool pad": Tester(PICTURE).op("Relu").op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "maxpool relu": Tester(PICTURE)
    .op("Conv", random(6, 6, 1, 1))
    .op("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    .op("Relu"),
    "relu": Tester(PICTURE).op("Relu"),
    "relu6": Tester(PICTURE).op("Clip", scalar(0), scalar(6)),
    "clip 0..1": Tester(PICTURE).op("Clip", scalar(0), scalar(1)),
    "clip -.5..1": Tester(PICTURE).op("Clip", scalar(-0.5), scalar(1)),
    "leaky": Tester(PICTURE).op("LeakyRelu", alpha=0.1),
    "hardswish": Tester(PICTURE).op("HardSwish"),
    "sigmoid": Tester(PICTURE).op("Sigmoid"),
    "tanh": Tester(PICTURE).op("Tanh"),
    "softmax": Tester((1, 10)).op("Softmax"),
    "concat": Tester(PICTURE).op("Relu", name="r").op("Concat", INPUT, axis=1).op("Conv", random(4, 12, 1, 1)),
    "concat5": Tester(PICTURE)
    .op("Relu", name="r")
    .op("Sigmoid", name="s")
    .op("Concat", "r", INPUT, "r", "s", INPUT, "r", axis=1)
    .op("Conv", random(4, 42, 1, 1)),
    "pad": Tester(PICTURE).op("Relu").op("Pad", integers(0, 0, 1, 2, 0, 0, 0, 1)).op("Conv", random(4, 6, 1, 1)),
    "pad reflect": Tester(PICTURE)
    .op("Relu")
    .op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect")
    .op("Conv", random(4, 6, 1, 1)),
    "slice": Tester(PICTURE)
    .op("Relu")
    .op("Slice", integers(1, 2), integers(5, 6), integers(1, 2))
    .op("Conv", random(4, 4, 1, 1)),
    "slice step": Tester(PICTURE)
    .op("Relu")
    .op("Slice", integers(0, 0), integers(7, 9), integers(2, 3), integers(2, 2))
    .op("Conv", random(4, 6, 1, 1)),
    "split": Tester(PICTURE)
    .op("Relu", name="r")
    .op("Split", integers(2, 4), axis=1, outputs=2)
    .op("Conv", random(4, 2, 1, 1)),
    "gather": Tester(PICTURE)
    .op("Relu")
    .op("Gather", integers(3, 1, 0, 2, 5, 4), axis=1)
    .op("Conv", random(4, 6, 1, 1)),
    "shuffle": shuffle(Tester(PICTURE).op("Relu"), 2, "sh").op("Conv", random(4, 6, 1, 1)),
    "d2s": Tester((1, 8, 4, 4)).op("Relu").op("DepthToSpace", blocksize=2).op("Conv", random(4, 2, 1, 1)),
    "d2s crd": Tester((1, 8, 4, 4))
    .op("Relu")
    .op("DepthToSpace", blocksize=2, mode="CRD")
    .op("Conv", random(4, 2, 1, 1)),
    "s2d": Tester((1, 2, 4, 4)).op("Relu").op("SpaceToDepth", blocksize=2).op("Conv", random(4, 8, 1, 1)),
    "tile": Tester(PICTURE).op("Relu").op("Tile", integers(1, 1, 2, 1)).op("Conv", random(4, 6, 1, 1)),
    "expand": Tester((1, 6, 1, 1)).op("Relu").op("Expand", integers(1, 6, 3, 3)).op("Conv", random(4, 6, 1, 1)),
    "resize nn": Tester(PICTURE)
    .op("Relu")
    .op(
        "Resize",
        None,
        np.array([1, 1, 2, 2], np.float32),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    .op("Conv", random(4, 6, 1, 1)),
    "resize lin": Tester(PICTURE)
    .op("Relu")
    .op("Resize", None, np.array([1, 1, 2, 2], np.float32), mode="linear", coordinate_transformation_mode="half_pixel")
    .op("Conv", random(4, 6, 1, 1)),
    "unsqueeze": Tester((1, 6)).op("Relu").op("Unsqueeze", integers(2, 3)).op("Conv", random(4, 6, 1, 1)),
    "reducemean": Tester(PICTURE).op("Relu").op("ReduceMean", integers(2, 3), keepdims=0).op("Gemm", random(6, 3)),
    "transposed": Tester(PICTURE).op("Relu").op("Transpose", perm=[0, 1, 3, 2]).op("Conv", random(4, 6, 1, 1)),
    "elu": Tester(PICTURE).op("Conv", random(6, 6, 1, 1)).op("Elu").op("Conv", random(6, 6, 1, 1)),
    "prelu": Tester(PICTURE).op("Conv", random(6, 6, 1, 1)).op("PRelu", random(6, 1, 1)).op("Conv", random(6, 6, 1, 1)),
    "gelu": Tester(PICTURE, opset=20).op("Conv", random(6, 6, 1, 1)).op("Gelu").op("Conv", random(6, 6, 1, 1)),
    "hardsigmoid": Tester(PICTURE).op("Conv", random(6, 6, 1, 1)).op("HardSigmoid").op("Mul", INPUT),
    "dynamic": Tester(("n", 6, 7, 9))
    .op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4)
    .op("Relu")
    .op("GlobalAveragePool")
    .op("Flatten")
    .op("Gemm", random(8, 4)),
}

#: What XNNPACK does not take in float32 either.
OUTSIDE = {"gather": ["GATHER"], "resize nn": ["RESIZE_NEAREST_NEIGHBOR"]}


@pytest.mark.quick(12)
@pytest.mark.parametrize("name", CASES)
def test_integers_are_those_of_the_plan_and_computed_in_one_delegate(name: str) -> None:
    tester = QuantizedTester.of(CASES[name])
    for steps in tester.steps():
        assert np.abs(steps).max() <= (0 if steps.dtype == np.int64 else 1e-6)
    assert LiteRT().load(tester.build()).outside == OUTSIDE.get(name, [])


@pytest.mark.quick(4)
@pytest.mark.parametrize("zero_point", [-128, -127, -3, 0, 5, 126, 127])
@pytest.mark.parametrize("taps", [1, 9])
def test_shift_moves_every_byte_as_it_is(zero_point: int, taps: int) -> None:
    tester = Tester((1, 9, 16, 17)).op("Conv", shift_kernel(9), group=9, pads=[1] * 4)
    tester.op("Conv", np.eye(9, dtype=np.float32)[:taps, :, None, None])
    quantized = QuantizedTester.of(tester)
    grid = Grid(0.03125, zero_point)
    plan = dataclasses.replace(quantized.plan, grids=dict.fromkeys(quantized.plan.grids, grid))
    every = np.resize(np.arange(-128, 128), (1, 9, 16, 17))
    (steps,) = dataclasses.replace(quantized, plan=plan).steps(grid.numbers(every))
    assert not steps.any()


def test_inputs_and_outputs_are_float32_or_integers_and_keep_their_names() -> None:
    tester = Tester(PICTURE).op("Conv", random(8, 6, 3, 3), random(8), pads=[1] * 4, name="output")
    for io, dtype in ((Io.FLOAT, "float32"), (Io.INT8, "int8")):
        runner = LiteRT().load(QuantizedTester.of(tester, io=io).build())
        assert [(one.name, one.dtype) for one in (*runner.inputs, *runner.outputs)] == [
            (INPUT, dtype),
            ("output", dtype),
        ]


def test_what_the_plan_leaves_out_is_computed_in_float32() -> None:
    tester = Tester(PICTURE).op("Conv", random(8, 6, 1, 1)).op("Relu").op("Conv", random(8, 8, 1, 1)).op("Relu")
    quantized = QuantizedTester.of(tester.op("Conv", random(8, 8, 1, 1)))
    middle = quantized.model.graph[3].outputs[0].name
    plan = dataclasses.replace(quantized.plan, kernels=quantized.plan.kernels - {middle})
    runner = LiteRT().load(dataclasses.replace(quantized, plan=plan).build())
    assert runner.operators[1:5] == ["CONV_2D", "DEQUANTIZE", "CONV_2D", "QUANTIZE"]
    assert runner.whole_in_delegate


def test_a_rounded_value_and_its_unrounded_view_are_two_tensors() -> None:
    tester = Tester(PICTURE).op("Sign", name="plain").op("Identity", name="copy").op("Conv", random(6, 6, 1, 1))
    quantized = QuantizedTester.of(tester.op("Add", "plain"))
    grids = {name: grid for name, grid in quantized.plan.grids.items() if name != "plain"}
    (steps,) = dataclasses.replace(quantized, plan=dataclasses.replace(quantized.plan, grids=grids)).steps()
    assert not steps.any()


def test_seven_bits_leave_out_the_larger_weights() -> None:
    tester = Tester(PICTURE).op("Conv", random(8, 6, 1, 1), random(8))
    (steps,) = QuantizedTester.of(tester, bits=7).steps()
    assert not steps.any()


def test_what_stays_in_float32_is_said_by_name() -> None:
    tester = Tester((1, 20)).op("Gemm", random(20, 10), random(10)).op("Softmax", name="scores")
    assert tflite.in_float(QuantizedTester.of(tester, io=Io.INT8).build()) == ("SOFTMAX scores",)
    assert tflite.in_float(QuantizedTester.of(CASES["conv relu"]).build()) == ()
