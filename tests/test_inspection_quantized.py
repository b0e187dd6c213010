"""Quantised .tflite files: as many parameters and MACs as the file of float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from emit.tflite.cases import shift_kernel
from emit.tflite.quantized import QuantizedTester
from emit.tflite.tester import METADATA, Tester, random
from flatbuffers.builder import Builder

from ssc_deploy.emit import tflite
from ssc_deploy.inspection import tflite_layers
from ssc_deploy.ir import known
from ssc_deploy.lower import LoweringOptions, lower
from ssc_deploy.lower.target import Target
from ssc_deploy.quantize import weights
from ssc_deploy.quantize.plan import Mode
from ssc_deploy.runtimes.tflite_schema import pack, schema, unpack

if TYPE_CHECKING:
    from ssc_deploy.inspection.report import Layer


def network() -> Tester:
    tester = Tester((1, 9, 8, 8)).op("Conv", random(36, 9, 3, 3), random(36), pads=[1] * 4).op("Relu")
    tester.op("Conv", shift_kernel(36), group=36, pads=[1] * 4).op(
        "Conv", random(36, 9, 1, 1), random(36, seed=1), group=4
    )
    return tester.op("GlobalAveragePool").op("Flatten").op("Gemm", random(36, 10), random(10))


def layers(data: bytes) -> tuple[Layer, ...]:
    return tflite_layers.layers_of(unpack(data))


@pytest.mark.parametrize("mode", [Mode.INT8, Mode.FLOAT16, Mode.INT8_WEIGHTS])
def test_quantised_file_has_the_parameters_and_macs_of_the_float_one(mode: Mode) -> None:
    model = network().model
    expected = layers(tflite.build(model, METADATA))
    if mode is Mode.INT8:
        found, kernel = layers(QuantizedTester.of(network()).build()), "int8"
    else:
        found = layers(tflite.build(weights.rounded(model, mode), METADATA, weights=mode))
        kernel = "float16" if mode is Mode.FLOAT16 else "int8"
    for one in (expected, found):
        assert sum(layer.parameters for layer in one) == 36 * 81 + 36 + 36 * 9 + 36 + 360 + 10
    assert sum(layer.macs for layer in found) == sum(layer.macs for layer in expected)
    assert [layer.operator for layer in found if layer.role == "shift"] == ["DEPTHWISE_CONV_2D"]
    assert next(layer.detail for layer in found if layer.operator == "CONV_2D") == f"3x3 {kernel}"


def test_mean_of_a_large_image_is_one_operator_in_integers() -> None:
    model = Tester((1, 4, 40, 40)).op("Conv", random(4, 4, 1, 1)).op("GlobalAveragePool").model
    split, whole = (lower(model, Target.LITERT, LoweringOptions(quantized=q)).model for q in (False, True))
    assert len(list(split.graph)) > len(list(whole.graph)) == 2
    assert known.shape(whole.graph.outputs[0]) == (1, 4, 1, 1)
    (steps,) = QuantizedTester.of_model(model).steps(lowered=whole)
    assert np.abs(steps).max() <= 1


def test_constants_behind_the_model_are_found_as_other_quantisers_store_them() -> None:
    data = QuantizedTester.of(network()).build()
    model = unpack(data)
    kernel = model.buffers[model.subgraphs[0].tensors[model.subgraphs[0].operators[1].inputs[1]].buffer]
    content, kernel.content = kernel.content, b""
    without = pack(model)
    assert sum(layer.parameters for layer in layers(without)) < sum(layer.parameters for layer in layers(data))
    model = schema.ModelT.InitFromPackedBuf(without, 0)
    place = next(i for i, buffer in enumerate(unpack(data).buffers) if buffer.content == content)
    model.buffers[place].offset, model.buffers[place].size = 2**40, len(content)
    builder = Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    start = len(builder.Output()) + 16
    model.buffers[place].offset = start
    builder = Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    whole = bytes(builder.Output()).ljust(start, b"\0") + content
    assert layers(whole) == layers(data)
    with pytest.raises(ValueError, match="damaged"):
        unpack(whole[:-1])
