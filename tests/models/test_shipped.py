"""The checkpoints that the project ships: whole, described truly, and the networks that they are said to be."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ssc_deploy import card as cards
from ssc_deploy import nets
from ssc_deploy.source import open_source

MODELS = Path(__file__).parents[2] / "models"
NAMES = sorted(path.parent.name for path in MODELS.glob(f"*/{cards.FILE_NAME}"))


@pytest.fixture(params=NAMES)
def described(request):
    return cards.read(MODELS / request.param / cards.FILE_NAME)


def checkpoint_of(described):
    return described.path.parent / described.checkpoint


def test_every_folder_with_a_checkpoint_has_a_card():
    assert NAMES
    assert {path.parent.name for path in MODELS.glob("*/*.pt")} == set(NAMES)


def test_the_card_describes_this_very_file_and_the_network_of_its_name(described):
    path, name = checkpoint_of(described), described.path.parent.name
    assert cards.find(path, hashlib.sha256(path.read_bytes()).hexdigest()) == described
    source = open_source(path)
    assert source.card == described
    assert source.module.config == nets.named(name).config
    assert source.name == nets.named(name).title
    assert (source.labels, source.classes) == (described.labels, 10)


def test_the_file_alone_tells_as_much_as_the_card(described, tmp_path):
    alone = tmp_path / "renamed.pt"
    alone.write_bytes(checkpoint_of(described).read_bytes())
    with_card, without = open_source(checkpoint_of(described)), open_source(alone)
    assert without.card is None
    assert without.module.config == with_card.module.config
    assert (without.labels, without.preprocessing) == (with_card.labels, with_card.preprocessing)


def test_golden_pictures_are_64_balanced_and_small(described):
    pictures = described.golden_pictures()
    assert len({picture.path for picture in pictures}) == 64
    assert set(Counter(picture.label for picture in pictures).values()) == {6, 7}
    files = list(described.golden.iterdir())
    assert sum(file.stat().st_size for file in files) < 300_000
    assert {file.name for file in files if file.suffix == ".png"} == {picture.path.name for picture in pictures}
    assert checkpoint_of(described).stat().st_size < 1_000_000


@pytest.mark.quick(1)
@pytest.mark.slow
def test_the_network_recognises_the_golden_pictures_about_as_often_as_the_card_says(described):
    source = open_source(checkpoint_of(described))
    pictures = described.golden_pictures()
    pixels = np.stack([np.asarray(Image.open(picture.path)) for picture in pictures])
    mean, std = np.float32(source.preprocessing.mean), np.float32(source.preprocessing.std)
    x = torch.from_numpy((pixels / np.float32(255) - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        right = source.module(x).argmax(1).numpy() == [picture.label for picture in pictures]
    # On 64 pictures three standard deviations of such a share are 13 to 16 points, and chance is 10.
    assert abs(right.mean() - described.accuracy.top1) < 0.16


def test_what_this_project_trained_comes_with_its_log_and_the_card_says_what_that_says(described):
    training = described.training
    records = [json.loads(line) for line in training.log.read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(1, len(records) + 1))
    assert f"--epochs {len(records)}" in training.command
    assert f"--net {described.path.parent.name} " in training.command
    # Both score the last epoch's weights on the same pictures, in float32 on one thread or on several.
    assert described.accuracy.top1 == pytest.approx(records[-1]["test_accuracy"], abs=2 / described.accuracy.pictures)
    with Image.open(training.curve) as curve:
        assert curve.format == "PNG"
