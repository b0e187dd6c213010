"""``ssc-deploy eval`` on a small network and its exported files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from cli.tester import refused, ssc
from data import samples
from PIL import Image

from ssc_deploy import checkpoint, nets
from ssc_deploy.metadata import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("dog", "cat", "frog")
PREPROCESSING = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.3, 0.25))


@pytest.fixture(scope="module")
def network():
    network = nets.build("shift-net", B=1, e=1, stem=4, classes=3)
    nets.randomise(network)
    return network.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, network) -> Path:
    """Holds ``net.pt``, ``tree`` and ``test.zip``."""
    folder = tmp_path_factory.mktemp("eval")
    checkpoint.save(network, folder / "net.pt", labels=LABELS, preprocessing=PREPROCESSING)
    samples.packed(samples.tree(folder / "tree", per_class=40, side=32), folder / "test.zip", "test/")
    return folder


@pytest.fixture(scope="module")
def exported(folder) -> Path:
    """Holds ``net.onnx`` and ``net.tflite``."""
    options = ["--ckpt", folder / "net.pt", "--to", "onnx", "--to", "tflite", "-o", folder / "exported"]
    assert ssc("export", *options, "--batch", "dynamic").code == 0
    return folder / "exported"


@pytest.mark.slow
def test_all_three_forms_score_the_same_and_agree_on_every_picture(folder, exported, network):
    outcome = ssc(
        *("eval", "--ckpt", folder / "net.pt", "--data", folder / "test.zip", "--format", "json"),
        *("--model-file", exported / "net.onnx", "--model-file", exported / "net.tflite"),
    )
    assert outcome.code == 0, outcome
    right = 0
    for label, name in enumerate(LABELS):
        for i in range(40):
            with Image.open(folder / "tree" / name / f"{i:04}.png") as picture:
                pixels = torch.from_numpy(np.asarray(picture) / 255).float()
            x = (pixels - torch.tensor(PREPROCESSING.mean)) / torch.tensor(PREPROCESSING.std)
            with torch.no_grad():
                right += int(network(x.permute(2, 0, 1)[None]).argmax()) == label
    assert [file["correct"] for file in outcome.json["files"]] == [right] * 3
    assert outcome.json["files"][0]["pictures"] == 120
    assert outcome.json["classes"] == list(LABELS)
    assert outcome.json["agree"] is True


@pytest.mark.slow
def test_model_takes_an_exported_file_as_well_as_code(folder, exported):
    scored = {}
    for option in ("--ckpt", "--model-file", "--model"):
        outcome = ssc("eval", option, exported / "net.onnx", "--data", folder / "tree", "--format", "json")
        assert outcome.code == 0, outcome
        scored[option] = outcome.json["files"]
    assert scored["--model"] == scored["--model-file"] == scored["--ckpt"]
    assert "nowhere.onnx" in refused("eval", "--model", "nowhere.onnx", "--data", folder / "tree")


@pytest.mark.slow
def test_every_model_that_is_named_is_scored(folder, exported):
    named = [exported / f"net.{form}" for form in ("onnx", "tflite")]
    outcome = ssc("eval", "--model", named[0], "--model", named[1], "--data", folder / "tree", "--format", "json")
    assert outcome.code == 0, outcome
    assert [file["file"] for file in outcome.json["files"]] == [str(path) for path in named]
    twice = ssc("eval", "--ckpt", named[0], "--model", "a.py:Net", "--model", "b.py:Net", "--data", folder / "tree")
    assert twice.code == 2
    assert "name its code once" in twice.err


@pytest.mark.slow
def test_the_text_names_files_and_classes_and_the_picture_is_drawn(folder, exported, tmp_path):
    picture = tmp_path / "new" / "confusion.png"
    command = (
        "eval",
        "--model-file",
        exported / "net.onnx",
        "--data",
        folder / "tree",
        "--confusion",
        picture,
    )
    outcome = ssc(*command)
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["file", "top-1", "top-5", "correct"]
    assert [line.split()[0] for line in lines[4:]] == list(LABELS)
    with Image.open(picture) as image:
        assert image.format == "PNG"
    assert "exists already; give --overwrite" in refused(*command)
    assert ssc(*command, "--overwrite").code == 0


@pytest.mark.slow
def test_the_first_picture_that_files_disagree_on_is_reported(folder, exported, tmp_path):
    model = onnx.load(exported / "net.onnx")
    bias = next(i for node in reversed(model.graph.node) if node.op_type == "Gemm" for i in [node.input[2]])
    tensor = next(t for t in model.graph.initializer if t.name == bias)
    values = onnx.numpy_helper.to_array(tensor) + np.array([0, 1e3, 0], np.float32)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, bias))
    onnx.save(model, tmp_path / "wrong.onnx")
    command = (
        "eval",
        "--ckpt",
        folder / "net.pt",
        "--model-file",
        tmp_path / "wrong.onnx",
        "--data",
        folder / "test.zip",
    )
    outcome = ssc(*command, "--format", "json")
    assert outcome.code == 1
    found = outcome.json["first_disagreement"]
    confusion = np.array(outcome.json["files"][0]["confusion"])
    assert found["other"]["class"] == "cat"
    assert found["pictures"] == 120 - confusion[:, 1].sum()
    assert found["margin"] > 900
    text = ssc(*command)
    assert text.code == 1
    assert f"the files disagree: {found['picture']}" in text.out


def test_bad_input_gets_a_sentence(folder, tmp_path):
    data, ckpt = ("--data", folder / "test.zip"), ("--ckpt", folder / "net.pt")
    assert "nowhere.zip: there is no such file or folder" in refused("eval", *ckpt, "--data", "nowhere.zip")
    assert "nowhere.pt: there is no such file" in refused("eval", "--ckpt", "nowhere.pt", *data)
    assert ssc("eval", *data).code == ssc("eval", *ckpt).code == 2
    other = samples.tree(tmp_path / "other", per_class=1, side=32, classes=("cat", "newt"))
    assert "has 1 class (newt), which the network's labels (3 classes (dog, cat, frog)) do not know" in refused(
        "eval", *ckpt, "--data", other
    )
    small = samples.tree(tmp_path / "small", per_class=1)
    assert "0000.png is 8x8 (width x height), the network takes 32x32" in refused("eval", *ckpt, "--data", small)
    assert ssc("eval", *ckpt, "--data", small, "--resize").code == 0


def test_a_checkpoint_that_tells_neither_preprocessing_nor_labels(folder, network, tmp_path):
    path = tmp_path / "bare.pt"
    torch.save(network.state_dict(), path)
    command = ("eval", "--ckpt", path, "--data", folder / "test.zip")
    assert "does not say how an image becomes its input; give --mean and --std" in refused(*command)
    assert ssc(*command, "--mean", "0.5").code == 2
    assert ssc(*command, "--mean", "0.5,0.4,0.3", "--std", "0.2,0.3,0.25").code == 0
    two = samples.tree(tmp_path / "two", per_class=1, side=32, classes=("cat", "dog"))
    message = refused("eval", "--ckpt", path, "--data", two, "--mean", "0,0,0", "--std", "1,1,1")
    assert "has 2 classes, " in message
    assert "bare.pt has 3 outputs" in message
