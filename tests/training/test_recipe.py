"""Learning rates, and what a batch of pictures becomes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ssc_deploy.errors import TrainingError
from ssc_deploy.training import RECIPES
from ssc_deploy.training.augment import augmented


def rates(name, epochs=None, steps=10):
    recipe = RECIPES[name]
    recipe = dataclasses.replace(recipe, epochs=epochs or recipe.epochs)
    return [recipe.rate(epoch * steps, steps) for epoch in range(recipe.epochs)]


def test_the_paper_s_schedule_drops_at_80_and_120_of_160():
    found = rates("paper")
    assert len(found) == 160
    assert found[0] == found[79] == 0.1
    assert found[80] == found[119] == pytest.approx(0.01)
    assert found[120] == found[159] == pytest.approx(0.001)
    assert RECIPES["paper"].weight_decay == 2e-4
    assert RECIPES["paper"].batch == 128


def test_imagenet_32_drops_every_ten_of_40():
    found = rates("imagenet-32")
    assert [found[epoch] for epoch in (0, 9, 10, 20, 30, 39)] == pytest.approx([0.01, 0.01, 1e-3, 1e-4, 1e-5, 1e-5])
    assert RECIPES["imagenet-32"].weight_decay == 1e-4


def test_other_numbers_of_epochs_keep_the_proportions():
    assert rates("paper", 8) == pytest.approx([0.1] * 4 + [0.01] * 2 + [0.001] * 2)


def test_one_cycle_rises_and_falls_and_is_never_nothing():
    recipe = dataclasses.replace(RECIPES["one-cycle"], epochs=10)
    found = [recipe.rate(step, 10) for step in range(100)]
    assert max(found) == found[30] == recipe.lr
    assert found[:31] == sorted(found[:31])
    assert found[30:] == sorted(found[30:], reverse=True)
    assert 0 < min(found) < recipe.lr / 100


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch": 0}, {"lr": 0.0}, {"lr": float("nan")}, {"seed": -1}])
def test_impossible_recipes_are_refused(change):
    with pytest.raises(TrainingError, match="must be"):
        dataclasses.replace(RECIPES["paper"], **change)


@pytest.mark.slow
def test_each_picture_is_a_crop_of_its_padded_self_mirrored_or_not():
    recipe = RECIPES["paper"]
    pixels = np.random.default_rng(0).integers(1, 256, (400, 8, 8, 3), np.uint8)
    out = augmented(pixels, recipe, np.random.default_rng(1))
    padded = np.pad(pixels, ((0, 0), (4, 4), (4, 4), (0, 0)))
    seen = set()
    for picture, around in zip(out, padded, strict=True):
        found = [
            (top, left, mirrored)
            for top in range(9)
            for left in range(9)
            for mirrored in (False, True)
            if np.array_equal(around[top : top + 8, left : left + 8][:, :: -1 if mirrored else 1], picture)
        ]
        assert len(found) == 1
        seen.add(found[0])
    tops, lefts, mirrored = (set(values) for values in zip(*seen, strict=True))
    assert tops == lefts == set(range(9))
    assert mirrored == {False, True}


def test_neither_padded_nor_flipped_is_unchanged():
    recipe = dataclasses.replace(RECIPES["paper"], pad=0, flip=False)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(augmented(pixels, recipe, np.random.default_rng(1)), pixels)


def test_what_happens_to_a_picture_does_not_depend_on_who_works_on_it():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    whole = augmented(pixels, RECIPES["paper"], np.random.default_rng(1))
    for rank in range(3):
        part = augmented(pixels, RECIPES["paper"], np.random.default_rng(1), slice(rank, None, 3))
        np.testing.assert_array_equal(part, whole[rank::3])
