import numpy as np
import onnx
import pytest
import spellings
import torch
from graphs import makers, normal, operators, run
from torch import nn

from ssc_deploy.capture import read_onnx
from ssc_deploy.errors import CaptureError
from ssc_deploy.rewrite import rewrite
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.signature import of_image

SHAPE = (1, 3, 6, 5)


class Net(nn.Module):
    """A shift and a shuffle in the forward, BatchNorm, and a head."""

    def __init__(self):
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 18, 3, padding=1, bias=False), nn.BatchNorm2d(18)
        self.local, self.head = nn.Conv2d(18, 18, 1, groups=2), nn.Linear(18, 4)

    def forward(self, x):
        x = torch.relu(self.bn(self.stem(x)))
        x = torch.relu(self.local(spellings.pad_slice_cat(x, spellings.raster(18))))
        return self.head(spellings.shuffle(torch.relu(x), 2).mean((2, 3)))


@pytest.fixture(scope="module")
def network():
    net = Net().eval()
    net.bn.running_mean.normal_(generator=torch.Generator().manual_seed(1))
    x = torch.from_numpy(normal(*SHAPE))
    with torch.no_grad():
        return net, x.numpy(), net(x).numpy()


def hand_written(opset, ir_version, batch=1, *, declares_initializers=False):
    """Conv, BatchNormalization, Relu, mean, Gemm, as older exporters write it."""

    def constant(name, array):
        return onnx.numpy_helper.from_array(np.asarray(array), name)

    constants = [constant("w", normal(4, 3, 3, 3)), constant("fc", normal(4, 2)), constant("fcb", normal(2))]
    constants += [constant(name, normal(4)) for name in ("gamma", "beta", "mean")] + [constant("var", np.ones(4, "f"))]
    older = {"axes": [2, 3]} if opset < 18 else {}
    axes = [] if opset < 18 else ["axes"]
    if axes:
        constants.append(constant("axes", np.array([2, 3])))
    nodes = [
        onnx.helper.make_node("Conv", ["data", "w"], ["conv out"], pads=[1] * 4),
        onnx.helper.make_node("BatchNormalization", ["conv out", "gamma", "beta", "mean", "var"], ["norm"]),
        onnx.helper.make_node("Relu", ["norm"], ["input"]),
        onnx.helper.make_node("ReduceMean", ["input", *axes], ["output"], keepdims=0, **older),
        onnx.helper.make_node("Gemm", ["output", "fc", "fcb"], ["scores"], name="/head/Gemm"),
    ]
    info = onnx.helper.make_tensor_value_info
    inputs = [info("data", 1, [batch, 3, 6, 5])]
    if declares_initializers:
        inputs += [info(c.name, c.data_type, c.dims) for c in constants]
    graph = onnx.helper.make_graph(nodes, "net", inputs, [info("scores", 1, [batch, 2])], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.checker.check_model(model)
    return model


def read(path, picture, expected):
    captured = read_onnx(path, of_image(SHAPE))
    assert captured.probed == ()
    report = rewrite(captured.model, check=True)
    np.testing.assert_allclose(run(captured.model, picture), expected, rtol=0, atol=1e-5)
    return captured.model, report


@pytest.mark.quick(5)
@pytest.mark.parametrize(("opset", "ir_version"), [(n, min(10, n - 5)) for n in range(9, 21)])
def test_files_of_any_opset_are_read(opset, ir_version, tmp_path):
    model, picture = hand_written(opset, ir_version), normal(*SHAPE)
    expected = OnnxRuntime().load(model.SerializeToString()).run([picture])[0]
    onnx.save(model, tmp_path / "net.onnx")
    read_model, _ = read(tmp_path / "net.onnx", picture, expected)
    assert operators(read_model) == ["Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm"]


@pytest.mark.parametrize("batch", ["batch", None, 0, -1, 1])
def test_whatever_the_batch_is_called_shapes_are_static(batch, tmp_path):
    model, picture = hand_written(17, 8), normal(*SHAPE)
    expected = OnnxRuntime().load(model.SerializeToString()).run([picture])[0]
    for value in (model.graph.input[0], model.graph.output[0]):
        dimension = value.type.tensor_type.shape.dim[0]
        dimension.Clear()
        if isinstance(batch, str):
            dimension.dim_param = batch
        elif batch is not None:
            dimension.dim_value = batch
    onnx.save(model, tmp_path / "net.onnx")
    read(tmp_path / "net.onnx", picture, expected)


def test_weights_that_are_declared_as_inputs_are_weights(tmp_path):
    model, picture = hand_written(9, 3, declares_initializers=True), normal(*SHAPE)
    expected = OnnxRuntime().load(model.SerializeToString()).run([picture])[0]
    onnx.save(model, tmp_path / "net.onnx")
    read_model, _ = read(tmp_path / "net.onnx", picture, expected)
    assert [v.name for v in read_model.graph.inputs] == ["input"]


def test_values_keep_the_file_s_names_unless_they_are_taken(tmp_path):
    onnx.save(hand_written(17, 8), tmp_path / "net.onnx")
    captured = read_onnx(tmp_path / "net.onnx", of_image(SHAPE))
    rewrite(captured.model, check=True)
    names = [v.name for node in captured.model.graph for v in node.outputs]
    # "input" and "output" are the file's names for values in the middle.
    assert names[0] == "norm"
    assert names[-1] == "output"
    assert len(set(names) | {"input"}) == len(names) + 1
    assert {"norm", "scores"} <= set(makers(captured.model))


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["batch 1", "dynamic batch"])
def test_files_of_torch_s_own_exporters_are_recognised(network, dynamo, dynamic, tmp_path):
    net, picture, expected = network
    path = tmp_path / "net.onnx"
    how = {"dynamo": dynamo, "input_names": ["x"]}
    if dynamic and dynamo:
        how["dynamic_shapes"] = {"x": {0: torch.export.Dim("batch")}}
    elif dynamic:
        how["dynamic_axes"] = {"x": {0: "batch"}}
    torch.onnx.export(net, (torch.from_numpy(picture),), path, verbose=False, **how)
    model, report = read(path, picture, expected)
    assert (report.shifts, report.shuffles, report.group_pointwise) == (1, 1, 1)
    assert report.refusals == ()
    assert "BatchNormalization" not in operators(model)


def test_an_opset_that_cannot_be_brought_up_to_date_is_refused(tmp_path, capfd):
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Dropout", ["x"], ["y"], is_test=0)  # of opset 6, in training
    graph = onnx.helper.make_graph([node], "net", [info("x", 1, SHAPE)], [info("y", 1, SHAPE)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 6)], ir_version=4)
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(CaptureError, match=r"net\.onnx: opset 6 cannot be converted to 19"):
        read_onnx(tmp_path / "net.onnx", of_image(SHAPE))
    assert capfd.readouterr().err == ""
