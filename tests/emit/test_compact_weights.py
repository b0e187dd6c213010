"""Kernels held as float16 or int8 are exactly the rounded ones, in both formats and on both runtimes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from emit.tflite.cases import shift_kernel
from emit.tflite.tester import METADATA, Tester, random, to_file

from ssc_deploy.emit import onnx as onnx_emission
from ssc_deploy.emit import tflite
from ssc_deploy.errors import QuantizationError
from ssc_deploy.ir import graph as g
from ssc_deploy.quantize import grid, weights
from ssc_deploy.quantize.plan import Mode
from ssc_deploy.runtimes.litert import LiteRT
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

SHAPE = (1, 36, 8, 8)


def network() -> Tester:
    """Each kind of kernel, above and below the size from which it is held in fewer bits."""
    tester = Tester(SHAPE).op("Conv", random(64, 36, 3, 3), random(64), pads=[1] * 4).op("Relu")
    tester.op("Conv", random(128, 8, 1, 1), random(128), group=8).op("Conv", random(36, 128, 1, 1))
    tester.op("Conv", shift_kernel(36), group=36, pads=[1] * 4).op("Conv", random(36, 1, 3, 3), group=36)
    tester.op("ConvTranspose", random(36, 16, 2, 2), random(16), strides=[2, 2]).op("Conv", random(8, 16, 1, 1))
    return tester.op("GlobalAveragePool").op("Flatten").op("Gemm", random(8, 100), random(100))


@pytest.mark.parametrize(("mode", "ratio"), [(Mode.FLOAT16, 0.55), (Mode.INT8_WEIGHTS, 0.32)])
def test_file_computes_the_network_with_rounded_kernels(mode: Mode, ratio: float) -> None:
    model, x = network().model, random(*SHAPE, seed=3)
    rounded = weights.rounded(model, mode)
    metadata = dataclasses.replace(METADATA, input_shape=SHAPE)
    plain, short = tflite.build(rounded, metadata), tflite.build(rounded, metadata, weights=mode)
    assert len(short) < ratio * len(plain) + 6000
    runner = LiteRT().load(short)
    np.testing.assert_array_equal(runner.run([to_file(x)])[0], LiteRT().load(plain).run([to_file(x)])[0])
    assert runner.outside == []
    plain, short = onnx_emission.build(rounded, metadata), onnx_emission.build(rounded, metadata, weights=mode)
    assert len(short) < ratio * len(plain) + 6000
    np.testing.assert_array_equal(OnnxRuntime().load(short).run([x])[0], OnnxRuntime().load(plain).run([x])[0])
    kernels = [[g.constant(n.inputs[1]) for n in one.graph if n.op_type == "Conv"] for one in (model, rounded)]
    assert [(before != after).any() for before, after in zip(*kernels, strict=True)] == [
        kernel.size >= weights.LEAST and not np.isin(kernel, (0, 1)).all() for kernel in kernels[0]
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("axis", [0, 1])
def test_kernel_on_a_grid_of_integers_is_found_on_it_to_the_last_bit(seed: int, axis: int) -> None:
    kernel = grid.of_weights(random(200, 40, seed=seed) * 10.0 ** np.linspace(-6, 3, 40), axis).numbers
    found = weights.as_int8(kernel, axis)
    assert found is not None
    np.testing.assert_array_equal(found.numbers, kernel)


def test_kernels_that_are_not_rounded_stay_as_they_are() -> None:
    model = network().model
    for mode in (Mode.FLOAT16, Mode.INT8_WEIGHTS):
        x = to_file(random(*SHAPE))
        plain, short = tflite.build(model, METADATA), tflite.build(model, METADATA, weights=mode)
        np.testing.assert_array_equal(LiteRT().load(short).run([x])[0], LiteRT().load(plain).run([x])[0])


def test_weight_beyond_float16_is_refused_by_name() -> None:
    model = Tester(SHAPE).op("Conv", random(64, 36, 3, 3) * 1e5, name="wide").model
    with pytest.raises(QuantizationError, match=r"Conv node_wide .* is beyond 65504"):
        weights.rounded(model, Mode.FLOAT16)
