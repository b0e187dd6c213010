"""Networks that take and return other things than one image and one tensor, from the module to the verified file."""

from __future__ import annotations

import dataclasses
import warnings
from typing import NamedTuple

import numpy as np
import pytest
import torch
from cli.tester import ssc
from torch import nn

import ssc_deploy
from ssc_deploy import golden, runtimes
from ssc_deploy.errors import CaptureError, LoweringError, NetworkError, RuntimeLoadError

IMAGE = (1, 3, 6, 5)


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Conv2d(4, 2, 1)
        self.classes = nn.Linear(4, 5)

    def features(self, x):
        return torch.relu(self.stem(x))


@dataclasses.dataclass
class Detection:
    scores: torch.Tensor
    mask: torch.Tensor | None
    maps: list[torch.Tensor]


class Pair(NamedTuple):
    logits: torch.Tensor
    features: torch.Tensor


class AsDict(Heads):
    """One tensor under two names, and the input itself; a module and an output are both called ``head``."""

    def forward(self, x):
        y = self.features(x)
        return {"head": y, "same": y, "given": x, "probabilities": self.classes(y.mean((2, 3))).softmax(1)}


class AsDataclass(Heads):
    def forward(self, x):
        y = self.features(x)
        return Detection(self.classes(y.mean((2, 3))), None, [y, self.head(y)])


class AsNamedTuple(Heads):
    def forward(self, x):
        y = self.features(x)
        return Pair(self.classes(y.mean((2, 3))), y)


class AsTuple(Heads):
    def forward(self, x):
        y = self.features(x)
        return self.head(y), [self.classes(y.mean((2, 3)))], "text", 3, None


class InADict(Heads):
    def forward(self, x):
        return {"out": self.head(self.features(x))}


class Two(Heads):
    def forward(self, image, gate):
        return self.head(self.features(image) * torch.sigmoid(gate))


class Online(Heads):
    """A temporal shift as devices run it: channels of the frame before come in, those of this one go out."""

    def forward(self, frame, before):
        y = self.features(frame)
        return self.head(torch.cat([before, y[:, 1:]], 1)), y[:, :1]


class Clip(Heads):
    """Frames in place of the batch, some channels moved by one frame."""

    def forward(self, x):
        y = self.features(x)
        y = y.view(-1, 4, *y.shape[1:])
        before = torch.cat([torch.zeros_like(y[:, :1, :2]), y[:, :-1, :2]], 1)
        y = torch.cat([before, y[:, :, 2:]], 2).flatten(0, 1)
        return self.head(y).mean((2, 3))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(31, 8)
        self.classes = nn.Linear(8, 5)

    def forward(self, tokens, mask):
        weights = mask.to(torch.float32).unsqueeze(-1)
        return self.classes((self.table(tokens) * weights).sum(1) / (weights.sum(1) + 1))


class Vector(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))


class Volume(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv3d(3, 4, 3, padding=1), nn.ReLU())


class Constant(Heads):
    def forward(self, x):
        return {"map": self.head(self.features(x)), "anchors": torch.ones(1, 3)}


def exported(kind, folder, shape, **options):
    torch.manual_seed(0)
    torch.save(kind().state_dict(), folder / "net.pt")
    return ssc_deploy.export(
        folder / "net.pt", model=f"{__file__}:{kind.__name__}", input_shape=shape, output=folder / "out", **options
    )


BOTH = ("onnx", "tflite")
CASES = {
    "dict": (AsDict, IMAGE, BOTH, ["head", "same", "given", "probabilities"]),
    "dataclass": (AsDataclass, IMAGE, BOTH, ["scores", "maps_0", "maps_1"]),
    "named tuple": (AsNamedTuple, IMAGE, BOTH, ["logits", "features"]),
    "tuple": (AsTuple, IMAGE, BOTH, ["output", "output_1_0"]),
    "one tensor in a dict": (InADict, IMAGE, BOTH, ["out"]),
    "two images": (Two, [IMAGE, (1, 4, 6, 5)], BOTH, ["output"]),
    "a state": (Online, [IMAGE, (1, 1, 6, 5)], BOTH, ["output", "output_1"]),
    "a vector": (Vector, (1, 7), BOTH, ["output"]),
    "a clip": (Clip, (4, 3, 6, 5), ("onnx",), ["output"]),
    "tokens": (Tokens, ["1,7:int64", "1,7:bool"], ("onnx",), ["output"]),
    "a volume": (Volume, (1, 3, 3, 4, 5), ("onnx",), ["output"]),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("case", CASES)
def test_the_files_of_a_network_have_its_inputs_and_outputs_and_agree_with_it(case, tmp_path):
    kind, shape, to, names = CASES[case]
    with warnings.catch_warnings():
        result = exported(kind, tmp_path, shape, to=to)
    module = kind().eval()
    module.load_state_dict(torch.load(tmp_path / "net.pt"))
    stored = golden.read(result.golden)
    for file in result.files:
        assert file.verification.ok
        assert [output.name for output in file.verification.outputs] == names
        runtime = runtimes.runtime_for(file.path)
        runner, about = runtime.load(file.path), runtime.metadata(file.path)
        assert [spec.name for spec in runner.outputs] == names
        assert [output.name for output in about.outputs] == (names if len(names) > 1 else [])
        assert [spec.name for spec in runner.inputs] == [one.name for one in about.inputs] or about.image == IMAGE[1:]
    # Both were verified when they were exported; that `verify` opens the network likewise, the last file tells.
    report = ssc_deploy.verify(tmp_path / "net.pt", file.path, model=f"{__file__}:{kind.__name__}", input_shape=shape)
    assert report.ok, str(report)
    # What stands in the golden set is what the module computes, run here by itself.
    given = [torch.from_numpy(array[:1] if stored.inputs.rows else array[0]) for array in stored.inputs.arrays]
    with torch.no_grad():
        returned = module(*given)
    first = vars(returned) if dataclasses.is_dataclass(returned) else returned
    if not isinstance(first, torch.Tensor):
        first = next(iter(first.values() if isinstance(first, dict) else first))
    values = stored.outputs[0].values
    np.testing.assert_allclose(values[:1] if stored.inputs.rows else values[0], first.numpy(), atol=1e-5)


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """The folder of a network of three outputs and an export of two of them."""
    folder = tmp_path_factory.mktemp("some")
    return folder, exported(AsDataclass, folder, IMAGE, outputs=("maps_1", "scores"))


@pytest.mark.slow
def test_outputs_that_are_not_asked_for_are_not_in_the_file(some):
    (file,) = some[1].files
    runner = runtimes.runtime_for(file.path).load(file.path)
    assert [spec.name for spec in runner.outputs] == ["maps_1", "scores"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The folder of a network of two outputs and its export."""
    folder = tmp_path_factory.mktemp("pair")
    return folder, exported(AsNamedTuple, folder, IMAGE, preprocessing=ssc_deploy.Preprocessing((0.5,) * 3, (0.2,) * 3))


@pytest.mark.quick(1)
@pytest.mark.parametrize("output", [0, 1])
def test_a_fault_in_any_output_is_found_and_the_output_named(pair, tmp_path, output):
    import onnx
    from onnx import numpy_helper

    folder, result = pair
    model = onnx.load(result.files[0].path)
    name = model.graph.output[output].name
    writer = next(node for node in model.graph.node if name in node.output)
    writer.output[0] = "before"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1.01), "factor"))
    for node in model.graph.node:
        if node is not writer:
            node.input[:] = ["before" if one == name else one for one in node.input]
    model.graph.node.append(onnx.helper.make_node("Mul", ["before", "factor"], [name]))
    onnx.save(model, tmp_path / "wrong.onnx")
    report = ssc_deploy.verify(
        folder / "net.pt", tmp_path / "wrong.onnx", model=f"{__file__}:AsNamedTuple", input_shape=IMAGE
    )
    assert not report.ok
    assert f"in output {name}, " in str(report)


def test_a_file_that_lacks_an_output_is_wrong(some):
    folder, result = some
    model = f"{__file__}:AsDataclass"
    report = ssc_deploy.verify(folder / "net.pt", result.files[0].path, model=model, input_shape=IMAGE)
    assert "the file returns maps_1, scores, the network scores, maps_0, maps_1" in str(report)


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("kind", "shape", "options", "error", "message"),
    [
        (AsDataclass, IMAGE, {"outputs": ("score",)}, NetworkError, "has no output 'score'.*did you mean 'scores'"),
        (Constant, IMAGE, {}, CaptureError, r"anchors does not depend .*`outputs=\('map',\)`"),
        (Two, IMAGE, {}, NetworkError, "it takes image, gate"),
        (Clip, (4, 3, 6, 5), {"batch": 8}, LoweringError, "takes its inputs as one whole"),
        (Clip, (4, 3, 6, 5), {"batch": None}, LoweringError, "takes its inputs as one whole"),
    ],
)
def test_what_does_not_fit_is_said(kind, shape, options, error, message, tmp_path):  # noqa: PLR0917 - one table
    with pytest.raises(error, match=message):
        exported(kind, tmp_path, shape, **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_batch_that_the_network_needs_is_taken_as_one_whole(tmp_path):
    result = exported(Clip, tmp_path, IMAGE, batch=4)
    runner = runtimes.runtime_for(result.files[0].path).load(result.files[0].path)
    assert runner.inputs[0].shape == (4, 3, 6, 5)


def test_a_file_is_run_on_arrays_whatever_it_takes(tmp_path):
    result = exported(Two, tmp_path, [IMAGE, (1, 4, 6, 5)], to=("onnx", "tflite"))
    given = [np.random.default_rng(0).normal(size=shape) for shape in (IMAGE, (1, 4, 6, 5))]
    by_file = [ssc_deploy.run(file.path, *given)["output"] for file in result.files]
    assert by_file[0].shape == (1, 2, 6, 5)
    np.testing.assert_allclose(*by_file, atol=1e-5)
    for i, array in enumerate(given):
        np.save(tmp_path / f"{i}.npy", array)
    command = ["run", str(result.files[1].path), str(tmp_path / "0.npy"), str(tmp_path / "1.npy")]
    outcome = ssc(*command, "--save", str(tmp_path / "out.npz"))
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("output  float32 [1, 2, 6, 5]  from ")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["output"], by_file[1])
    assert "--top-k is for images" in ssc(*command, "--top-k", "3").err
    refused = ssc("run", str(result.files[1].path), str(tmp_path / "0.npy"))
    assert (refused.code, "takes 2 inputs, and 1 were given" in refused.err) == (2, True)
    (tmp_path / "bad.npy").write_bytes(b"no array")
    assert "is no array of numpy" in ssc(*command[:2], str(tmp_path / "bad.npy")).err


def test_the_only_list_of_classes_of_several_outputs_is_what_counts(pair):
    (file,) = pair[1].files
    pixels = np.zeros((6, 5, 3), np.uint8)
    model = ssc_deploy.load_model(file.path)
    assert model.output.kind == "scores"
    assert len(model.predict(pixels)[0].top) == 5
    assert {name: value.shape for name, value in model.all_outputs(pixels).items()} == {
        "logits": (1, 5),
        "features": (1, 4, 6, 5),
    }
    assert ssc_deploy.load_model(file.path, output="features").output.kind == "map"
    with pytest.raises(RuntimeLoadError, match="has no output 'scores'; it returns logits, features"):
        ssc_deploy.load_model(file.path, output="scores")
