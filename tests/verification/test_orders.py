"""Long sums may be added up in any order: what that costs is measured, and is no leave for what is wrong."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

from ssc_deploy.examples import Examples
from ssc_deploy.signature import of_image
from ssc_deploy.verification import inputs, verify_file
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.orders import Order
from ssc_deploy.verification.sums_in_turn import SumsInTurn
from ssc_deploy.verification.torch_reference import TorchReference

SHAPE = (1, 3, 128, 128)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def mean(x):
    return x.relu().mean((2, 3), keepdim=True)


def normalised(x):
    """All but constant for a constant image, whose deviation it divides by."""
    return functional.instance_norm(functional.pad(x * 0.1 + 0.7, (1, 1, 1, 1), value=0.71))


def write(path, *nodes, constants=(), out=(1, 3, 1, 1), shape=SHAPE):
    """A file of nodes (operator, inputs, output, attributes) from ``input`` to ``output``."""
    made = [helper.make_node(op, given, [output], **attributes) for op, given, output, attributes in nodes]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("input", shape), ("output", out))]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants]
    graph = helper.make_graph(made, "net", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def pooled(path, factor):
    """The mean as other exporters write it, times a factor."""
    relu, pool = ("Relu", ["input"], "r", {}), ("GlobalAveragePool", ["r"], "m", {})
    return write(path, relu, pool, ("Mul", ["m", "f"], "output", {}), constants=[("f", np.float32(factor))])


def verified(path, function, x, **options):
    return verify_file(path, TorchReference(Function(function).eval()), x, **options)


@pytest.mark.parametrize("level", [0.0, 0.7234], ids=["noise", "one constant"])
def test_a_mean_that_a_runtime_adds_up_in_turn_is_right_and_a_wrong_one_is_not(tmp_path, level):
    x = inputs.noise(of_image(SHAPE), 2) if not level else np.full((2, *SHAPE[1:]), level, np.float32)
    report = verified(pooled(tmp_path / "net.onnx", 1), mean, x)
    assert report.ok, str(report)
    # PyTorch's own sums of one constant are too exact to say so.
    assert report.float32_reference == ("PyTorch (sums in turn)" if level else "PyTorch")
    # All roundings of its sum in turn are alike: 128 x 128 terms cost 2e-4 of it.
    wrong = verified(pooled(tmp_path / "wrong.onnx", 1.001 if not level else 1.01), mean, x)
    assert not wrong.ok
    assert "the error is" in str(wrong)


def test_a_normalisation_of_what_is_all_but_constant_is_right_and_a_wrong_one_is_not(tmp_path):
    def file(name, epsilon):
        pad = ("Pad", ["s", "widths", "edge"], "p", {})
        norm = ("InstanceNormalization", ["p", "one", "zero"], "output", {"epsilon": epsilon})
        constants = [("a", np.float32(0.1)), ("b", np.float32(0.7)), ("edge", np.float32(0.71))]
        constants += [("one", np.ones(3, np.float32)), ("zero", np.zeros(3, np.float32))]
        constants += [("widths", np.array([0, 0, 1, 1, 0, 0, 1, 1]))]
        steps = [("Mul", ["input", "a"], "m", {}), ("Add", ["m", "b"], "s", {}), pad, norm]
        return write(tmp_path / name, *steps, constants=constants, out=(1, 3, 130, 130))

    options = {"probes": inputs.probes(of_image(SHAPE))}
    report = verified(file("net.onnx", 1e-5), normalised, inputs.noise(of_image(SHAPE), 2), **options)
    assert report.ok, str(report)
    assert report.scales.hits == report.scales.total == 5
    assert not verified(file("wrong.onnx", 2e-5), normalised, inputs.noise(of_image(SHAPE), 2), **options).ok


def test_what_is_right_or_has_no_long_sum_is_judged_by_pytorch_alone(tmp_path):
    small = torch.zeros(1, 3, 8, 8).numpy()
    assert TorchReference(Function(mean)).other_orders(Examples.of(small)) == {}
    path = pooled(tmp_path / "net.onnx", 1)
    assert OnnxReference(path).other_orders(inputs.noise(of_image(SHAPE), 1)) == {}
    two_steps = [("ReduceMean", ["r"], "m", {"axes": [3]}), ("ReduceMean", ["m"], "output", {"axes": [2]})]
    path = write(tmp_path / "exact.onnx", ("Relu", ["input"], "r", {}), *two_steps)
    report = verified(path, mean, inputs.noise(of_image(SHAPE), 2))
    assert report.ok
    assert report.float32_reference == "PyTorch"


X = torch.from_numpy(inputs.noise(of_image((1, 4, 40, 41)), 2).arrays[0]) + 0.3
WEIGHT, BIAS = torch.arange(1.0, 5.0), torch.arange(4.0)
LONG = {
    "mean": lambda: X.mean((2, 3)),
    "mean of all": X.mean,
    "mean of the last, kept": lambda: X.flatten(1).mean(-1, keepdim=True),
    "sum": lambda: X.sum((-2, -1), keepdim=True),
    "sum of all": X.sum,
    "pool": lambda: functional.avg_pool2d(X, (20, 30), (3, 5)),
    "pool without stride": lambda: functional.avg_pool2d(X, 20),
    "parts of one size": lambda: functional.adaptive_avg_pool2d(X[..., :40], 2),
    "variance": lambda: X.var((2, 3)),
    "variance of all, kept": lambda: torch.var(X, (1, 2, 3), correction=0, keepdim=True),
    "deviation": lambda: X.std((1, 2, 3)),
    "variance and mean": lambda: torch.cat(torch.var_mean(X, (2, 3))),
    "instance norm": lambda: functional.instance_norm(X, weight=WEIGHT, bias=BIAS),
    "group norm": lambda: functional.group_norm(X, 2, WEIGHT, BIAS),
    "layer norm": lambda: functional.layer_norm(X, X.shape[2:], X[0, 0], X[0, 1]),
    "softmax": lambda: X.flatten(2).softmax(2),
    "log softmax": lambda: X.flatten(2).log_softmax(-1),
    "logsumexp": lambda: X.logsumexp((2, 3)),
    "logsumexp, kept": lambda: X.flatten(1).logsumexp(1, keepdim=True),
    "norm": lambda: X.norm(dim=(2, 3)),
    "sum of absolute values": lambda: torch.linalg.vector_norm(X, 1, (2, 3), keepdim=True),
    "normalised": lambda: functional.normalize(X.flatten(1)),
}
SHORT = {
    "few": lambda: X[..., :10, :10].mean((2, 3)),
    "along channels": lambda: X.softmax(1),
    "windows that leave the image": lambda: functional.avg_pool2d(X, 20, padding=1),
    "parts of several sizes": lambda: functional.adaptive_avg_pool2d(X, 2),
    "running statistics": lambda: functional.batch_norm(X, BIAS, WEIGHT),
    "in float64": lambda: X.double().mean((2, 3)),
    "of whole numbers": lambda: X.long().sum((2, 3)),
    "another norm": lambda: X.norm(p=3, dim=(2, 3)),
}


@pytest.mark.parametrize("case", LONG)
def test_sums_in_turn_are_the_same_function(case):
    expected = LONG[case]()
    with SumsInTurn() as mode:
        given = LONG[case]()
    assert mode.found
    assert given.shape == expected.shape
    torch.testing.assert_close(given, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", SHORT)
def test_other_sums_are_left_to_pytorch(case):
    expected = SHORT[case]()
    with SumsInTurn() as mode:
        given = SHORT[case]()
    assert not mode.found
    assert torch.equal(given, expected)


def test_sums_in_turn_round_after_every_term():
    x = torch.full((1, 1, 300, 300), 0.7234)
    expected = np.float32(0)
    for value in x.numpy().ravel():
        expected += value
    with SumsInTurn():
        assert x.sum((2, 3)).item() == expected
    assert x.sum((2, 3)).item() != expected


class Lucky(TorchReference):
    """A network whose float32 happens to be exact, as far as float32 can be, but for its other orders."""

    def float32_outputs(self, x):
        return tuple(value.astype(np.float32) for value in self.outputs(x))

    def float32_blocks(self, x, names):
        blocks = {}
        self.visit_blocks(x, names, lambda name, value: blocks.__setitem__(name, value.astype(np.float32)))
        return blocks


def test_a_network_that_pytorch_computes_exactly_by_luck_is_judged_by_its_other_kernels(tmp_path):
    torch.manual_seed(0)
    # The differences of two nearly equal convolutions show nothing but their roundings.
    first, shape = nn.Conv2d(64, 8, 3, bias=False).eval(), (1, 64, 16, 16)
    kernel = first.weight.detach().numpy()
    near = kernel * (1 + 1e-4 * np.random.default_rng(0).standard_normal(kernel.shape).astype(np.float32))

    def difference(x):
        return functional.conv2d(x, first.weight) - functional.conv2d(x, torch.from_numpy(near))

    def file(name, factor):
        steps = [("Conv", ["input", w], out, {}) for w, out in (("w", "a"), ("v", "b"))]
        constants = [("w", kernel * np.float32(factor)), ("v", near)]
        return write(
            tmp_path / name,
            *steps,
            ("Sub", ["a", "b"], "output", {}),
            constants=constants,
            out=(1, 8, 6, 6),
            shape=shape,
        )

    network = Lucky(Function(difference).eval())
    x = inputs.noise(of_image(shape), 2)
    assert list(network.other_orders(Examples.of(x))) == [Order.KERNELS]
    before = torch.backends.mkldnn.enabled
    report = verify_file(file("net.onnx", 1), network, x)
    assert report.ok, str(report)
    assert report.float32_reference == "PyTorch (without oneDNN)"
    assert not verify_file(file("wrong.onnx", 1.0001), network, x).ok
    assert torch.backends.mkldnn.enabled == before
