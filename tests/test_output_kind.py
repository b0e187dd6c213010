"""What outputs mean, decided from graphs in every spelling, and what is shown of them."""

import numpy as np
import onnx_ir as ir
import pytest
import torch
from graphs import Chain, normal
from torch import nn

import ssc_deploy
from ssc_deploy import batches, output_of_graph
from ssc_deploy.emit import tflite
from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.metadata import ModelMetadata, Preprocessing
from ssc_deploy.output_kind import Output, probabilities
from ssc_deploy.runtimes.litert import LiteRT

SHAPE = (3, 4, 4)
HALF = Preprocessing((0.5,) * 3, (0.5,) * 3)


def features():
    """[1, 3, 4, 4] to [1, 5]."""
    pooled = Chain(1, *SHAPE).then("Conv", normal(5, 3, 1, 1)).then("GlobalAveragePool")
    return pooled.then("Reshape", np.array([1, 5]))


def classes(count=4):
    return features().then("Gemm", normal(5, count))


def two():
    """An average of two softmaxes."""
    chain = classes()
    first = chain.aside("Softmax", chain.last, axis=1)
    chain.then("Mul", np.float32(3)).then("Softmax", axis=1).then("Add", first)
    return chain.then("Mul", np.float32(0.5))


def written_out():
    chain = classes().then("Exp")
    total = chain.aside("ReduceSum", chain.last, np.array([1]), keepdims=1)
    return chain.then("Div", total)


def log_written_out():
    chain = classes()
    total = chain.aside("ReduceLogSumExp", chain.last, np.array([1]), keepdims=1)
    return chain.then("Sub", total)


def unit_length():
    chain = features()
    return chain.then("Div", chain.aside("ReduceL2", chain.last, np.array([1]), keepdims=1))


KINDS = {
    "linear": (classes, "scores"),
    "scaled": (lambda: classes().then("Mul", np.float32(9)).then("Add", normal(4)), "scores"),
    "pooled features": (features, "scores"),
    "classifier before the pool": (
        lambda: Chain(1, *SHAPE).then("Conv", normal(4, 3, 1, 1)).then("Relu").then("GlobalAveragePool"),
        "scores",
    ),
    "softmax": (lambda: classes().then("Softmax", axis=1), "probabilities"),
    "softmax then moved": (
        lambda: classes().then("Softmax", axis=-1).then("Reshape", np.array([1, 4, 1, 1])),
        "probabilities",
    ),
    "softmax of a map": (
        lambda: Chain(1, *SHAPE).then("Conv", normal(4, 3, 1, 1)).then("GlobalAveragePool").then("Softmax", axis=1),
        "probabilities",
    ),
    "softmax over the batch": (lambda: classes().then("Softmax", axis=0), "independent-probabilities"),
    "softmax written out": (written_out, "probabilities"),
    "two softmaxes": (two, "probabilities"),
    "log-softmax": (lambda: classes().then("LogSoftmax", axis=1), "log-probabilities"),
    "log-softmax written out": (log_written_out, "log-probabilities"),
    "log of a softmax": (lambda: classes().then("Softmax", axis=1).then("Log"), "log-probabilities"),
    "sigmoid": (lambda: classes().then("Sigmoid"), "independent-probabilities"),
    "sigmoid moved": (lambda: classes().then("Sigmoid").then("Flatten"), "independent-probabilities"),
    "one logit": (lambda: classes(1), "logit"),
    "one sigmoid": (lambda: classes(1).then("Sigmoid"), "probability"),
    "second of a softmax": (
        lambda: classes(2).then("Softmax", axis=1).then("Slice", np.array([1]), np.array([2]), np.array([1])),
        "probability",
    ),
    "rating": (lambda: classes(1).then("Sigmoid").then("Mul", np.float32(10)), "values"),
    "tanh": (lambda: classes().then("Tanh"), "values"),
    "unit length": (unit_length, "values"),
    "exponentials": (lambda: classes().then("Exp"), "values"),
    "map": (lambda: Chain(1, *SHAPE).then("Conv", normal(4, 3, 1, 1)), "map"),
    "softmax at each pixel": (lambda: Chain(1, *SHAPE).then("Conv", normal(4, 3, 1, 1)).then("Softmax", axis=1), "map"),
    "tokens": (lambda: Chain(1, *SHAPE).then("Reshape", np.array([1, 3, 16])), "map"),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_graph_and_its_numbers_tell_what_an_output_is(name):
    chain, kind = KINDS[name]
    model = chain().build()
    output_of_graph.note(model, SHAPE)
    (found,) = output_of_graph.noted(model)
    assert found.kind == kind
    assert output_of_graph.noted(model.clone()) == output_of_graph.noted(model)


@pytest.mark.parametrize("name", ["linear", "softmax", "sigmoid", "one logit", "one sigmoid", "tanh", "map"])
def test_a_tflite_file_that_does_not_say_it_is_looked_into(tmp_path, name):
    chain, kind = KINDS[name]
    data = tflite.build(chain().build(), ModelMetadata("net", "", "", "NHWC", (1, *SHAPE)))
    (tmp_path / "a.tflite").write_bytes(data)
    model = ssc_deploy.load_model(tmp_path / "a.tflite", preprocessing=HALF)
    assert model.metadata.output is None
    assert model.output.kind == kind
    if kind == "map":
        assert model.output.shape == (4, 4, 4)


def test_the_tensors_that_a_sigmoid_or_a_softmax_gives_are_known_by_name(tmp_path):
    chain = Chain(1, *SHAPE).then("Conv", normal(4, 3, 1, 1)).then("Sigmoid").then("Reshape", np.array([1, 4, 16]))
    model = chain.then("Softmax", axis=-1).then("Mul", normal(16)).build()
    ir.save(model, tmp_path / "a.onnx")
    assert output_of_graph.between_zero_and_one(tmp_path / "a.onnx") == {"v1", "v2", "v3"}
    (tmp_path / "a.tflite").write_bytes(tflite.build(model, ModelMetadata("net", "", "", "NHWC", (1, *SHAPE))))
    found = output_of_graph.between_zero_and_one(tmp_path / "a.tflite")
    assert {"v1", "v3"} <= found
    assert not {"v0", "v4"} & found


def test_probabilities_are_made_as_the_kind_asks():
    x = np.array([[-2.0, 0.0, 3.0]], np.float32)
    np.testing.assert_allclose(probabilities("scores", x).sum(), 1)
    np.testing.assert_allclose(probabilities("logit", x), 1 / (1 + np.exp(-x.astype(np.float64))))
    np.testing.assert_allclose(probabilities("logit", np.array([[-1e4, 1e4]], np.float32)), [[0, 1]])
    np.testing.assert_allclose(probabilities("log-probabilities", x), np.exp(x.astype(np.float64)))
    for kind in ("probabilities", "independent-probabilities", "probability"):
        assert np.array_equal(probabilities(kind, x), x)
    assert probabilities("values", x) is None
    assert probabilities("map", x) is None


class Ends(nn.Module):
    """A classifier with what is done to its scores in the end."""

    def __init__(self, end: str = "", classes: int = 4):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc, self.end = nn.Conv2d(3, 6, 1), nn.Linear(6, classes), end

    def forward(self, x):
        x = self.fc(torch.relu(self.conv(x)).mean((2, 3))) * 9
        match self.end:
            case "softmax":
                return torch.softmax(x, 1)
            case "written out":
                e = torch.exp(x - x.amax(1, keepdim=True))
                return e / e.sum(1, keepdim=True)
        return x


SOURCE = f"{__file__}:Ends"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "count", "kind"),
    [
        ("softmax", 4, "probabilities"),
        ("written out", 4, "probabilities"),
        ("", 1, "logit"),
    ],
)
def test_an_exported_file_says_what_its_outputs_are_and_shows_their_probabilities(tmp_path, end, count, kind):
    formats = ["onnx", "tflite"] if end in {"softmax", ""} else ["onnx"]
    ssc_deploy.export(
        None,
        to=formats,
        model=SOURCE,
        args={"end": end, "classes": str(count)},
        input_shape=(1, *SHAPE),
        output=tmp_path,
    )
    network = Ends(end, count).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    x = (torch.from_numpy(pixels / 255).permute(2, 0, 1)[None].float() - 0.5) / 0.5
    with torch.no_grad():
        exact = network(x)[0].double()
    for form in formats:
        model = ssc_deploy.load_model(tmp_path / f"ends.{form}", preprocessing=HALF)
        assert model.metadata.output == Output(kind, (count,))
        found = {c.index: c for c in model.predict(pixels)[0].top}
        for i in range(count):
            assert found[i].value == pytest.approx(float(exact[i]), abs=1e-4)
            share = (torch.sigmoid(exact) if kind == "logit" else exact)[i]
            assert found[i].probability == pytest.approx(float(share), abs=1e-4)


def test_a_map_is_no_list_of_classes_and_says_so(tmp_path):
    chain, _ = KINDS["map"]
    data = tflite.build(chain().build(), ModelMetadata("net", "", "", "NHWC", (1, *SHAPE), preprocessing=HALF))
    (tmp_path / "a.tflite").write_bytes(data)
    model, pixels = ssc_deploy.load_model(tmp_path / "a.tflite"), np.zeros((4, 4, 3), np.uint8)
    for asked in (model.predict, model.logits):
        with pytest.raises(RuntimeLoadError, match=r"a\.tflite gives a map of 4x4x4 .*outputs\(images\)"):
            asked(pixels)
    nhwc = batches.run(LiteRT().load(data), -np.ones((1, *SHAPE), np.float32), layout="NHWC")[0]
    assert np.array_equal(model.outputs(pixels), nhwc)


def test_a_graph_that_leads_back_to_itself_ends(tmp_path):
    chain = classes()
    model = chain.build()
    proto = ir.to_proto(model)
    proto.graph.node[-1].op_type = "Identity"
    del proto.graph.node[-1].input[1:]
    proto.graph.node[-1].input[0] = proto.graph.node[-1].output[0]
    found = output_of_graph.of_onnx(proto, lambda x: np.tanh(x[:, :, 0, 0]), SHAPE)
    assert found == Output("values", (3,))
