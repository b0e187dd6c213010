"""Files of other exporters, as ONNX Runtime runs them: each is exported right, or refused by a sentence that helps."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import ssc_deploy
from ssc_deploy.errors import CaptureError, CheckpointError, NetworkError, SscDeployError
from ssc_deploy.exporting import stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.formats import Format
from ssc_deploy.lower import LoweringOptions
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.source import open_source

SHAPE = (1, 3, 11, 13)
RANDOM = np.random.default_rng(0)
W = (RANDOM.standard_normal((6, 3, 3, 3)) * 0.3).astype(np.float32)
B = RANDOM.standard_normal(6).astype(np.float32)
Q = (W / 0.01).round().clip(-127, 127).astype(np.int8)
CONV = helper.make_node("Conv", ["input", "w", "b"], ["c"])
PADDED = helper.make_node("Conv", ["input", "w", "b"], ["c"], pads=[1] * 4)


def node(op, *inputs, to="output", **attributes):
    return helper.make_node(op, list(inputs), [to] if isinstance(to, str) else to, **attributes)


def sparse(name, shape, indices):
    values = numpy_helper.from_array(np.arange(1, len(indices) + 1, dtype=np.float32), name)
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.array(indices), f"{name} at"), shape)


def cast(given, to, kind=TensorProto.FLOAT):
    cast = node("Cast", given, to=to)
    cast.attribute.append(helper.make_attribute("to", kind))
    return cast


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def source(path, nodes, *, shape=SHAPE, out=(None,) * 4, opset=17, kind=TensorProto.FLOAT, **more):
    """Writes a model; ``more`` holds constants, and what else `helper.make_graph` and `helper.make_model` take."""
    told, functions, domains = (more.pop(name, ()) for name in ("told", "functions", "domains"))
    raw = list(more.pop("raw", ()))
    returned = more.pop("returned", None) or value("output", out, kind)
    constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in more.items()]
    graph = helper.make_graph(nodes, "g", [value("input", shape, kind)], [returned], constants + raw, value_info=told)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10, functions=functions)
    onnx.save(model, path)
    return path


def exports(path, folder, *, batch=1, atol=2e-5, as_float32=False):
    """Verifies an export of the file, and runs both on the same pictures; returns the export's operators.

    ``as_float32``: the source takes another floating-point type.
    """
    opened = open_source(path)
    canonical = stages.canonicalise(opened)
    content = stages.build(opened, Format.ONNX, stages.lower(canonical, Format.ONNX, LoweringOptions(batch=batch))).data
    folder.mkdir()
    (folder / "net.onnx").write_bytes(content)
    report = Check(opened, canonical.model, None, None)(folder / "net.onnx")
    assert report.ok, report
    ours, theirs = OnnxRuntime().load(content), OnnxRuntime().load(path.read_bytes())
    x = np.random.default_rng(1).standard_normal((theirs.inputs[0].shape[0] or 1, *SHAPE[1:]), np.float32)
    expected = theirs.run([x.astype(theirs.inputs[0].dtype) if as_float32 else x])[0]
    np.testing.assert_allclose(np.concatenate([ours.run([row[None]])[0] for row in x]), expected, rtol=0, atol=atol)
    return [n.op_type for n in onnx.load_from_string(content).graph.node]


def dequantised(*inputs, **attributes):
    return [node("DequantizeLinear", *inputs, to="w", **attributes), node("Conv", "input", "w", "b")]


SCALE = {"q": Q, "s": np.float32(0.01), "b": B}
AXES = {"s": np.linspace(0.005, 0.02, 6, dtype=np.float32), "z": np.arange(6, dtype=np.int8)}
INT4 = helper.make_tensor("q", TensorProto.INT4, Q.shape, (Q // 16).flatten().tolist())
FLOAT8 = helper.make_tensor("q", TensorProto.FLOAT8E4M3FN, W.shape, W.flatten().tolist())


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("nodes", "more"),
    [
        (dequantised("q", "s", "z"), {**SCALE, "z": np.int8(3)}),
        (dequantised("q", "s"), {**SCALE, "opset": 13}),
        (dequantised("q", "s", "z"), {**SCALE, "q": Q.view(np.uint8), "z": np.uint8(128), "opset": 10}),
        (dequantised("q", "s", "z", axis=0), {**SCALE, **AXES}),
        (dequantised("q", "s", "z", axis=-4), {**SCALE, **AXES, "opset": 21}),
        (dequantised("q", "s"), {"raw": [INT4], "s": np.float32(0.2), "b": B, "opset": 21}),
        (
            dequantised("q", "s", axis=1, block_size=2),
            {"raw": [INT4], "s": np.abs(W[:, :2]) + 0.1, "b": B, "opset": 21},
        ),
        (dequantised("q", "s"), {"raw": [FLOAT8], "s": np.float32(1), "b": B, "opset": 19}),
        (
            [node("DequantizeLinear", "n", "t", to="b"), *dequantised("q", "s")],
            {"q": Q, "s": np.float32(0.01), "n": (B * 1e4).astype(np.int32), "t": np.float32(1e-4)},
        ),
        (
            [cast("q", "f"), node("Mul", "f", "s", to="w"), node("Conv", "input", "w", "b")],
            SCALE,
        ),
    ],
    ids=[
        "zero-point",
        "no-zero-point",
        "opset-10",
        "per-axis",
        "negative-axis",
        "int4",
        "blocks",
        "float8",
        "int32-bias",
        "cast",
    ],
)
def test_weights_kept_as_small_numbers_become_float(nodes, more, tmp_path):
    assert exports(source(tmp_path / "net.onnx", nodes, **more), tmp_path / "out") == ["Conv"]


QDQ = [node("QuantizeLinear", "c", "s", "z", to="q"), node("DequantizeLinear", "q", "s", "z")]
QLINEAR = [
    node("QuantizeLinear", "input", "s", "z", to="iq"),
    node("QLinearConv", "iq", "s", "z", "w8", "s", "z", "s", "z", to="oq"),
    node("DequantizeLinear", "oq", "s", "z"),
]
DYNAMIC = [
    node("DynamicQuantizeLinear", "input", to=["iq", "is", "iz"]),
    node("ConvInteger", "iq", "u8", "iz", to="oi"),
    cast("oi", "output"),
]


@pytest.mark.parametrize("nodes", [[CONV, *QDQ], QLINEAR, DYNAMIC], ids=["QDQ", "QLinear", "dynamic"])
def test_a_quantised_network_is_refused_as_such(nodes, tmp_path):
    more = {"w": W, "b": B, "s": np.float32(0.02), "z": np.int8(0), "w8": Q, "u8": Q.view(np.uint8)}
    with pytest.raises(CaptureError, match=r"is of a quantised network.*export the network before it was quantised"):
        ssc_deploy.export(source(tmp_path / "net.onnx", nodes, **more), output=tmp_path / "out")


@pytest.mark.quick(2)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "Conv", "ConvTranspose"])
@pytest.mark.parametrize("auto_pad", ["SAME_LOWER", "SAME_UPPER", "VALID"])
def test_padding_that_the_operator_works_out_itself(op, auto_pad, tmp_path):
    how = {"auto_pad": auto_pad, "strides": [2, 2]}
    if op.startswith("Conv"):
        w = np.ascontiguousarray(W[:, :, :2] if op == "Conv" else W.transpose(1, 0, 2, 3))
        path = source(tmp_path / "net.onnx", [node(op, "input", "k", **how)], k=w)
    else:
        path = source(tmp_path / "net.onnx", [PADDED, node(op, "c", kernel_shape=[2, 3], **how)], w=W, b=B)
    exports(path, tmp_path / "out")


def test_same_lower_padding_reaches_tflite(tmp_path):
    pool = node("MaxPool", "c", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER")
    path = source(tmp_path / "net.onnx", [PADDED, pool], w=W, b=B)
    assert ssc_deploy.export(path, to="tflite", output=tmp_path / "out").files[0].verification.ok


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("widths", "mode"),
    [
        ([0, 0, 0, 1, 0, 0, 0, -1], "constant"),
        ([0, 0, -1, -2, 0, 0, -1, -1], "constant"),
        ([0, -2, 0, 0, 0, 1, 0, 0], "constant"),
        ([0, 0, 2, -1, 0, 0, -1, 2], "edge"),
        ([0, 0, 0, 1, 0, 0, 0, -1], "reflect"),
    ],
)
def test_a_negative_pad_cuts(widths, mode, tmp_path):
    exports(source(tmp_path / "net.onnx", [CONV, node("Pad", "c", "p", mode=mode)], w=W, b=B, p=widths), tmp_path / "o")


BRANCHES = {
    "then_branch": helper.make_graph([node("Relu", "c", to="yes")], "yes", [], [value("yes", (1, 6, 9, 11))]),
    "else_branch": helper.make_graph([node("Neg", "c", to="e")], "e", [], [value("e", (1, 6, 9, 11))]),
}
LEAKY = helper.make_function(
    "my", "Leaky", ["x"], ["y"], [helper.make_node("LeakyRelu", ["x"], ["y"])], [helper.make_opsetid("", 17)], ["alpha"]
)
LEAKY.node[0].attribute.append(onnx.AttributeProto(name="alpha", type=1, ref_attr_name="alpha"))
WIDE = [value("c", (8, 6, 9, 11))]


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("nodes", "more"),
    [
        ([CONV, node("SplitToSequence", "c", "n", to="s", axis=1), node("SequenceAt", "s", "i")], {"n": 2, "i": 1}),
        (
            [CONV, node("SplitToSequence", "c", "n", to="s", axis=1), node("SequenceAt", "s", "i")],
            {"n": [1, 5], "i": -1},
        ),
        ([CONV, node("SequenceConstruct", "c", "c", to="s"), node("ConcatFromSequence", "s", axis=1)], {}),
        ([CONV, node("GlobalLpPool", "c", p=3)], {}),
        ([CONV, node("MeanVarianceNormalization", "c", axes=[2, 3])], {}),
        ([CONV, node("If", "k", **BRANCHES)], {"k": True}),
        ([CONV, node("Leaky", "c", domain="my", alpha=0.3)], {"functions": [LEAKY], "domains": ["my"]}),
        ([CONV, node("Relu", "c")], {"shape": ("N", *SHAPE[1:]), "told": WIDE, "out": (8, 6, 20, 20)}),
        ([CONV, node("Relu", "c")], {"told": [value("c", (1, 6))]}),
        ([CONV, node("Upsample", "c", "t", mode="linear")], {"t": np.float32([1, 1, 2, 2]), "opset": 9}),
        ([CONV, node("Scatter", "c", "j", "u", axis=1)], {"j": [[[[2]]]], "u": np.ones((1, 1, 1, 1), "f"), "opset": 9}),
        ([CONV, node("Pad", "c", "p", "k", to="m"), node("MaxPool", "m", kernel_shape=[3, 3])],
         {"p": [0, 0, 1, 1] * 2, "k": np.float32(-np.inf)}),
        ([CONV, node("Split", "c", "p", to=["x", "y", "z"], axis=1), node("Concat", "z", "y", "x", axis=1)],
         {"p": [2, 0, 4]}),
        ([CONV, node("Constant", to="k", sparse_value=sparse("k", [6, 1, 1], [[1, 0, 0], [4, 0, 0]])),
          node("Mul", "c", "k")], {}),
    ],
    ids=[
        "equal-parts",
        "parts",
        "list",
        "global-lp-pool",
        "mvn",
        "constant-branch",
        "function",
        "stale-batch",
        "stale-rank",
        "upsample",
        "scatter",
        "minus-infinity",
        "empty-piece",
        "sparse",
    ],
)  # fmt: skip
def test_what_onnx_runtime_runs_is_exported(nodes, more, tmp_path):
    exports(source(tmp_path / "net.onnx", nodes, w=W, b=B, **more), tmp_path / "out")


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("batch", "nodes", "more"),
    [
        (4, [CONV, node("Reshape", "c", "t")], {"t": [4, -1], "out": (4, 594)}),
        (8, [CONV, node("Reshape", "c", "t", to="x"), node("Softmax", "x", to="y"), node("Reshape", "y", "u")],
         {"t": [16, 3, 99], "u": [8, 6, 9, 11]}),
        (4, [CONV, node("Add", "c", "k")], {"k": np.repeat(B.reshape(1, 6, 1, 1), 4, 0)}),
        (2, [CONV, node("Transpose", "c", to="x", perm=[1, 0, 2, 3]), node("Reshape", "x", "t", to="y"),
             node("Transpose", "y", perm=[1, 0, 2])], {"t": [6, 2, 99], "out": (2, 6, 99)}),
    ],
    ids=["reshape", "folded", "repeated constant", "batch second"],
)  # fmt: skip
def test_a_batch_written_into_the_file_is_taken_out(batch, nodes, more, tmp_path):
    path = source(tmp_path / "net.onnx", nodes, shape=(batch, *SHAPE[1:]), w=W, b=B, **more)
    exports(path, tmp_path / "out")
    exports(path, tmp_path / "any", batch=None)
    assert OnnxRuntime().load(tmp_path / "any" / "net.onnx").inputs[0].shape[0] is None


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([CONV, node("ReduceMean", "c", axes=[0])], "it works along the batch"),
        ([CONV, node("Add", "c", "k")], "a constant of it differs from image to image"),
    ],
)
def test_a_batch_whose_pictures_mix_is_refused(nodes, reason, tmp_path):
    more = {"k": RANDOM.standard_normal((4, 6, 1, 1)).astype("f")}
    path = source(tmp_path / "net.onnx", nodes, shape=(4, *SHAPE[1:]), w=W, b=B, **more)
    with pytest.raises(CaptureError, match=rf"fixed to a batch of 4.*{reason}; export it again with a batch of 1"):
        ssc_deploy.export(path, output=tmp_path / "out")


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_network_in_another_floating_point_type_becomes_float32(kind, tmp_path):
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [node("MatMul", "input", "m", to="y"), node("Relu", "y")]
    path = source(tmp_path / "net.onnx", nodes, kind=kind, m=RANDOM.standard_normal((13, 5)).astype(dtype))
    exports(path, tmp_path / "out", as_float32=True, atol=2e-2 if kind == TensorProto.FLOAT16 else 1e-5)


def test_half_precision_between_casts_becomes_float32(tmp_path):
    nodes = [cast("input", "h", TensorProto.FLOAT16), node("Conv", "h", "w", "b", to="c"), cast("c", "output")]
    path = source(tmp_path / "net.onnx", nodes, w=W.astype("e"), b=B.astype("e"))
    assert exports(path, tmp_path / "out", atol=2e-2) == ["Conv"]


LOOP = helper.make_graph(
    [node("Add", "x", "x", to="y"), node("Identity", "go", to="on")],
    "loop",
    [value("i", (), TensorProto.INT64), value("go", (), TensorProto.BOOL), value("x", (1, 6, 9, 11))],
    [value("on", (), TensorProto.BOOL), value("y", (1, 6, 9, 11))],
)


@pytest.mark.parametrize(
    ("nodes", "more", "sentence"),
    [
        ([node("FusedConv", "input", "w", "b", domain="com.microsoft")], {"domains": ["com.microsoft"]},
         "of com.microsoft, ONNX Runtime's own operators.*take the model as it was before it was optimized"),
        ([CONV, node("Normalizer", "c", domain="ai.onnx.ml")], {"domains": ["ai.onnx.ml"]},
         "is of ai.onnx.ml, not of the ONNX standard"),
        ([CONV, node("ReduceSum", "c", to="t", keepdims=0), cast("t", "k", TensorProto.BOOL),
          node("If", "k", **BRANCHES)], {},
         "If output .* is control flow that depends on the image"),
        ([CONV, node("Loop", "n", "t", "c", body=LOOP)], {"n": 3, "t": True}, "Loop output .* is control flow"),
        ([CONV, node("SequenceEmpty", to="e"), node("SequenceInsert", "e", "c", to="s"), node("SequenceAt", "s", "i")],
         {"i": 0}, "works on a list of tensors"),
        ([CONV, node("NonZero", "c", to="n"), cast("n", "output")], {"out": (None, None)},
         "size depends on the image"),
        ([CONV, node("Slice", "c", "i", "i", "a")], {"i": [0], "a": [1]}, r"an empty tensor, of shape \[1, 0, 9, 11\]"),
        ([node("Constant", value_float=1.0)], {"out": ()}, "does not depend on its image"),
    ],
    ids=["fused", "ml", "branch", "loop", "sequence", "nonzero", "empty", "constant"],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_where_it_stands(nodes, more, sentence, tmp_path, capfd):
    path = source(tmp_path / "net.onnx", nodes, **({"w": W, "b": B} | more))
    with pytest.raises(CaptureError, match=sentence):
        ssc_deploy.export(path, output=tmp_path / "out")
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "out").exists()


def test_weights_beside_the_file_that_are_missing_or_cut_off_are_named(tmp_path):
    path = source(tmp_path / "net.onnx", [CONV, node("Relu", "c")], w=W, b=B)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert open_source(path).input_shape == SHAPE
    with (tmp_path / "weights.bin").open("r+b") as weights:
        weights.truncate(100)
    with pytest.raises(CheckpointError, match="100 bytes"):
        ssc_deploy.export(path, output=tmp_path / "out")
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(CheckpointError, match=r"weights\.bin"):
        ssc_deploy.export(path, output=tmp_path / "out")


def test_a_sequence_as_the_output_is_refused(tmp_path):
    returned = helper.make_tensor_sequence_value_info("output", TensorProto.FLOAT, None)
    path = source(tmp_path / "net.onnx", [CONV, node("SequenceConstruct", "c")], w=W, b=B, returned=returned)
    with pytest.raises(SscDeployError, match="output output is a sequence or optional; one tensor is needed"):
        ssc_deploy.export(path, output=tmp_path / "out")


def test_sparse_weights_are_dense_ones(tmp_path):
    model = onnx.load(source(tmp_path / "net.onnx", [CONV, node("Mul", "c", "k")], w=W, b=B))
    model.graph.sparse_initializer.append(sparse("k", [6, 1, 1], [0, 5]))
    onnx.save(model, tmp_path / "net.onnx")
    exports(tmp_path / "net.onnx", tmp_path / "out")


@pytest.mark.slow
def test_a_batch_of_zero_is_an_open_one(tmp_path):
    path = source(tmp_path / "net.onnx", [CONV, node("Relu", "c")], shape=(0, *SHAPE[1:]), w=W, b=B)
    ssc_deploy.export(path, output=tmp_path / "out")


def test_an_opset_of_the_future_is_refused(tmp_path):
    path = source(tmp_path / "net.onnx", [CONV, node("Relu", "c")], opset=99, w=W, b=B)
    with pytest.raises(CheckpointError, match=r"net\.onnx is of opset 99; up to \d+ can be read"):
        open_source(path)


def test_what_the_reference_does_not_know_is_refused(tmp_path):
    pool = node("AveragePool", "c", kernel_shape=[2, 2], auto_pad="VALID", ceil_mode=1)
    path = source(tmp_path / "net.onnx", [CONV, pool], w=W, b=B)
    with pytest.raises(NetworkError, match=r"cannot run in float64 .* ceil_mode is not supported with auto_pad"):
        ssc_deploy.export(path, output=tmp_path / "out")


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_a_bias_that_no_runtime_takes_is_refused_and_is_no_defect_of_ours(op, tmp_path):
    kernel = W if op == "Conv" else W.swapaxes(0, 1)
    nodes = [node(op, "input", "w", "b")]
    path = source(tmp_path / "net.onnx", nodes, w=kernel, b=np.zeros((6, 2), np.float32))
    with pytest.raises(CaptureError, match=r"has a bias of \[6, 2\] for 6 channels.*export the network again"):
        ssc_deploy.export(path, output=tmp_path / "out")
    right = source(tmp_path / "right.onnx", nodes, w=kernel, b=B)
    assert ssc_deploy.export(right, output=tmp_path / "out").files[0].verification.ok
