"""ONNX files: any opset, clean, self-describing, the same bytes each time, nothing left to simplify."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from graphs import Chain
from moving import graph_of, signed

from ssc_deploy.emit import onnxsim_process
from ssc_deploy.emit.onnx import OPSETS, build, simplifies
from ssc_deploy.errors import EmitError, UnsupportedOperatorError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.lower import SHIFTS, SHUFFLES, LoweringOptions, Target, lower
from ssc_deploy.metadata import KEY, ModelMetadata, Preprocessing
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

METADATA = ModelMetadata(
    "SSC-Net-1-9",
    "ssc_1_9.pt",
    "ab" * 32,
    "NCHW",
    (1, 18, 5, 4),
    preprocessing=Preprocessing((0.5,), (0.25,), "L"),
    labels=("cat", "dog"),
    lowering={"shift": "slice", "shuffle": "transpose"},
    versions={"ssc-deploy": "0.1.0", "torch": "2.15.0"},
)
OFFSETS = tuple((c % 9 // 3 - 1, c % 3 - 1) for c in range(18))
SHUFFLE = mv.permutation(tuple(np.arange(18).reshape(2, 9).T.reshape(-1).tolist()))


def lowered(shift: str = "slice", shuffle: str = "transpose", batch: int | None = 1) -> ir.Model:
    model = graph_of([mv.shift(OFFSETS), SHUFFLE], (5, 4))
    return lower(model, Target.ONNXRUNTIME, LoweringOptions(shift=shift, shuffle=shuffle, batch=batch)).model


def run(content: bytes, x: np.ndarray) -> np.ndarray:
    return OnnxRuntime().load(content).run([x])[0]


@pytest.mark.quick(10)
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("shift", SHIFTS.names)
def test_every_opset_loads_and_computes_the_same(shift: str, opset: int) -> None:
    content = build(lowered(shift), METADATA, opset=opset)
    proto = onnx.load_from_string(content)
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", opset)]
    assert proto.ir_version == onnx.helper.find_min_ir_version_for(list(proto.opset_import))
    x = signed(1, 18, 5, 4)
    np.testing.assert_array_equal(run(content, x), SHUFFLE(mv.shift(OFFSETS)(x)))


def test_the_default_is_what_phones_load() -> None:
    proto = onnx.load_from_string(build(lowered(), METADATA))
    assert (proto.opset_import[0].version, proto.ir_version) == (17, 8)


# Operators that changed between 13 and 22, as opset 18 writes them; the input is [1, 4, 6, 6].
CHANGED = {
    "ReduceMean": lambda: Chain(1, 4, 6, 6).then("ReduceMean", np.array([2, 3]), keepdims=0),
    "ReduceMax": lambda: Chain(1, 4, 6, 6).then("ReduceMax", np.array([1])),
    "Pad of some axes": lambda: Chain(1, 4, 6, 6).then(
        "Pad", np.array([1, 0, 2, 3]), np.float32(0.5), np.array([2, 3])
    ),
    "AveragePool": lambda: Chain(1, 4, 6, 6).then("AveragePool", kernel_shape=(2, 2), strides=(2, 2)),
    "Reshape": lambda: Chain(1, 4, 6, 6).then("Reshape", np.array([1, 4, 36]), allowzero=0),
    "BatchNormalization": lambda: Chain(1, 4, 6, 6).then(
        "BatchNormalization", *(np.full(4, v, np.float32) for v in (1.5, 0.5, 0.25, 2.0))
    ),
    "Clip, HardSigmoid, LeakyRelu, Sigmoid": lambda: (
        Chain(1, 4, 6, 6)
        .then("Clip", np.float32(-1), np.float32(1))
        .then("HardSigmoid")
        .then("LeakyRelu")
        .then("Sigmoid")
    ),
    "Resize": lambda: Chain(1, 4, 6, 6).then(
        "Resize", np.empty(0, np.float32), np.array([1, 1, 2, 2], np.float32), mode="nearest", antialias=0
    ),
    "ScatterND": lambda: Chain(1, 4, 6, 6).then("ScatterND", np.array([[0, 1]]), np.ones((1, 6, 6), np.float32)),
    "ScatterElements": lambda: Chain(1, 4, 6, 6).then(
        "ScatterElements", np.zeros((1, 1, 1, 1), np.int64), np.ones((1, 1, 1, 1), np.float32), axis=3, reduction="none"
    ),
    "Mish, HardSwish": lambda: Chain(1, 4, 6, 6).then("Mish").then("HardSwish"),
    "Round, Sin, Cos, Softsign": lambda: (
        Chain(1, 4, 6, 6).then("Sin").then("Cos").then("Softsign").then("Mul", np.float32(9)).then("Round")
    ),
    "Conv and MaxPool": lambda: (
        Chain(1, 4, 6, 6)
        .then("Conv", np.ones((4, 4, 3, 3), np.float32), pads=(1, 1, 1, 1))
        .then("MaxPool", kernel_shape=(3, 3), pads=(1, 1, 1, 1))
    ),
}


@pytest.mark.quick(15)
@pytest.mark.parametrize("opset", [OPSETS[0], 17, 19, OPSETS[-1]])
@pytest.mark.parametrize("chain", CHANGED.values(), ids=CHANGED)
def test_operators_that_changed_are_adapted(chain, opset: int) -> None:
    model = chain().build()
    expected = run(ir.to_proto(model).SerializeToString(), signed(1, 4, 6, 6))
    # Not bit for bit: ONNX Runtime has kernels of its own for some versions, which sum in another order.
    np.testing.assert_allclose(run(build(model, METADATA, opset=opset), signed(1, 4, 6, 6)), expected, atol=1e-6)


def _split(opset: int) -> ir.Model:
    attributes = {"num_outputs": 2} if opset >= 18 else {}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Split", ["input"], ["a", "b"], axis=1, **attributes),
            onnx.helper.make_node("Concat", ["b", "a"], ["output"], axis=1),
        ],
        "split",
        [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, (1, 4, 6, 6))],
        [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, (1, 4, 6, 6))],
    )
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    return ir.from_proto(onnx.shape_inference.infer_shapes(proto))


@pytest.mark.parametrize(("found", "wanted"), [(18, 17), (18, 13), (17, 18), (13, 22)])
def test_split_is_adapted_both_ways(found: int, wanted: int) -> None:
    x = signed(1, 4, 6, 6)
    expected = np.concatenate([x[:, 2:], x[:, :2]], axis=1)
    np.testing.assert_array_equal(run(build(_split(found), METADATA, opset=wanted), x), expected)


def test_reductions_are_adapted_upwards() -> None:
    down = ir.from_proto(onnx.load_from_string(build(CHANGED["ReduceMean"]().build(), METADATA, opset=13)))
    x = signed(1, 4, 6, 6)
    assert "axes" in down.graph[0].attributes
    up = onnx.load_from_string(build(down, METADATA, opset=18))
    assert up.graph.node[0].attribute[0].name != "axes"
    np.testing.assert_allclose(run(up.SerializeToString(), x), x.mean((2, 3)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("opset", [7, OPSETS[0] - 1, OPSETS[-1] + 1])
def test_an_opset_out_of_range_is_refused(opset: int) -> None:
    with pytest.raises(EmitError, match=rf"opset {opset} cannot be written; choose one from 13 to 22"):
        build(lowered(), METADATA, opset=opset)


def _blocked(chain: Chain) -> ir.Model:
    model = chain.build()
    roles.set_block(model.graph[0], "body.2.act")
    return model


@pytest.mark.parametrize(
    ("chain", "opset", "reason"),
    [
        (
            Chain(1, 4, 6, 6).then("BitwiseNot", np.zeros(4, np.uint8), first=False),
            17,
            r"BitwiseNot v0 of block body\.2\.act does not exist in opset 17; choose `opset=18`",
        ),
        (
            Chain(1, 4, 6, 6).then("Resize", np.empty(0, np.float32), np.ones(2, np.float32), axes=(2, 3)),
            17,
            r"Resize v0 of block body\.2\.act cannot be written in opset 17: its axes needs .*; choose `opset=18`",
        ),
        (
            Chain(2, 3).then("ScatterND", np.array([[0]]), np.ones((1, 3), np.float32), reduction="max"),
            16,
            r"ScatterND v0 of block body\.2\.act .* 16: its reduction 'max' needs version 18; choose `opset=18`",
        ),
    ],
)
def test_an_operator_without_an_equal_is_named_with_its_block(chain: Chain, opset: int, reason: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=reason):
        build(_blocked(chain), METADATA, opset=opset)


def test_what_the_checker_refuses_is_not_written() -> None:
    model = lowered("depthwise", "gather")
    model.graph[0].outputs[0].shape = ir.Shape([1, 18, 7, 7])
    with pytest.raises(EmitError, match="ONNX's checker refuses the graph at opset 17"):
        build(model, METADATA)


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert build(lowered(), METADATA) == build(lowered(), METADATA)


def test_the_model_is_left_as_it_is() -> None:
    model = lowered("depthwise", "gather")
    model.graph[0].metadata_props["pkg.torch.stack_trace"] = "/home/somebody/net.py"
    model.graph[0].name = "its own"
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    build(model, METADATA)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def test_the_file_describes_itself() -> None:
    content = build(lowered(), METADATA)
    proto = onnx.load_from_string(content)
    props = {prop.key: prop.value for prop in proto.metadata_props}
    assert ModelMetadata.from_json(props[KEY]) == METADATA
    assert props["labels"] == "cat, dog"
    assert props["lowering"] == "shift=slice, shuffle=transpose"
    assert (proto.producer_name, proto.producer_version, proto.graph.name) == ("ssc-deploy", "0.1.0", "SSC-Net-1-9")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map[KEY] == METADATA.to_json()


def test_nothing_of_the_exporter_s_machine_leaks() -> None:
    model = lowered()
    local = "/home/somebody/project/net.py"
    model.metadata_props["pkg.torch.export"] = local
    model.doc_string = model.graph.doc_string = local
    model.graph.metadata_props["pkg.torch.graph"] = local
    model.graph.inputs[0].metadata_props["pkg.torch.name"] = local
    for node in model.graph:
        node.doc_string = local
        node.metadata_props["pkg.torch.onnx.stack_trace"] = local
        node.outputs[0].doc_string = local
        node.outputs[0].metadata_props["pkg.torch.value"] = local
    for value in model.graph.initializers.values():
        value.metadata_props["pkg.torch.value"] = local
    assert local.encode() not in build(model, METADATA)


def test_nodes_are_named_after_their_block_and_keep_their_role() -> None:
    proto = onnx.load_from_string(build(lowered(), METADATA))
    assert [node.name for node in proto.graph.node] == [node.output[0] for node in proto.graph.node]
    assert proto.graph.node[-1].name == "output"
    kept = {prop.key: prop.value for prop in proto.graph.node[0].metadata_props}
    assert kept == {"ssc_deploy.role": "shift", "ssc_deploy.block": "body.0"}


def test_constants_kept_beside_the_source_are_taken_into_the_file(tmp_path: Path) -> None:
    ir.save(lowered(), tmp_path / "net.onnx", external_data="net.data", size_threshold_bytes=0)
    content = build(ir.load(tmp_path / "net.onnx"), METADATA)
    x = signed(1, 18, 5, 4)
    np.testing.assert_array_equal(run(content, x), SHUFFLE(mv.shift(OFFSETS)(x)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "shuffle", "batch"),
    # Each two of them meet.
    [
        (shift, shuffle, 1 if (i + j) % 2 else None)
        for i, shift in enumerate(SHIFTS.names)
        for j, shuffle in enumerate(SHUFFLES.names)
    ],
)
def test_onnxsim_finds_nothing_left_to_simplify(shift: str, shuffle: str, batch: int | None) -> None:
    report = simplifies(build(lowered(shift, shuffle, batch), METADATA))
    assert (report.left, report.warning) == ({}, None)
    assert report.is_simple


@pytest.mark.slow
def test_onnxsim_finds_what_can_be_simplified(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(build(Chain(1, 4, 6, 6).then("Identity").then("Relu").build(), METADATA))
    report = simplifies(path)
    assert report.left == {"Identity": -1}
    assert not report.is_simple
    assert report.to_dict() == {
        "before": {"Identity": 1, "Relu": 1},
        "after": {"Relu": 1},
        "warning": None,
        "left": {"Identity": -1},
        "is_simple": False,
    }


def test_an_onnxsim_that_takes_too_long_is_a_warning() -> None:
    report = simplifies(build(lowered(), METADATA), timeout=0)
    assert report.warning == "onnxsim took longer than 0 s and was stopped"
    assert report.left == {}
    assert not report.is_simple


@pytest.mark.skipif(os.name != "posix", reason="an interpreter that is a shell script")
def test_a_crash_of_onnxsim_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real process that dies of a real signal, in the place of the interpreter that would run onnxsim."""
    crashing = tmp_path / "python"
    crashing.write_text(
        textwrap.dedent("""\
        #!/bin/sh
        kill -SEGV $$
    """)
    )
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    report = simplifies(build(lowered(), METADATA))
    assert report.warning == "onnxsim failed with exit code -11: it said nothing"
    assert report.after is None


def test_onnxsim_is_started_once_and_again_after_it_ended() -> None:
    content, answers = build(lowered(), METADATA), []

    def running() -> list[int]:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        return [int(pid) for pid in children if b"onnxsim" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    threads = [threading.Thread(target=lambda: answers.append(simplifies(content).is_simple)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 3
    (first,) = running()
    os.kill(first, signal.SIGKILL)
    assert simplifies(content).warning in {None, "onnxsim failed with exit code -9: it said nothing"}
    assert simplifies(content).is_simple
    (second,) = running()
    assert second != first


def test_onnxsim_ends_when_nothing_is_asked_for_a_while_and_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxsim_process, "_IDLE", 0)
    process, source = onnxsim_process._Onnxsim(), build(lowered(), METADATA)
    process.start()
    assert process._process is not None
    assert process._process._popen.wait() == 0
    # It had ended just as it was asked, and looked as if it ran.
    monkeypatch.setattr(process._process, "is_usable", lambda: True)
    monkeypatch.setattr(onnxsim_process, "_IDLE", 60)
    monkeypatch.setattr(onnxsim_process, "simplify", process.simplify)
    assert simplifies(source).is_simple
    process._end()


def test_a_missing_onnxsim_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-such-python"))
    assert "could not be started" in (simplifies(build(lowered(), METADATA)).warning or "")
