"""Counting what is right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssc_deploy import evaluation
from ssc_deploy.errors import DataError

NET = Path("net.pt")
NAMES = tuple("abcdefg")


def outputs(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_top1_top5_classes_and_confusion():
    logits = outputs([9, 0, 0, 0, 0, 0, 0], [6, 5, 4, 3, 2, 1, 0], [6, 5, 4, 3, 2, 1, 0], [0, 0, 0, 0, 0, 0, 9])
    scores = evaluation.score(logits, np.array([0, 4, 5, 6]), NAMES, NET)
    assert (scores.correct, scores.top1, scores.pictures) == (2, 0.5, 4)
    assert (scores.correct_top5, scores.top5) == (3, 0.75)
    assert scores.predicted.tolist() == [0, 0, 0, 6]
    assert scores.confusion[4, 0] == scores.confusion[5, 0] == scores.confusion[0, 0] == scores.confusion[6, 6] == 1
    assert scores.confusion.sum() == 4
    by_name = {score.name: score for score in scores.by_class}
    assert (by_name["a"].accuracy, by_name["e"].accuracy, by_name["b"].accuracy) == (1.0, 0.0, None)


def test_of_equal_outputs_the_lower_index_counts():
    scores = evaluation.score(outputs([1, 1, 0], [0, 2, 2]), np.array([0, 2]), NAMES[:3], NET)
    assert scores.predicted.tolist() == [0, 1]


def test_top5_of_five_classes_says_nothing():
    scores = evaluation.score(np.eye(5, dtype=np.float32), np.arange(5), NAMES[:5], NET)
    assert (scores.top1, scores.top5) == (1.0, None)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_scored(value):
    with pytest.raises(DataError, match=r"net.pt gives NaN or Inf for image 2"):
        evaluation.score(outputs([0, 1, 0], [0, value, 0]), np.array([0, 1]), NAMES[:3], NET)


@pytest.mark.quick(1)
@pytest.mark.parametrize("count", [2, 10, 100])
def test_a_confusion_matrix_shows_right_and_wrong_cells_in_their_colours(count):
    truth = np.arange(count)
    said = truth.copy()
    said[0] = 1  # the first class is always taken for the second
    scores = evaluation.score(
        np.eye(count, dtype=np.float32)[said], truth, tuple(f"class {i}" for i in range(count)), NET
    )
    with Image.open(io.BytesIO(evaluation.draw(scores, "a title"))) as image:
        colours = {colour: number for number, colour in image.convert("RGB").getcolors(1 << 24)}
    cell = {2: 44, 10: 44, 100: 9}[count] ** 2
    right, wrong = colours[(20, 100, 60)], colours[(170, 40, 30)]
    assert 0.7 * cell < wrong <= cell
    assert 0.7 * cell * (count - 1) < right <= cell * (count - 1)
