"""What a .tflite file tells MediaPipe and its like: normalization and labels."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ssc_deploy
from ssc_deploy import Preprocessing, runtimes
from ssc_deploy.errors import LabelsError, PreprocessingError

LABELS = tuple(f"class {i}" for i in range(5))
RULE = Preprocessing((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(torch.relu(self.stem(x)).mean((2, 3))).softmax(1)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(3)
    example, folder = torch.zeros(1, 3, 16, 16), tmp_path_factory.mktemp("tasks")
    return (
        ssc_deploy.export(Net(), example, to="tflite", labels=LABELS, preprocessing=RULE, output=folder).files[0].path
    )


def test_mediapipe_classifies_as_we_do(file, tmp_path):
    """In CI with the package mediapipe."""
    pytest.importorskip("mediapipe")
    from mediapipe import Image as MediaPipeImage
    from mediapipe import ImageFormat
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(file)), max_results=5)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        found = classifier.classify(MediaPipeImage(image_format=ImageFormat.SRGB, data=pixels)).classifications[0]
    ours = ssc_deploy.load_model(file).predict(tmp_path / "a.png")[0].top
    assert [one.category_name for one in found.categories] == [one.label for one in ours]
    np.testing.assert_allclose([one.score for one in found.categories], [one.probability for one in ours], atol=1e-5)


def test_the_labels_stand_behind_the_model_for_who_looks_for_them_there(file):
    with zipfile.ZipFile(file) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(LABELS)
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED
    assert runtimes.runtime_for(file).metadata(file).labels == LABELS


@pytest.mark.slow
def test_what_the_user_says_of_images_and_classes_is_in_both_files(tmp_path):
    options = {"labels": LABELS, "preprocessing": RULE, "output": tmp_path}
    result = ssc_deploy.export(Net(), torch.zeros(1, 3, 16, 16), to=("onnx", "tflite"), **options)
    for exported in result.files:
        about = runtimes.runtime_for(exported.path).metadata(exported.path)
        assert (about.labels, about.preprocessing) == (LABELS, RULE)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": LABELS[:4]}, LabelsError, "4 labels"),
        (
            {"preprocessing": Preprocessing((0.5,), (0.5,), "L")},
            PreprocessingError,
            "takes images of 3 channels",
        ),
    ],
)
def test_what_does_not_fit_the_network_is_refused(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        ssc_deploy.export(Net(), torch.zeros(1, 3, 16, 16), output=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
