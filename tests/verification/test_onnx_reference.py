import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ssc_deploy.errors import CheckpointError, NetworkError
from ssc_deploy.examples import Examples
from ssc_deploy.verification import verify_file
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.torch_reference import TorchReference


def test_it_agrees_with_float64_pytorch_far_beyond_float32(tmp_path):
    net, path = networks.random_net(0), tmp_path / "net.onnx"
    networks.write(net, path)
    x = networks.pictures(3)
    reference = OnnxReference(path)
    exact = TorchReference(net).outputs(Examples.of(x))[0]
    # BN was folded into float32 weights: what is left is the rounding of those, not that of the arithmetic.
    assert np.abs(reference.outputs(Examples.of(x))[0] - exact).max() < 1e-5
    assert reference.outputs(Examples.of(x))[0].dtype == np.float64
    assert 0 < np.abs(reference.float32_outputs(Examples.of(x))[0] - reference.outputs(Examples.of(x))[0]).max() < 1e-4


def test_the_file_verifies_against_itself_and_a_changed_one_does_not(tmp_path):
    net = networks.random_net(1)
    networks.write(net, tmp_path / "source.onnx")
    reference = OnnxReference(tmp_path / "source.onnx")
    assert verify_file(tmp_path / "source.onnx", reference, networks.pictures(4)).ok
    net.body[1].merge[0].weight.data *= 1.01
    networks.write(net, tmp_path / "changed.onnx")
    report = verify_file(tmp_path / "changed.onnx", reference, networks.pictures(4))
    assert not report.ok
    assert report.first_divergence.block.name == "body.1.merge"
    assert report.first_divergence.last_good.name == "body.1.shuffle"


def zeroed_class(weight):
    weight[3] = 0


def enlarged_logits(weight):
    weight *= 1.5


def swapped_classes(weight):
    weight[[2, 5]] = weight[[5, 2]]


@pytest.mark.slow
@pytest.mark.parametrize("opset", [9, 13, 15])
@pytest.mark.parametrize("wrong", [zeroed_class, enlarged_logits, swapped_classes])
def test_a_source_whose_bn_is_not_folded_passes_only_for_what_computes_the_same(tmp_path, opset, wrong):
    net, x = networks.random_net(0), networks.pictures(4)
    source, target = tmp_path / "source.onnx", tmp_path / "target.onnx"
    networks.write(net, source)
    model = onnx.load(source)
    statistics = {"scale": 1.5, "bias": 0.2, "mean": -0.3, "variance": 2.0}
    for name, value in statistics.items():
        constant = np.full(networks.SIZE[0], value, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(constant, name))
    first = model.graph.node[0]
    model.graph.node.insert(
        0, helper.make_node("BatchNormalization", ["input", *statistics], ["normalised"], momentum=0.9)
    )
    first.input[0] = "normalised"
    model.opset_import[0].version = opset
    onnx.save(model, source)
    reference = OnnxReference(source)
    assert verify_file(source, reference, x).ok
    weight = net.head.weight.detach().numpy().copy()
    wrong(weight)
    networks.replace_constant(source, "head/weight", weight, target)
    report = verify_file(target, reference, x)
    assert not report.ok
    assert report.first_divergence.block.name == "output"


def test_a_file_of_a_fixed_batch_takes_any_number_of_pictures(tmp_path):
    net = networks.random_net(0)
    networks.write(net, tmp_path / "one.onnx", batch=2)
    networks.write(net, tmp_path / "any.onnx")
    x = networks.pictures(5)
    one, some = OnnxReference(tmp_path / "one.onnx"), OnnxReference(tmp_path / "any.onnx")
    np.testing.assert_allclose(one.outputs(Examples.of(x))[0], some.outputs(Examples.of(x))[0], rtol=1e-12)
    assert one.float32_outputs(Examples.of(x))[0].shape == (5, 10)
    blocks = one.float32_blocks(Examples.of(x), {"body.0", "body.1.shift"})
    assert list(blocks) == ["body.0", "body.1.shift", "output"]
    visited = {}
    one.visit_blocks(Examples.of(x), set(blocks), visited.__setitem__)
    assert list(visited) == list(blocks)
    for name, exact in visited.items():
        np.testing.assert_allclose(blocks[name], exact, rtol=1e-4, atol=1e-4)


def test_constants_and_casts_in_nodes_and_subgraphs_are_float64_too(tmp_path):
    """y = if true: x + cast(0.1) + constant(0.2): every part of it is lost in float32."""
    constant = helper.make_node("Constant", [], ["fifth"], value_float=0.2)
    tenth = helper.make_tensor("tenth", TensorProto.DOUBLE, [], [0.1])
    nodes = [
        helper.make_node("Constant", [], ["double"], value=tenth),
        helper.make_node("Cast", ["double"], ["single"], to=TensorProto.FLOAT),
        constant,
        helper.make_node("Add", ["single", "fifth"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["branch"]),
    ]
    branch = helper.make_graph(nodes, "b", [], [helper.make_tensor_value_info("branch", TensorProto.FLOAT, None)])
    condition = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    graph = helper.make_graph(
        [helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, 1, 1])],
        [condition],
    )
    path = tmp_path / "if.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    y = OnnxReference(path).outputs(Examples.of(np.ones((2, 1, 1, 1), np.float32)))[0]
    # 0.2 stands in the file as float32; 0.1 does not.
    np.testing.assert_allclose(y, 1.0 + 0.1 + float(np.float32(0.2)), rtol=1e-15)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x09"])
def test_what_is_no_model_is_refused_in_words(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"net\.onnx is (not a valid ONNX model|empty)"):
        OnnxReference(tmp_path / "net.onnx")


def test_the_report_says_what_it_compares_with(tmp_path):
    path = tmp_path / "net.onnx"
    networks.write(networks.random_net(0), path)
    report = verify_file(path, OnnxReference(path), networks.pictures(4))
    assert "vs ONNX reference float64: max error" in str(report)
    assert "(ONNX Runtime float32's own: " in str(report)
    assert report.to_dict()["reference"] == "ONNX reference"
    assert report.blocks.compared == report.blocks.agree > 0


def test_a_file_whose_output_has_no_row_for_each_picture_is_refused(tmp_path):
    shape = numpy_helper.from_array(np.array([3, 1, 8, 8]), "shape")
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 1, 8, 8])],
        [shape],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(NetworkError, match=r"returns \[3, 1, 8, 8\] for a batch of 1"):
        verify_file(path, OnnxReference(path), networks.pictures(4))
