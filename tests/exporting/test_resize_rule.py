"""What an export says about images of another size, and who follows it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from torch import nn

import ssc_deploy
from ssc_deploy.errors import DataError, PictureError, PreprocessingError
from ssc_deploy.evaluation import evaluate
from ssc_deploy.metadata import COVER, NO_RESIZE, Preprocessing
from ssc_deploy.runtimes import runtime_for

RULE = Preprocessing((0.5,) * 3, (0.25,) * 3)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """By rule, the paths of an export to both formats."""
    made = {}
    for rule in (COVER, NO_RESIZE):
        result = ssc_deploy.export(
            network(),
            input_shape=(1, 3, 8, 6),
            to=("onnx", "tflite"),
            output=tmp_path_factory.mktemp("rule"),
            labels=("cat", "dog"),
            preprocessing=RULE,
            resize=rule,
        )
        made[rule] = [file.path for file in result.files]
    return made


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of two classes with an image each, larger than the network's."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        pixels = np.random.default_rng(len(list(folder.iterdir()))).integers(0, 256, (20, 11, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name / "0.png")
    return folder


@pytest.mark.parametrize("place", [0, 1])
def test_both_formats_say_the_rule_and_run_follows_it(files, images, place: int) -> None:
    path, refusing = files[COVER][place], files[NO_RESIZE][place]
    assert runtime_for(path).metadata(path).preprocessing == Preprocessing(RULE.mean, RULE.std, resize=COVER)
    picture = images / "cat" / "0.png"
    asked = ssc_deploy.load_model(refusing, resize=True).logits(picture)
    assert ssc_deploy.load_model(path).logits(picture).shape == asked.shape
    with pytest.raises(PictureError, match="the network takes 6x8"):
        ssc_deploy.load_model(refusing).logits(picture)


def test_eval_scales_only_where_all_files_say_so(files, images) -> None:
    assert evaluate(files[COVER], images).files[0].scores.pictures == 2
    with pytest.raises((DataError, PictureError), match="6x8"):
        evaluate([files[COVER][0], files[NO_RESIZE][0]], images)


def test_a_rule_without_a_preprocessing_is_refused(tmp_path) -> None:
    with pytest.raises(PreprocessingError, match="of which `resize` is a part"):
        ssc_deploy.export(network(), input_shape=(1, 3, 8, 6), output=tmp_path, resize=COVER)


def test_an_unknown_rule_is_refused(tmp_path) -> None:
    with pytest.raises(PreprocessingError, match="resize must be none or shorter-side"):
        ssc_deploy.export(network(), input_shape=(1, 3, 8, 6), output=tmp_path, preprocessing=RULE, resize="stretch")
