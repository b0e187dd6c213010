"""Layers, costs, and what the stages recognised and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import Chain
from onnx import TensorProto, helper, numpy_helper

import ssc_deploy
from ssc_deploy import lower
from ssc_deploy.errors import RuntimeLoadError, SscDeployError
from ssc_deploy.inspection import Stage, graph_layers
from ssc_deploy.rewrite import rewrite

NETWORK = {"arch": "ssc-net", "args": {"B": "1", "G": "9", "stem": "4", "classes": "4"}, "input_shape": (1, 3, 8, 8)}

#: Of NETWORK by hand: the stem, three units, the head. A unit of m channels has two dense 1x1 (conv1, shortcut), three
#: in groups of m / g channels (conv2, ssc1, ssc2), and two in groups of m / 9 (conv3, merge).
MACS = (
    27 * 4 * 64
    + sum(
        pixels * (2 * before * m + 3 * m * (m // g) + 2 * m * (m // 9))
        for before, m, g, pixels in [(4, 81, 9, 64), (81, 162, 18, 16), (162, 324, 36, 4)]
    )
    + 324 * 4
)


@pytest.fixture(scope="module")
def stages():
    """NETWORK at the stages that differ most; a capture takes more than a second."""
    return {
        stage: ssc_deploy.inspect(None, stage=stage, target="litert", **NETWORK)
        for stage in ("checkpoint", "capture", "lower")
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """NETWORK as files of dynamic batch."""
    folder = tmp_path_factory.mktemp("files")
    return ssc_deploy.export(None, to=["onnx", "tflite"], output=folder, batch=None, **NETWORK).files


def of(layers, **wanted):
    return [layer for layer in layers if all(getattr(layer, name) == value for name, value in wanted.items())]


@pytest.mark.slow
def test_macs_are_those_of_the_equation_at_every_stage_and_in_the_files(stages, files):
    assert {stage: inspection.macs for stage, inspection in stages.items()} == dict.fromkeys(stages, MACS)
    assert [ssc_deploy.inspect(file.path).macs for file in files] == [MACS, MACS]


@pytest.mark.slow
def test_parameters_are_the_network_s_before_batchnorm_is_folded(stages):
    trained = stages["checkpoint"]
    assert trained.parameters == sum(layer.parameters for layer in trained.layers)
    folded = stages["lower"]
    assert folded.parameters == trained.parameters
    # Of the weight and the bias of each BatchNorm, of as many channels, the bias of its convolution stays.
    norms = sum(layer.parameters for layer in of(trained.layers, operator="BatchNorm2d"))
    assert sum(layer.parameters for layer in folded.layers) == trained.parameters - norms // 2


@pytest.mark.slow
def test_each_stage_says_what_it_recognised(stages):
    reports = stages["lower"].stages
    assert [report.stage for report in reports] == [Stage.CHECKPOINT, Stage.CAPTURE, Stage.REWRITE, Stage.LOWER]
    recognised = {report.stage: Counter(finding.what for finding in report.recognised) for report in reports}
    assert recognised[Stage.CAPTURE] == {"shift": 6, "shuffle": 3}
    assert recognised[Stage.REWRITE] == {"shift": 6, "shuffle": 3, "group pointwise": 15}
    assert recognised[Stage.LOWER] == {"shift": 6, "shuffle": 3}
    assert {f.detail for f in reports[-1].recognised} == {"depthwise", "transpose"}
    (probed,) = {f.detail for f in reports[1].recognised if f.block == "body.0.ssc1.shift"}
    assert probed == "module Shift, 81 channels, 9 offsets of up to 1"


@pytest.mark.slow
def test_movements_cost_bytes_and_no_macs(stages):
    for stage in ("capture", "lower"):
        shifts = of(stages[stage].layers, role="shift")
        assert [layer.block for layer in shifts[:2]] == ["body.0.ssc1.shift", "body.0.ssc2.shift"]
        assert [(layer.macs, layer.parameters, layer.moved_bytes) for layer in shifts[:1]] == [(0, 0, 4 * 81 * 8 * 8)]
    lowered = of(stages["lower"].layers, role="shuffle", block="body.0.shuffle")
    assert [(layer.operator, layer.moved_bytes > 0) for layer in lowered] == [
        ("Transpose", True),
        ("Reshape", False),
        ("Transpose", True),
        ("Reshape", False),
        ("Transpose", True),
    ]


@pytest.mark.slow
def test_a_tflite_file_tells_its_operators_metadata_and_partitions(files):
    inspection = ssc_deploy.inspect(files[1].path)
    assert (inspection.stage, inspection.delegates, inspection.whole_in_delegate) == (Stage.FILE, 1, True)
    assert inspection.metadata is not None
    assert inspection.metadata.lowering == {"shift": "depthwise", "shuffle": "transpose"}
    assert inspection.operators["DEPTHWISE_CONV_2D"] == 6
    first = inspection.layers[0]
    assert (first.operator, first.detail, first.shape, first.parameters) == ("CONV_2D", "3x3", (1, 8, 8, 4), 27 * 4 + 4)
    strided = of(inspection.layers, name="body.1.conv1")
    assert [layer.detail for layer in strided] == ["1x1 /2"]
    assert of(inspection.layers, role="shift")[0].moved_bytes == 4 * 81 * 8 * 8


@pytest.mark.slow
def test_an_exported_onnx_file_keeps_blocks_and_roles(files, stages):
    inspection = ssc_deploy.inspect(files[0].path)
    assert inspection.delegates is None
    blocks = {layer.block for layer in inspection.layers}
    assert blocks == {layer.block for layer in stages["lower"].layers}
    assert len(of(inspection.layers, role="group pointwise")) == 15
    assert all(layer.shape is not None for layer in inspection.layers)


@pytest.mark.slow
def test_json_takes_every_inspection(stages, files):
    for inspection in (*stages.values(), *(ssc_deploy.inspect(file.path) for file in files)):
        loaded = json.loads(json.dumps(inspection.to_dict(), allow_nan=False))
        assert loaded["schema_version"] == 1
        assert loaded["macs"] == MACS
        assert len(loaded["layers"]) == len(inspection.layers)


def test_a_lowering_that_is_not_possible_is_said_with_its_reason(tmp_path):
    mixed = np.random.default_rng(0).permutation(12)
    graph = Chain(1, 12, 6, 6).then("Relu").then("Gather", mixed, axis=1).then("Relu").build()
    onnx.save(ir.to_proto(graph), tmp_path / "mixed.onnx")
    *_, report = ssc_deploy.inspect(tmp_path / "mixed.onnx", stage="lower", target="litert").stages
    assert [(finding.what, finding.detail) for finding in report.recognised] == [("shuffle", "gather")]
    assert [refused.what for refused in report.refused] == ["shuffle by transpose", "shuffle by planes"]
    rewrite(graph)
    ((site, _),) = lower.sites(graph, lower.Target.LITERT)
    for refused, name in zip(report.refused, ("transpose", "planes"), strict=True):
        assert refused.detail == lower.SHUFFLES.get(name).refusal(site)


def test_all_operators_that_a_tflite_file_cannot_hold_are_said_at_once(tmp_path):
    graph = Chain(1, 3, 4, 4).then("Det").then("Hardmax").then("Relu").build()
    onnx.save(ir.to_proto(graph), tmp_path / "odd.onnx")
    *_, report = ssc_deploy.inspect(tmp_path / "odd.onnx", stage="lower", target="litert").stages
    assert [finding.what for finding in report.refused] == ["Det in a .tflite file", "Hardmax in a .tflite file"]
    *_, report = ssc_deploy.inspect(tmp_path / "odd.onnx", stage="lower", target="onnxruntime").stages
    assert not report.refused


@pytest.mark.parametrize(
    ("graph", "macs", "parameters", "detail"),
    [
        (
            Chain(1, 4, 8, 8).then("Conv", np.ones((6, 2, 3, 3), np.float32), group=2, strides=[2, 2], pads=[1] * 4),
            6 * 4 * 4 * 2 * 9,
            108,
            "3x3 g2 /2",
        ),
        (Chain(1, 4, 8, 8).then("ConvTranspose", np.ones((4, 6, 2, 2), np.float32)), 4 * 64 * 6 * 4, 96, "2x2"),
        (Chain(3, 5).then("Gemm", np.ones((5, 7), np.float32)), 3 * 5 * 7, 35, ""),
        (Chain(5, 3).then("Gemm", np.ones((5, 7), np.float32), transA=1), 3 * 5 * 7, 35, ""),
        (Chain(2, 3, 5).then("MatMul", np.ones((5, 7), np.float32)), 2 * 3 * 5 * 7, 35, ""),
        (Chain(1, 4, 8, 8).then("Add", np.ones((4, 1, 1), np.float32)), 0, 4, ""),
    ],
    ids=["Conv", "ConvTranspose", "Gemm", "Gemm of a transposed input", "MatMul", "Add"],
)
def test_costs_of_an_operator(graph, macs, parameters, detail):
    (layer,) = graph_layers.layers_of(graph.build())
    assert (layer.macs, layer.parameters, layer.detail, layer.moved_bytes) == (macs, parameters, detail, 0)


def test_a_depthwise_convolution_that_computes_is_no_shift():
    kernel = np.zeros((3, 1, 3, 3), np.float32)
    kernel[:, 0, 1, 1] = 1
    (shift,) = graph_layers.layers_of(Chain(1, 3, 8, 8).then("Conv", kernel, group=3, pads=[1] * 4).build())
    assert (shift.role, shift.macs, shift.moved_bytes) == ("shift", 0, 3 * 64 * 4)
    kernel[1, 0, 0, 0] = 1
    (conv,) = graph_layers.layers_of(Chain(1, 3, 8, 8).then("Conv", kernel, group=3, pads=[1] * 4).build())
    assert (conv.role, conv.macs, conv.parameters, conv.moved_bytes) == (None, 3 * 64 * 9, 27, 0)


def foreign_file(path, *, second="weight"):
    """Two convolutions of one weight (or of two) as another exporter names them, of open batch and size."""
    weight = np.random.default_rng(0).standard_normal((3, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weight"], ["a"], name="/features/conv1/Conv"),
            helper.make_node("Conv", ["a", second], ["y"], name="/features/conv2/Conv"),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [numpy_helper.from_array(weight, name) for name in sorted({"weight", second})],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_any_onnx_file_is_looked_at_with_its_own_names_and_open_sizes_as_1(tmp_path):
    inspection = ssc_deploy.inspect(foreign_file(tmp_path / "net.onnx"))
    assert [layer.block for layer in inspection.layers] == ["features.conv1.Conv", "features.conv2.Conv"]
    assert [layer.macs for layer in inspection.layers] == [9, 9]
    assert inspection.metadata is None
    assert inspection.stages[0].recognised[0].detail == "x: float32 [any, 3, any, any]"


def test_a_weight_of_two_layers_counts_once(tmp_path):
    assert ssc_deploy.inspect(foreign_file(tmp_path / "net.onnx")).parameters == 9
    assert ssc_deploy.inspect(foreign_file(tmp_path / "two.onnx", second="other")).parameters == 18


def test_a_file_that_is_none(tmp_path):
    for name in ("net.onnx", "net.tflite"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(RuntimeLoadError, match=f"{name} cannot be loaded"):
            ssc_deploy.inspect(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stage": "emit"}, "there is no stage 'emit'; choose one of file, checkpoint, capture, rewrite, lower"),
        ({"stage": "lower", "target": "npu"}, "there is no target 'npu'; choose one of onnxruntime, native, litert"),
        ({"stage": "file"}, "the stage file is for .onnx and .tflite files"),
    ],
)
def test_unknown_names_are_refused_with_those_that_are_known(options, sentence):
    with pytest.raises(SscDeployError, match=sentence):
        ssc_deploy.inspect(None, **options, **NETWORK)


@pytest.mark.slow
def test_looking_at_a_tflite_file_imports_no_torch(files):
    script = "import sys, ssc_deploy; ssc_deploy.inspect(sys.argv[1]); print('torch' in sys.modules)"
    command = [sys.executable, "-c", script, files[1].path]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
