"""A file must be right on inputs of any scale; what a network itself does there is not its fault."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ssc_deploy import runtimes
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.signature import of_image
from ssc_deploy.verification import inputs, scales, verify_file
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.torch_reference import TorchReference

SHAPE = (1, 3, 5, 6)
PROBES = inputs.probes(of_image(SHAPE))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def write(path, *nodes, constants=()):
    """A file of nodes (operator, inputs, output, attributes); the first reads ``input``, the last writes ``output``."""
    made = [helper.make_node(op, given, [output], **attributes) for op, given, output, attributes in nodes]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("input", "output")]
    tensors = [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in constants]
    graph = helper.make_graph(made, "net", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def verified(path, function, **options):
    reference = TorchReference(Function(function).eval())
    return verify_file(path, reference, inputs.noise(of_image(SHAPE), 4), probes=PROBES, **options)


def log_of_sigmoid(path):
    return write(path, ("Sigmoid", ["input"], "s", {}), ("Log", ["s"], "output", {}))


@pytest.mark.parametrize("bounds", [{}, {"atol": 1e-3}])
def test_a_file_that_is_finite_only_for_small_inputs_is_wrong(tmp_path, bounds):
    path = log_of_sigmoid(tmp_path / "net.onnx")
    assert verify_file(path, TorchReference(nn.LogSigmoid().eval()), inputs.noise(of_image(SHAPE), 4), **bounds).ok
    report = verified(path, nn.functional.logsigmoid, **bounds)
    assert not report.ok
    assert "for noise of 50 times the usual scale the file computes NaN or Inf" in str(report)
    assert 0 < report.scales.hits < report.scales.total == 5


def test_a_file_that_saturates_where_the_network_does_not_is_wrong(tmp_path):
    path = write(tmp_path / "net.onnx", ("Clip", ["input", "", "most"], "output", {}), constants=[("most", 30)])
    report = verified(path, lambda x: x * 1)
    assert not report.ok
    assert [failure.split(" the error")[0] for failure in report.failures] == [
        "for noise of 50 times the usual scale",
        "for noise of 10000 times the usual scale",
        "for a white image",
        "for a ramp from black to white",
    ]


def test_where_the_network_itself_overflows_nothing_is_asked_of_the_file(tmp_path):
    nodes = [("Exp", ["input"], "e", {}), ("Add", ["e", "one"], "s", {}), ("Log", ["s"], "output", {})]
    path = write(tmp_path / "net.onnx", *nodes, constants=[("one", 1)])
    report = verified(path, lambda x: torch.log(torch.exp(x) + 1))
    assert report.ok, str(report)
    # A white picture is infinite everywhere, noise of 10,000 times the scale where it is positive.
    assert report.scales.hits == report.scales.total == 4
    by_onnx = verify_file(path, OnnxReference(path), inputs.noise(of_image(SHAPE), 4), probes=PROBES)
    assert by_onnx.ok, str(by_onnx)


def test_a_scale_that_the_network_does_not_take_is_left_out(tmp_path):
    table = torch.ones(100)
    path = write(tmp_path / "net.onnx", ("Mul", ["input", "one"], "output", {}), constants=[("one", 1)])
    report = verified(path, lambda x: x * table[x.abs().long()])
    assert report.ok, str(report)
    # Noise of 50 times the scale, the two larger ones and the ramp leave the table.
    assert (report.scales.hits, report.scales.total) == (1, 1)


def test_a_step_is_not_blamed_on_the_file(tmp_path):
    """x * 0.1 and x / 10 differ by rounding, which the step makes a difference of one."""
    nodes = [("Mul", ["input", "tenth"], "m", {}), ("Floor", ["m"], "output", {})]
    path = write(tmp_path / "net.onnx", *nodes, constants=[("tenth", 0.1)])
    report = verified(path, lambda x: torch.floor(x / 10))
    assert report.ok, str(report)
    assert report.scales.hits == report.scales.total == 5


def test_a_variance_of_equal_values_is_not_blamed_on_the_file(tmp_path):
    """It is 0 or the rounding of the mean, by which the network then divides."""
    nodes = [
        ("Mul", ["input", "third"], "m", {}),
        ("ReduceMean", ["m"], "mean", {"axes": [2, 3]}),
        ("Sub", ["m", "mean"], "c", {}),
        ("Mul", ["c", "c"], "q", {}),
        ("ReduceMean", ["q"], "var", {"axes": [2, 3]}),
        ("Sqrt", ["var"], "std", {}),
        ("Add", ["std", "little"], "d", {}),
        ("Div", ["m", "d"], "output", {}),
    ]
    path = write(tmp_path / "net.onnx", *nodes, constants=[("third", 1 / 3), ("little", 1e-4)])

    def function(x):
        x = x / 3
        return x / (x.std((2, 3), keepdim=True, unbiased=False) + 1e-4)

    report = verified(path, function)
    assert report.ok, str(report)


def test_the_constants_are_what_the_preprocessing_makes_of_black_and_white():
    found = dict(zip(PROBES.names, PROBES.x.arrays[0], strict=True))
    assert (found["a black image"].max(), found["a white image"].min()) == (0, 255)
    assert np.isclose(found["noise of 10000 times the usual scale"].std(), 1e4, rtol=0.3)
    declared = inputs.probes(of_image(SHAPE), Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.5)))
    found = dict(zip(declared.names, declared.x.arrays[0], strict=True))
    np.testing.assert_allclose(found["a black image"][:, 0, 0], [-2.5, -1.6, -0.6], rtol=1e-6)
    np.testing.assert_allclose(found["a white image"][:, 4, 5], [2.5, 2.4, 1.4], rtol=1e-6)
    ramp = found["a ramp from black to white"]
    np.testing.assert_allclose(ramp[:, [0, 4], [0, 5]].T, [[-2.5, -1.6, -0.6], [2.5, 2.4, 1.4]], rtol=1e-6)
    assert declared.x.arrays[0].shape == (5, *SHAPE[1:])
    assert declared.x.arrays[0].dtype == np.float32


def mean_of_convolution(path, factor=1.0):
    """Mean over the image behind a convolution and a ReLU, as a file and as a function, the file's weights scaled."""
    shape = (1, 3, 64, 64)
    weight = torch.randn(16, 3, 3, 3, generator=torch.Generator().manual_seed(0)) / 5
    head = torch.randn(10, 16, 1, 1, generator=torch.Generator().manual_seed(1)) / 4
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["c"], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["m"]),
        helper.make_node("Conv", ["m", "h"], ["output"]),
    ]
    tensors = [numpy_helper.from_array(array.numpy(), name) for array, name in ((weight, "w"), (head * factor, "h"))]
    ends = [
        helper.make_tensor_value_info(*end)
        for end in (("input", TensorProto.FLOAT, shape), ("output", TensorProto.FLOAT, (1, 10, 1, 1)))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)

    def function(x):
        convolved = nn.functional.conv2d(x, weight.to(x.dtype), padding=1)
        return nn.functional.conv2d(convolved.relu().mean((2, 3), keepdim=True), head.to(x.dtype))

    return (
        path,
        TorchReference(Function(function).eval()),
        inputs.noise(of_image(shape), 4),
        inputs.probes(of_image(shape)),
    )


def test_sums_of_equal_values_may_be_as_far_off_as_one_running_sum(tmp_path):
    path, reference, noise, probes = mean_of_convolution(tmp_path / "net.onnx")
    report = verify_file(path, reference, noise, probes=probes)
    assert report.ok, str(report)
    assert report.scales.hits == report.scales.total == 5


def test_a_wrong_value_on_a_constant_image_exceeds_what_running_sums_explain(tmp_path):
    path, reference, _, probes = mean_of_convolution(tmp_path / "net.onnx", factor=1.001)
    runner = runtimes.runtime_for(path).load(path)
    report = scales.check(runner, "NCHW", reference, probes, 1)
    assert len(report.failures) == 4  # without a bias, of a black image nothing is left
    assert report.agree.hits == 1


@pytest.mark.parametrize("level", [-5.0, -8.0, -14.0, -40.0, -300.0])
def test_small_probabilities_are_right_as_exactly_as_a_runtime_computes_them(tmp_path, level):
    def file(name, *more, by):
        steps = [("Mul", ["input", "small"], "m", {}), ("Add", ["m", "level"], "x", {}), *more]
        return write(tmp_path / name, *steps, constants=[("small", 1e-3), ("level", by), ("f", 1.0), ("e", 1e-7)])

    def network(x):
        return torch.sigmoid(x * 1e-3 + level)

    report = verified(file("net.onnx", ("Sigmoid", ["x"], "output", {}), by=level), network)
    assert report.ok, str(report)
    wrong = verified(file("wrong.onnx", ("Sigmoid", ["x"], "output", {}), by=-4.9), network)
    assert not wrong.ok
    if level >= -14.0:
        # What no sigmoid gives has no range of its own, and is held to what its values are.
        shifted = [("Sigmoid", ["x"], "s", {}), ("Mul", ["s", "f"], "p", {}), ("Add", ["p", "e"], "output", {})]
        assert not verified(file("shifted.onnx", *shifted, by=level), network).ok


def test_what_is_too_small_for_float32_may_be_zero(tmp_path):
    steps = [("Mul", ["input", "zero"], "output", {})]
    path = write(tmp_path / "net.onnx", *steps, constants=[("zero", 0.0)])
    assert verify_file(path, TorchReference(Function(lambda x: x * 1e-39).eval()), inputs.noise(of_image(SHAPE), 4)).ok
    report = verify_file(path, TorchReference(Function(lambda x: x * 1e-36).eval()), inputs.noise(of_image(SHAPE), 4))
    assert not report.ok
    assert "the error is" in str(report)
